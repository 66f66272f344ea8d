//! Runs the statements of the request body, a line each, on one connection of the database `default`; answers with a
//! line each: `columns: row | row`, or the error. `x-way` says how: `async`, `sync`, or `count` for a streamed count.
//! A statement `!changes` or `!rowid` asks the connection.

#![allow(clippy::expect_used, reason = "a failure of the host has to show")]

use http_body_util::BodyExt;
use sam_tests_guests::header;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::sqlite::wit::sqlite::{Connection, Error, RowResult, Value};

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let way = header(&request, "x-way").to_owned();
    let body = request
        .into_body()
        .collect()
        .await
        .expect("the body is sent")
        .to_bytes();
    let connection = match way.as_str() {
        "sync" => Connection::open("default"),
        _ => Connection::open_async("default".to_owned()).await,
    };
    let connection = connection.expect("the database is granted");
    let mut answer = String::new();
    for statement in String::from_utf8_lossy(&body).lines() {
        let result = match (statement, way.as_str()) {
            ("!changes", "sync") => Ok(connection.changes().to_string()),
            ("!changes", _) => Ok(connection.changes_async().await.to_string()),
            ("!rowid", "sync") => Ok(connection.last_insert_rowid().to_string()),
            ("!rowid", _) => Ok(connection.last_insert_rowid_async().await.to_string()),
            (_, "sync") => connection
                .execute(statement, &[])
                .map(|result| show(&result.columns, &result.rows)),
            (_, way) => execute(&connection, statement, way == "count").await,
        };
        answer += &result.unwrap_or_else(|error| format!("{error:?}"));
        answer.push('\n');
    }
    answer
}

async fn execute(connection: &Connection, statement: &str, count: bool) -> Result<String, Error> {
    // An error here would be one of the connection; those of the statement come at the end.
    let result = connection.execute_async(statement.to_owned(), Vec::new()).await;
    let (columns, mut rows, end) = result.expect("execute itself succeeds");
    if count {
        let mut number = 0_u32;
        while rows.next().await.is_some() {
            number += 1;
        }
        return end.await.map(|()| number.to_string());
    }
    let rows = rows.collect().await;
    end.await.map(|()| show(&columns, &rows))
}

fn show(columns: &[String], rows: &[RowResult]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| row.values.iter().map(value).collect::<Vec<_>>().join(" "))
        .collect();
    format!("{}: {}", columns.join(" "), rows.join(" | "))
}

fn value(value: &Value) -> String {
    match value {
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:?}"),
        Value::Null => "null".to_owned(),
    }
}
