//! A small object store in S3's language, for installations without an outside one.
//!
//! One bucket, path style, on the edge's own address: `<origin>/<bucket>/<key>`, so that a signature over host and path is
//! the same for the browser, the application and this server. The files lie under one directory.
//!
//! Only four operations pass: GET, HEAD, PUT and DELETE of one object, presigned or signed with the store's one key pair.
//! A presigned URL does not cover headers that its maker did not sign, so headers that would change the operation
//! (`x-amz-copy-source`) are refused. Objects share an origin with the web app, so they are sent as sandboxed attachments:
//! an uploaded page cannot act as the app.
//!
//! A PUT is answered when the object is on the disk.
//!
//! Deliberately absent: listing, copying, multipart uploads, versions, virtual-hosted buckets. Who needs these sets
//! an outside S3 endpoint.

mod cors;
mod durable;
mod rules;

use crate::limit::limit;
use crate::{Body, body};
use cors::Cors;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use rules::Refusal;
use s3s::auth::{SecretKey, SimpleAuth};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tracing::error;

/// What an object store is made of.
#[derive(Clone)]
pub struct ObjectStoreConfig {
    /// The directory of its files; made if absent.
    pub dir: PathBuf,
    /// Its one bucket, a name of letters, digits and hyphens; also the first segment of its path.
    pub bucket: String,
    /// The name of the key pair that signs requests.
    pub access_key: String,
    /// The secret of that key pair.
    pub secret_key: String,
    /// Larger objects get 413.
    pub object_bytes_max: u64,
    /// Origins whose pages may use presigned URLs.
    pub origins: Vec<String>,
}

/// Why the object store cannot be opened.
#[derive(Debug, Error)]
pub enum ObjectStoreError {
    /// The directory of the bucket cannot be made.
    #[error("the object directory {path} cannot be created")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory is there but cannot be used.
    #[error("the object directory {path} cannot be opened: {reason}")]
    Open {
        /// The directory.
        path: PathBuf,
        /// What the file system layer said.
        reason: String,
    },
}

/// The object store. Cheap to clone.
#[derive(Clone)]
pub struct ObjectStore {
    service: S3Service,
    dir: Arc<Path>,
    /// `/<bucket>/`.
    prefix: Arc<str>,
    object_bytes_max: u64,
    cors: Arc<Cors>,
}

impl fmt::Debug for ObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl ObjectStore {
    /// Opens the store and makes its bucket. Blocks on the file system for a moment.
    ///
    /// # Errors
    /// When the directory cannot be made or opened.
    pub fn open(config: ObjectStoreConfig) -> Result<Self, ObjectStoreError> {
        let ObjectStoreConfig {
            dir,
            bucket,
            access_key,
            secret_key,
            object_bytes_max,
            origins,
        } = config;
        let path = dir.join(&bucket);
        std::fs::create_dir_all(&path).map_err(|source| ObjectStoreError::Directory { path, source })?;
        let files = FileSystem::new(&dir).map_err(|error| ObjectStoreError::Open {
            path: dir.clone(),
            reason: format!("{error:?}"),
        })?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(access_key, SecretKey::from(secret_key)));
        let prefix = format!("/{bucket}/").into();
        Ok(Self {
            service: builder.build(),
            dir: dir.into(),
            prefix,
            object_bytes_max,
            cors: Arc::new(Cors::new(origins)),
        })
    }

    /// Whether a path belongs to the store.
    pub(crate) fn serves(&self, path: &str) -> bool {
        path.starts_with(&*self.prefix)
    }

    pub(crate) async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let allowed_origin = self.cors.allowed_origin(request.headers());
        let mut response = if request.method() == Method::OPTIONS {
            let mut preflight = Response::new(body::empty());
            *preflight.status_mut() = StatusCode::NO_CONTENT;
            preflight
        } else {
            match rules::check(&request, &self.prefix, self.object_bytes_max) {
                Ok(()) => self.pass(request).await,
                Err(refusal) => refused(&refusal),
            }
        };
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox; default-src 'none'"),
        );
        headers
            .entry(CONTENT_DISPOSITION)
            .or_insert(HeaderValue::from_static("attachment"));
        Cors::answer(headers, allowed_origin);
        response
    }

    async fn pass(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let (body, over) = limit(body, self.object_bytes_max);
        let stored = (parts.method == Method::PUT).then(|| parts.uri.path().to_owned());
        let request = Request::from_parts(parts, s3s::Body::http_body_unsync(body));
        let answered = self.service.call(request).await;
        if let (Ok(response), Some(path)) = (&answered, stored)
            && response.status().is_success()
            && let Err(error) = self.sync(&path).await
        {
            error!(?error, path, "an object may not be on the disk");
            return refused(&Refusal::Failed);
        }
        match answered {
            _ if over.happened() => refused(&Refusal::TooLarge(self.object_bytes_max)),
            Ok(response) => response.map(BodyExt::boxed_unsync),
            Err(error) => {
                error!(?error, "the object store failed");
                refused(&Refusal::Failed)
            }
        }
    }

    async fn sync(&self, path: &str) -> std::io::Result<()> {
        let Some(key) = path.strip_prefix(&*self.prefix).map(str::to_owned) else {
            return Ok(());
        };
        let (dir, prefix) = (Arc::clone(&self.dir), Arc::clone(&self.prefix));
        let synced = tokio::task::spawn_blocking(move || durable::sync(&dir, prefix.trim_matches('/'), &key));
        synced.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }
}

/// An error as S3 clients read it.
fn refused(refusal: &Refusal) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{refusal}</Message></Error>",
        refusal.code()
    );
    let mut response = Response::new(body::full(xml));
    *response.status_mut() = refusal.status();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
