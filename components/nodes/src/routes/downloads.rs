//! What a machine fetches before it is a node. Public: there is nothing secret in it.

use std::fs::File;
use std::io::Read;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue};
use sam_contract::agent::PROTOCOL;
use sam_contract::error::ErrorCode;
use sam_contract::http::nodes::{AgentVersion, DownloadQuery};
use sam_contract::route::{Query, Script};
use sam_kit::call::Call;
use sam_kit::error::ApiError;
use sam_kit::reply::Answer;

use crate::{binaries, install};

/// `GET /api/agent/install`
pub(crate) async fn install((): (), call: Call<()>) -> Result<Script, ApiError> {
    install::script(&call.site).map(Script)
}

/// `GET /api/agent/version`
pub(crate) async fn version((): (), _: Call<()>) -> Result<AgentVersion, ApiError> {
    Ok(AgentVersion {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        binaries: binaries::all().to_vec(),
    })
}

/// `GET /api/agent/download`
pub(crate) async fn download((): (), call: Call<Query<DownloadQuery>>) -> Result<Answer, ApiError> {
    let Query(DownloadQuery { os, arch }) = &call.input;
    if !binaries::is_known(os, arch) {
        return Err(ApiError::new(
            ErrorCode::NotFound,
            "There are agents for os=linux with arch=amd64 or arch=arm64.",
        ));
    }
    let Some((opened, bytes)) = binaries::open(os, arch) else {
        return Err(ApiError::new(
            ErrorCode::NotFound,
            format!("This site has no agent for {os}-{arch}: its operator has to build it."),
        ));
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    Ok(Answer::bytes(Body::from_stream(pieces(opened)), headers))
}

/// The file, a piece at a time, read when the one before was sent.
fn pieces(file: File) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; binaries::PIECE_BYTES];
        let n = file.read(&mut piece)?;
        piece.truncate(n);
        Ok((n > 0).then(|| (Bytes::from(piece), file)))
    })
}
