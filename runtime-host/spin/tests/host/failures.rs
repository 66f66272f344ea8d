//! Guests that trap, hang or eat memory: an error for their own request, and nothing for anybody else's.

use std::time::{Duration, Instant};

use futures::future::join_all;
use http_body_util::BodyExt;
use spin_host::Limits;

use crate::harness::{App, guest, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_a_500_with_the_request_id() {
    let app = App::start(&[guest("trap")]).await;
    let answer = app.get_with("/trap/now", &[("x-request-id", "my-id-1")]).await;
    answer.assert_error(500, "INTERNAL");
    assert!(answer.body.contains(r#""request_id":"my-id-1""#), "{answer:?}");
    app.get("/trap/not").await.assert(200, "half whole");
    assert_eq!(app.metric(r#"spin_traps_total{component="trap"}"#), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_within_a_response_breaks_it_off_visibly() {
    let app = App::start(&[guest("trap")]).await;
    let body = app.open("/trap/stream", &[]).await.into_body();
    assert!(body.collect().await.is_err(), "a torn answer looked whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_after_the_response_is_counted() {
    let app = App::start(&[guest("trap")]).await;
    app.get("/trap/later").await.assert(200, "half whole");
    until("the trap is counted", || {
        app.metric(r#"spin_traps_total{component="trap"}"#) == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traps_under_load_touch_no_other_request() {
    let app = App::start(&[guest("trap")]).await;
    let answers = join_all((0..200).map(|n| {
        let app = &app;
        async move {
            (
                n % 4 == 0,
                app.get(if n % 4 == 0 { "/trap/now" } else { "/trap/not" }).await,
            )
        }
    }))
    .await;
    for (trapped, answer) in answers {
        if trapped {
            answer.assert_error(500, "INTERNAL")
        } else {
            answer.assert(200, "half whole")
        }
    }
    assert_eq!(app.metric(r#"spin_traps_total{component="trap"}"#), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_loops_are_stopped_and_delay_nobody_for_long() {
    let limits = Limits {
        request_timeout: Duration::from_secs(1),
        ..Limits::default()
    };
    let app = App::start_with(&[guest("busy")], limits).await;
    app.get("/busy/not").await.assert(200, "calm");
    let hang = async {
        let start = Instant::now();
        let answers = join_all((0..4).map(|_| app.get("/busy/now"))).await;
        for answer in answers {
            answer.assert_error(504, "TIMEOUT");
        }
        start.elapsed()
    };
    let siblings = async {
        for _ in 0..20 {
            app.get("/busy/not").await.assert(200, "calm");
        }
    };
    let (took, ()) = futures::join!(hang, siblings);
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert_eq!(app.metric(r#"spin_timeouts_total{component="busy"}"#), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_loop_after_the_response_is_stopped_at_its_own_deadline() {
    let limits = Limits {
        post_return_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let app = App::start_with(&[guest("busy")], limits).await;
    app.get("/busy/later").await.assert(200, "calm");
    until("the loop is stopped", || {
        app.metric(r#"spin_timeouts_total{component="busy"}"#) == 1
    })
    .await;
    app.get("/busy/not").await.assert(200, "calm");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_too_long_is_a_504() {
    let limits = Limits {
        request_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let app = App::start_with(&[guest("slow")], limits).await;
    app.get("/slow?ms=60000").await.assert_error(504, "TIMEOUT");
    app.get("/slow?ms=0").await.assert(200, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited_per_instance() {
    let limits = Limits {
        memory_bytes_max: 32 << 20,
        ..Limits::default()
    };
    let app = App::start_with(&[guest("memory")], limits).await;
    app.get("/memory?mib=16").await.assert(200, &(16 << 20).to_string());
    app.get("/memory?mib=64").await.assert_error(500, "INTERNAL");
    app.get("/memory?mib=16").await.assert(200, &(16 << 20).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_early_frees_its_instance() {
    let app = App::start(&[guest("slow")]).await;
    let request = app.get("/slow?ms=500");
    assert!(tokio::time::timeout(Duration::from_millis(100), request).await.is_err());
    assert!(app.host.drain(Duration::from_secs(10)).await);
}
