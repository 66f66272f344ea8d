//! An application with one append-only list: `GET /events?after=N` answers at once and asks for a hold,
//! `POST /events` appends and wakes.

use http::{Method, Request, Response, StatusCode};
use sam_edge::{Body, Upstream, body};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub(crate) struct Journal {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Default)]
pub(crate) struct Inner {
    events: Mutex<Vec<String>>,
    /// How often the list was asked for.
    pub(crate) asked: AtomicUsize,
    /// The status of the next lists; 0 means 200.
    pub(crate) status: AtomicU16,
    /// `stream` or `response`, and more GRIP headers.
    pub(crate) grip: Mutex<Vec<(&'static str, String)>>,
    /// The credentials of the latest question.
    pub(crate) credentials: Mutex<String>,
}

impl Journal {
    pub(crate) fn new(grip: &[(&'static str, &str)]) -> Self {
        let journal = Self::default();
        *journal.inner.grip.lock().unwrap() = grip.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        journal
    }

    pub(crate) fn append(&self, event: &str) {
        self.inner.events.lock().unwrap().push(event.to_owned());
    }

    pub(crate) fn asked(&self) -> usize {
        self.inner.asked.load(Ordering::SeqCst)
    }

    /// What the application says after `after` events.
    pub(crate) fn list(&self, request: &Request<Body>) -> Response<Body> {
        self.inner.asked.fetch_add(1, Ordering::SeqCst);
        let credential = |name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap());
        *self.inner.credentials.lock().unwrap() = format!("{} {}", credential("cookie"), credential("authorization"));
        let query = request.uri().query().unwrap_or_default();
        let after: usize = query.strip_prefix("after=").unwrap_or("0").parse().unwrap();
        let events = self.inner.events.lock().unwrap();
        let text: String = events
            .iter()
            .skip(after)
            .map(|event| format!("data: {event}\n\n"))
            .collect();
        let mut response = Response::builder()
            .header("content-type", "text/event-stream")
            .header("grip-channel", "journal")
            .header("grip-link", format!("</events?after={}>; rel=next", events.len()));
        let status = self.inner.status.load(Ordering::SeqCst);
        if status != 0 {
            response = response.status(status);
        }
        let is_poll_with_news = !text.is_empty() && self.is_poll();
        if !is_poll_with_news {
            for (name, value) in self.inner.grip.lock().unwrap().iter() {
                response = response.header(*name, value);
            }
        }
        let text = if text.is_empty() && self.is_poll() {
            "nothing\n".to_owned()
        } else {
            text
        };
        response.body(body::full(text)).unwrap()
    }

    fn is_poll(&self) -> bool {
        self.inner
            .grip
            .lock()
            .unwrap()
            .contains(&("grip-hold", "response".to_owned()))
    }
}

impl Upstream for Journal {
    async fn call(&self, request: Request<Body>) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/events") => self.list(&request),
            (&Method::POST, "/events") => {
                self.append(request.uri().query().unwrap_or_default());
                Response::builder()
                    .header("x-sam-wake", "journal, work:mail")
                    .body(body::empty())
                    .unwrap()
            }
            _ => Response::builder()
                .status(StatusCode::NOT_FOUND)
                .body(body::empty())
                .unwrap(),
        }
    }
}
