//! Held streams and long-polls.

use crate::client::{SOON, Server, eventually, read_until, request, start};
use crate::journal::Journal;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use sam_edge::grip::HoldLimits;
use sam_edge::serve::ServeLimits;
use sam_edge::{Body, Edge, EdgeConfig, Upstream, Wakes, body};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::time::timeout;

const STREAM: &[(&str, &str)] = &[("grip-hold", "stream")];
const POLL: &[(&str, &str)] = &[("grip-hold", "response"), ("grip-timeout", "1")];

async fn serve_journal(journal: &Journal, holds: HoldLimits) -> Server {
    start(
        EdgeConfig {
            holds,
            ..EdgeConfig::default()
        },
        ServeLimits::default(),
        journal.clone(),
    )
    .await
}

async fn post(server: &Server, event: &str) {
    let reply = server.send(request("POST", &format!("/events?{event}"), &[])).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.headers.contains_key("x-sam-wake"));
}

#[tokio::test]
async fn a_stream_gets_every_event_once_and_ends_when_it_is_no_longer_allowed() {
    let journal = Journal::new(STREAM);
    journal.append("zero");
    let server = serve_journal(&journal, HoldLimits::default()).await;
    let credentials = [
        ("cookie", "session=1"),
        ("authorization", "Bearer t"),
        ("last-event-id", "9"),
    ];
    let response = server.open(request("GET", "/events?after=0", &credentials)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(
        response
            .headers()
            .keys()
            .all(|name| !name.as_str().starts_with("grip-"))
    );
    let mut body = response.into_body();
    let mut seen = read_until(&mut body, "zero").await;
    for event in ["one", "two"] {
        post(&server, event).await;
        seen += &read_until(&mut body, event).await;
    }
    assert_eq!(seen, "data: zero\n\ndata: one\n\ndata: two\n\n");
    assert_eq!(
        *journal.inner.credentials.lock().unwrap(),
        "session=1 Bearer t",
        "the link is asked as the client"
    );

    journal.inner.status.store(401, Ordering::SeqCst);
    post(&server, "secret").await;
    let rest = timeout(SOON, body.collect())
        .await
        .expect("the stream ends")
        .unwrap()
        .to_bytes();
    assert!(rest.is_empty(), "nothing of a refusal reaches the stream: {rest:?}");
}

#[tokio::test]
async fn a_stream_ends_after_an_answer_that_does_not_hold() {
    let journal = Journal::new(STREAM);
    let server = serve_journal(&journal, HoldLimits::default()).await;
    let body = server.open(request("GET", "/events", &[])).await.into_body();
    eventually("the first question", || journal.asked() == 1).await;
    journal.inner.grip.lock().unwrap().clear();
    post(&server, "last").await;
    let rest = timeout(SOON, body.collect())
        .await
        .expect("the stream ends")
        .unwrap()
        .to_bytes();
    assert_eq!(rest, "data: last\n\n");
}

/// An application in which another client's write lands between its look at the list and its answer.
#[derive(Clone)]
struct Racing {
    journal: Journal,
    edge: Arc<OnceLock<Edge<Racing>>>,
    raced: Arc<AtomicBool>,
}

impl Upstream for Racing {
    // Spelled out, because an `async fn` that calls the edge that calls it has no finite type.
    fn call(&self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send {
        let this = self.clone();
        Box::pin(async move {
            let answer = this.journal.call(request).await;
            if !this.raced.swap(true, Ordering::SeqCst) {
                let edge = this.edge.get().unwrap().clone();
                let post = Request::post("/events?raced")
                    .header("host", "h")
                    .body(body::empty())
                    .unwrap();
                let write: std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>> =
                    Box::pin(async move { edge.handle(post, None).await });
                assert_eq!(write.await.status(), StatusCode::OK);
            }
            answer
        }) as std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>>
    }
}

#[tokio::test]
async fn a_wake_between_the_look_and_the_hold_is_not_lost() {
    for (grip, expect) in [(STREAM, "data: raced"), (POLL, "data: raced")] {
        let racing = Racing {
            journal: Journal::new(grip),
            edge: Arc::default(),
            raced: Arc::default(),
        };
        let edge = Edge::new(EdgeConfig::default(), racing.clone());
        racing.edge.set(edge.clone()).ok();
        let get = Request::get("/events?after=0")
            .header("host", "h")
            .body(body::empty())
            .unwrap();
        let response = timeout(SOON, edge.handle(get, None)).await.expect("a long-poll ends");
        let frame = timeout(Duration::from_millis(500), response.into_body().frame())
            .await
            .expect("the raced event");
        let data = frame.unwrap().unwrap().into_data().unwrap();
        assert!(String::from_utf8_lossy(&data).starts_with(expect), "{grip:?}: {data:?}");
    }
}

#[tokio::test]
async fn many_wakes_are_few_questions() {
    let journal = Journal::new(STREAM);
    let server = serve_journal(&journal, HoldLimits::default()).await;
    let mut body = server.open(request("GET", "/events", &[])).await.into_body();
    let started = Instant::now();
    for n in 0..300 {
        post(&server, &format!("event-{n}")).await;
    }
    let seen = read_until(&mut body, "event-299").await;
    assert_eq!(seen.matches("data: ").count(), 300);
    let most = 3 + started.elapsed().as_millis() / HoldLimits::default().interval_min.as_millis();
    assert!(
        (journal.asked() as u128) < most,
        "{} questions, at most {most}",
        journal.asked()
    );
}

#[tokio::test]
async fn a_long_poll_ends_with_news_or_with_what_was_said_at_first() {
    let journal = Journal::new(POLL);
    let server = serve_journal(&journal, HoldLimits::default()).await;
    let started = Instant::now();
    let reply = server.send(request("GET", "/events?after=0", &[])).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "nothing\n".to_owned()));
    assert!(started.elapsed() >= Duration::from_secs(1), "held until its time-out");

    let (reply, ()) = tokio::join!(server.send(request("GET", "/events?after=0", &[])), async {
        eventually("the question", || journal.asked() == 2).await;
        post(&server, "news").await;
    });
    assert_eq!(reply.text(), "data: news\n\n");
}

