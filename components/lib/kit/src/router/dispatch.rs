//! One request: guard, rate limit, parse, handler, audit, answer.

use std::future::Future;

use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use sam_contract::audit::AuditOutcome;
use sam_contract::error::ErrorCode;
use sam_contract::ids::{AccountId, RequestId, UserId};
use sam_contract::route::{Auth, Encoded, Forward, Input, InputError, Output, RawInput, RouteInfo};

use crate::call::{Call, client_address};
use crate::error::ApiError;
use crate::guard::{self, Admits, Caller, Knock, Principal};
use crate::reply::{Answer, Answers, Extras, Payload};
use crate::site::Site;
use crate::{audit, clock, db, ids, limits, report};

/// What the edge calls the request, and how our answer refers to it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Whom the edge should wake.
const WAKE: HeaderName = HeaderName::from_static("x-sam-wake");
/// Through whose tunnel the edge should fetch the answer instead of ours.
const FORWARD: HeaderName = HeaderName::from_static("x-sam-forward");
/// Method, path and query of that request.
const FORWARD_TARGET: HeaderName = HeaderName::from_static("x-sam-forward-target");

/// Serves a request to `route`.
pub(super) async fn request<G, I, O, H, F, A>(
    route: &RouteInfo,
    handler: &H,
    path: &RawPathParams,
    request: Request,
) -> Response
where
    G: Admits,
    I: Input,
    O: Output,
    H: Fn(G::Principal, Call<I>) -> F,
    F: Future<Output = Result<A, ApiError>>,
    A: Answers<O>,
{
    let (parts, body) = request.into_parts();
    let request_id = request_id(&parts.headers);
    let now = clock::now();
    let path: Vec<(String, String)> = path
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut actor: Option<Principal> = None;
    let result = async {
        let site = Site::of(&parts.uri, &parts.headers).await?;
        let knock = Knock {
            method: &parts.method,
            path: parts.uri.path(),
            headers: &parts.headers,
            site: &site,
            now,
        };
        let verdict = guard::admit(&db::CORE, route, &knock).await?;
        actor = verdict.caller.as_ref().and_then(Caller::user).cloned();
        if let Some(limit) = route.rate_limit {
            let caller = verdict
                .caller
                .as_ref()
                .map_or_else(|| client_address(&parts.headers), Caller::name);
            limits::count(&db::CORE, route.id, &caller, limit, now).await?;
        }
        verdict.decision?;
        let body = read(body, route.body_bytes_max).await?;
        let raw = RawInput {
            path: &path,
            query: parts.uri.query().unwrap_or_default(),
            body: &body,
            content_type: parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()),
        };
        let input = I::parse(&raw).map_err(|error| input_error(&error))?;
        let principal = G::principal(verdict.caller).ok_or_else(|| ApiError::internal("a guard without principal"))?;
        let call = Call {
            input,
            now,
            request_id,
            headers: parts.headers.clone(),
            site,
        };
        handler(principal, call).await?.answer()
    }
    .await;
    let extras = result.as_ref().map(|answer| &answer.extras).ok();
    let own_status = result
        .as_ref()
        .map_or_else(|error| Some(error.code.status()), |answer| answer.extras.status);
    let status = own_status.unwrap_or(route.status);
    let known = actor.map(|who| (who.user_id, who.account_id));
    let done = Deed {
        at: now,
        request_id,
        actor: known.or_else(|| extras.and_then(|extras| extras.actor)),
        target: path
            .into_iter()
            .next()
            .map(|(_, id)| id)
            .or_else(|| extras.and_then(|extras| extras.target.clone())),
        status,
    };
    keep(route, done).await;
    match result {
        Ok(answer) => respond(answer, status, request_id),
        Err(error) => fail(error, route.component, route.id, request_id).await,
    }
}

/// What a request did.
struct Deed {
    at: i64,
    request_id: RequestId,
    actor: Option<(UserId, AccountId)>,
    target: Option<String>,
    status: u16,
}

