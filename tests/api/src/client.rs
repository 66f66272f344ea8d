//! A small HTTP client that behaves as a browser page of ours does: it keeps the session cookie and sends its Origin.

use anyhow::{Context, Result, bail};
use reqwest::header::{COOKIE, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Somebody, with or without credentials.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    origin: Option<String>,
    cookie: Option<String>,
    bearer: Option<String>,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON when the status is as expected; else an error that shows the answer.
    pub fn expect(self, status: u16) -> Result<Value> {
        if self.status.as_u16() != status {
            bail!("expected {status}, got {}: {}", self.status, self.text);
        }
        if self.text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.text).with_context(|| format!("not JSON: {}", self.text))
    }

    /// A header's value, or "".
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Client {
    /// Nobody, at `base`.
    pub fn new(base: &str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap_or_default(),
            base: base.to_owned(),
            origin: Some(base.to_owned()),
            cookie: None,
            bearer: None,
        }
    }

    /// The same, with `Authorization: Bearer`, and no cookie or Origin: what curl would send.
    pub fn with_bearer(&self, token: &str) -> Self {
        Self {
            origin: None,
            cookie: None,
            bearer: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same place, without any credential.
    pub fn without_cookie(&self) -> Self {
        Self::new(&self.base)
    }

    /// The same, sending another Origin (or none).
    pub fn with_origin(&self, origin: Option<&str>) -> Self {
        Self {
            origin: origin.map(str::to_owned),
            ..self.clone()
        }
    }

    /// Signs in with a one-time token; `name` is what an invited person calls themselves.
    pub async fn login(&self, token: &str, name: Option<&str>) -> Result<Self> {
        let mut body = json!({"token": token});
        if let (Some(name), Some(body)) = (name, body.as_object_mut()) {
            body.insert("name".into(), name.into());
        }
        let answer = self.post("/api/auth/login", &body).await?;
        let cookie = answer
            .header(SET_COOKIE.as_str())
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned();
        answer.expect(200)?;
        if cookie.is_empty() {
            bail!("the login set no cookie");
        }
        Ok(Self {
            cookie: Some(cookie),
            ..self.clone()
        })
    }

    /// `name=value` of the session cookie.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// GET as a browser opens a page.
    pub async fn page(&self, path: &str) -> Result<Answer> {
        let asked = self.request(Method::GET, path, None)?.header("accept", "text/html");
        read(asked.send().await.with_context(|| format!("opening {path}"))?).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(Method::DELETE, path, None).await
    }

    /// Any method, with or without a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let response = self
            .request(method, path, body)?
            .send()
            .await
            .with_context(|| format!("asking {path}"))?;
        read(response).await
    }

    /// A request whose response is read piece by piece, for streams.
    pub async fn stream(&self, path: &str) -> Result<reqwest::Response> {
        Ok(self
            .request(Method::GET, path, None)?
            .header("accept", "text/event-stream")
            .send()
            .await?)
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<reqwest::RequestBuilder> {
        let mut headers = HeaderMap::new();
        if let Some(origin) = &self.origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin)?);
        }
        if let Some(cookie) = &self.cookie {
            headers.insert(COOKIE, HeaderValue::from_str(cookie)?);
        }
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .headers(headers);
        if let Some(token) = &self.bearer {
            request = request.bearer_auth(token);
        }
        Ok(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }
}

async fn read(response: reqwest::Response) -> Result<Answer> {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.context("reading an answer")?;
    Ok(Answer { status, headers, text })
}
