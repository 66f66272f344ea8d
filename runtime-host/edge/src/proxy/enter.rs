//! How a browser gets the cookie of a site's host: a page of the application POSTs a one-time ticket to it.

use super::{Proxy, ProxyHost, headers, pages, unavailable};
use crate::answer::error_answer;
use crate::gate::{AdmitError, Ask, Credential, PassCookie};
use crate::hygiene::Scheme;
use crate::{Body, body};
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use url::form_urlencoded;

/// Where a ticket is POSTed, as the form field `ticket`. The one path of a site's host that is not the site's.
pub const ENTER_PATH: &str = "/.sam/enter";

/// A form with one ticket.
const FORM_BYTES_MAX: u64 = 8 * 1024;

impl Proxy {
    pub(super) async fn enter(&self, host: &ProxyHost, request: Request<Body>) -> Response<Body> {
        if request.method() != Method::POST {
            return pages::not_entered(&request, self.home());
        }
        // Nobody may be brought into another's site unawares.
        if !headers::origin(request.headers()).is_some_and(|origin| self.is_own_origin(origin)) {
            return self.refuse("Only pages of the application may open this.");
        }
        let wants = pages::Wants::of(&request);
        let form = body::read(request.into_body(), FORM_BYTES_MAX)
            .await
            .unwrap_or_default();
        let ticket = form_urlencoded::parse(&form).find(|(name, _)| name == "ticket");
        let ticket = ticket.map(|(_, ticket)| ticket.into_owned());
        let Some(ticket) = ticket else {
            return error_answer(
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                "The form field `ticket` is missing.",
            );
        };
        let ask = Ask {
            label: host.label.clone(),
            path: ENTER_PATH.to_owned(),
            credential: Credential::Ticket(ticket),
        };
        let cookie = match self.admissions.admit(ask).await {
            Ok(pass) => pass.cookie.and_then(|cookie| set_cookie(&cookie, self.scheme)),
            Err(AdmitError::Refused) => return wants.not_entered(self.home()),
            Err(AdmitError::Unavailable) => return unavailable(),
        };
        let Some(cookie) = cookie else {
            return wants.not_entered(self.home());
        };
        let mut response = Response::new(body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let answer = response.headers_mut();
        answer.insert(LOCATION, HeaderValue::from_static("/"));
        answer.insert(SET_COOKIE, cookie);
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// `None` if the value cannot stand in a cookie.
fn set_cookie(cookie: &PassCookie, scheme: Scheme) -> Option<HeaderValue> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte);
    if cookie.value.is_empty() || !cookie.value.bytes().all(is_plain) {
        return None;
    }
    let secure = match scheme {
        Scheme::Http => "",
        Scheme::Https => "; Secure",
    };
    let (name, value, age) = (headers::cookie_name(scheme), &cookie.value, cookie.max_age_s);
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_belongs_to_its_host_alone() {
        let cookie = |value: &str| PassCookie {
            value: value.to_owned(),
            max_age_s: 60,
        };
        let cases = [
            (
                "s3cret_-",
                Scheme::Http,
                Some("sam_port=s3cret_-; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"),
            ),
            (
                "s",
                Scheme::Https,
                Some("__Host-sam_port=s; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
            ),
            ("a; Domain=x", Scheme::Http, None),
            ("", Scheme::Http, None),
        ];
        for (value, scheme, expect) in cases {
            let line = set_cookie(&cookie(value), scheme);
            assert_eq!(line.as_ref().map(|line| line.to_str().unwrap()), expect, "{value:?}");
        }
    }
}