/// Appends the audit row of a route that changes something. A caller nobody knows leaves a row only where the route
/// is open to them: else anyone could fill the log.
async fn keep(route: &RouteInfo, deed: Deed) {
    let Some(action) = route.audit else { return };
    let too_often = deed.status == ErrorCode::RateLimitExceeded.status();
    let stranger = deed.actor.is_none() && route.auth != Auth::Public && deed.status >= 400;
    if too_often || stranger {
        return;
    }
    let request_id = deed.request_id;
    let entry = audit::Entry {
        at: deed.at,
        actor: deed.actor.map(|(user, _)| user),
        account: deed.actor.map(|(_, account)| account),
        action,
        target: deed.target,
        request_id,
        outcome: AuditOutcome::of_status(deed.status),
    };
    if let Err(error) = audit::append(&db::CORE, &entry).await {
        // The change is made and cannot be taken back; whoever watches errors must see that its row is missing.
        let message = format!(
            "audit row of {} lost: {}",
            action.as_str(),
            error.internal.unwrap_or(error.message)
        );
        report::failure(route.component, route.id, Some(request_id), &message).await;
    }
}

async fn read(body: Body, bytes_max: u32) -> Result<bytes::Bytes, ApiError> {
    let limit = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    to_bytes(body, limit).await.map_err(|error| {
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(cause) = source {
            if cause.is::<http_body_util::LengthLimitError>() {
                let message = format!("The body is longer than {bytes_max} bytes.");
                return ApiError::new(ErrorCode::PayloadTooLarge, message);
            }
            source = cause.source();
        }
        ApiError::bad_request("The body broke off.")
    })
}

fn input_error(error: &InputError) -> ApiError {
    match error {
        InputError::NoSuchPath => ApiError::not_found(),
        InputError::NotJson | InputError::NotBytes => {
            ApiError::new(ErrorCode::UnsupportedMediaType, format!("{error}."))
        }
        InputError::Malformed { .. } => ApiError::bad_request(error.to_string()),
    }
}

/// The edge's name of the request; on a host without our edge it gets one here.
pub(super) fn request_id(headers: &HeaderMap) -> RequestId {
    let named = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    // Proxies that write ULIDs in capitals mean the same request.
    let named = named.and_then(|text| text.to_ascii_lowercase().parse().ok());
    named
        .or_else(|| ids::new().ok())
        .unwrap_or_else(|| sam_contract::ids::Id::from_parts(clock::now(), 0))
}

pub(super) fn respond(answer: Answer, status: u16, request_id: RequestId) -> Response {
    let (content_type, body, forward) = match answer.payload {
        Payload::Encoded(encoded) => (encoded.content_type, Body::from(encoded.body), encoded.forward),
        Payload::Stream(content_type, body) => (Some(content_type), body, None),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    // Answers are someone's own: no cache may keep them unless the handler says so.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(answer.extras.headers);
    if let Some(media) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    }
    if let Some(Forward { node, method, target }) = forward {
        let target = HeaderValue::from_str(&format!("{} {target}", method.as_str()));
        if let (Ok(node), Ok(target)) = (HeaderValue::from_str(&node.to_string()), target) {
            headers.insert(FORWARD, node);
            headers.insert(FORWARD_TARGET, target);
        }
    }
    let wakes: Vec<String> = answer.extras.wakes.iter().map(ToString::to_string).collect();
    if let Some(value) = HeaderValue::from_str(&wakes.join(","))
        .ok()
        .filter(|_| !wakes.is_empty())
    {
        headers.insert(WAKE, value);
    }
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

/// Answers with an error, reporting it when it is ours.
pub(super) async fn fail(error: ApiError, component: &'static str, place: &str, request_id: RequestId) -> Response {
    if let Some(internal) = &error.internal {
        report::failure(component, place, Some(request_id), internal).await;
    }
    envelope(error, request_id)
}

/// Answers with an error that is the caller's.
pub(super) fn refuse(error: ApiError, headers: &HeaderMap) -> Response {
    envelope(error, request_id(headers))
}

fn envelope(error: ApiError, request_id: RequestId) -> Response {
    let status = error.code.status();
    let retry_after = error
        .details
        .as_ref()
        .and_then(|d| d.get("retry_after_s"))
        .and_then(serde_json::Value::as_i64);
    let body = serde_json::to_vec(&error.into_body(Some(request_id))).unwrap_or_default();
    let encoded = Encoded::new("application/json", body);
    let mut headers = HeaderMap::new();
    if let Some(seconds) = retry_after {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == ErrorCode::Unauthorized.status() {
        headers.insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let answer = Answer {
        extras: Extras {
            headers,
            ..Extras::default()
        },
        payload: Payload::Encoded(encoded),
    };
    respond(answer, status, request_id)
}
