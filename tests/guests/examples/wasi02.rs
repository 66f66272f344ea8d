//! A handler of wasi:http 0.2: answers with the path, or traps on `/wasi02/trap`.

#![allow(clippy::expect_used, reason = "a failure of the host has to show")]

use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Handler;

impl wasip2::exports::http::incoming_handler::Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        assert_ne!(path, "/wasi02/trap", "asked to");
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream is taken once");
        stream
            .blocking_write_and_flush(path.as_bytes())
            .expect("the host reads");
        drop(stream);
        OutgoingBody::finish(body, None).expect("no length was promised");
    }
}

mod wit {
    use super::Handler;
    wasip2::http::proxy::export!(Handler);
}