#[tokio::test]
async fn idle_streams_are_kept_alive_and_asked_again_in_time() {
    let journal = Journal::new(&[
        ("grip-hold", "stream"),
        ("grip-timeout", "2"),
        ("grip-keep-alive", "tick\\n; format=cstring; timeout=1"),
    ]);
    let server = serve_journal(&journal, HoldLimits::default()).await;
    let mut body = server.open(request("GET", "/events", &[])).await.into_body();
    assert_eq!(read_until(&mut body, "tick").await, "tick\n");
    // Nobody woke the topic, as if another process had written.
    journal.append("unannounced");
    assert!(
        read_until(&mut body, "unannounced")
            .await
            .ends_with("data: unannounced\n\n")
    );
}

#[tokio::test]
async fn holds_have_limits_and_are_given_back() {
    let journal = Journal::new(STREAM);
    let server = serve_journal(
        &journal,
        HoldLimits {
            per_client_max: 2,
            ..HoldLimits::default()
        },
    )
    .await;
    let alice = [("cookie", "alice")];
    let first = server.open(request("GET", "/events", &alice)).await;
    let _second = server.open(request("GET", "/events", &alice)).await;
    let refused = server.send(request("GET", "/events", &alice)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(refused.text().contains("TOO_MANY_STREAMS"));
    assert_eq!(
        server
            .open(request("GET", "/events", &[("cookie", "bob")]))
            .await
            .status(),
        StatusCode::OK
    );
    drop(first);
    let freed = async {
        while server.open(request("GET", "/events", &alice)).await.status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, freed).await.expect("a client that left frees its hold");
}

#[tokio::test]
async fn a_hold_that_cannot_be_obeyed_is_a_bad_gateway() {
    let journal = Journal::new(&[("grip-hold", "sideways")]);
    let server = serve_journal(&journal, HoldLimits::default()).await;
    assert_eq!(
        server.send(request("GET", "/events", &[])).await.status,
        StatusCode::BAD_GATEWAY
    );
}

#[tokio::test]
async fn shutdown_ends_holds_and_finishes_what_is_in_flight() {
    for grip in [STREAM, &[("grip-hold", "response"), ("grip-timeout", "60")]] {
        let journal = Journal::new(grip);
        let server = serve_journal(&journal, HoldLimits::default()).await;
        let waiting = server.send(request("GET", "/events", &[]));
        let (reply, ()) = tokio::join!(waiting, async {
            eventually("the hold", || journal.asked() == 1).await;
            server.shutdown.cancel();
        });
        assert_eq!(reply.status, StatusCode::OK, "{grip:?}");
        assert!(
            timeout(SOON, server.served).await.expect("the server ends").unwrap(),
            "all connections ended"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_streams_cost_nothing_until_they_wake() {
    let journal = Journal::new(STREAM);
    let wakes = Wakes::default();
    let edge = Edge::new(
        EdgeConfig {
            wakes,
            ..EdgeConfig::default()
        },
        journal.clone(),
    );
    let mut streams = Vec::new();
    for n in 0..1000 {
        let get = Request::get("/events?after=0")
            .header("host", "h")
            .header("cookie", n.to_string());
        streams.push(edge.handle(get.body(body::empty()).unwrap(), None).await.into_body());
    }
    let readers = streams
        .into_iter()
        .map(|mut body| tokio::spawn(async move { body.frame().await }));
    let readers: Vec<_> = readers.collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(journal.asked(), 1000, "idle streams ask nothing");

    let woken = Instant::now();
    let post = Request::post("/events?wake")
        .header("host", "h")
        .body(body::empty())
        .unwrap();
    edge.handle(post, None).await;
    for reader in readers {
        let frame = timeout(SOON, reader)
            .await
            .expect("every stream wakes")
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(frame.into_data().unwrap(), "data: wake\n\n");
    }
    assert_eq!(journal.asked(), 2000, "one wake is one question for each stream");
    assert!(woken.elapsed() < Duration::from_secs(2), "took {:?}", woken.elapsed());
}
