//! Reports what a guest sees of the world: environment, files, and whether it may write or connect.

#![allow(clippy::print_stdout, reason = "its output is what is tested")]

use std::io::Write;
use std::net::TcpStream;

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(_request: Request) -> impl IntoResponse {
    println!("to standard output");
    eprintln!("to standard error");
    print!("half a line");
    let _ = std::io::stdout().flush();
    let environment: Vec<String> = std::env::vars()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "environment: {}\nfile: {:?}\noutside: {}\nwrite: {}\nconnect: {}\n",
        environment.join(","),
        std::fs::read_to_string("/assets/greeting.txt").ok(),
        std::fs::read_to_string("/assets/../../secret.txt").is_ok(),
        std::fs::write("/assets/new.txt", "x").is_ok(),
        TcpStream::connect("127.0.0.1:80").is_ok(),
    )
}
