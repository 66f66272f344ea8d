//! What guests see of the machine, and where their output goes.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{App, guest, until};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_what_it_was_given_and_its_output_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // Guests run on other threads, so the subscriber has to be everybody's; other tests only add lines to it.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let table = "environment = { COLOUR = \"blue\" }\nfiles = [{ source = \"assets\", destination = \"/assets\" }]";
    let app = App::start(&[guest("surroundings").with(table)]).await;
    let answer = app.get_with("/surroundings", &[("x-request-id", "seen-1")]).await;
    answer.assert(
        200,
        "environment: COLOUR=blue\nfile: Some(\"good morning\")\noutside: false\nwrite: false\nconnect: false\n",
    );
    for (stream, line) in [("stdout", "to standard output"), ("stderr", "to standard error")] {
        until("the line is logged", || {
            log.text().lines().any(|logged| {
                [
                    line,
                    "component=\"surroundings\"",
                    "request_id=\"seen-1\"",
                    &format!("stream=\"{stream}\""),
                ]
                .iter()
                .all(|part| logged.contains(part))
            })
        })
        .await;
    }
}
