//! What the system says about itself to programs.

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use sam_contract::http::discovery::{Jwks, OpenApiDocument};
use sam_kit::call::Call;
use sam_kit::error::ApiError;
use sam_kit::reply::Reply;
use sam_kit::vault::signer;

/// Both documents change with a release or a key rotation only.
const PUBLIC_FOR_AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// `GET /api/openapi.json`
pub(crate) async fn openapi((): (), _: Call<()>) -> Result<Reply<OpenApiDocument>, ApiError> {
    let document = serde_json::to_value(sam_contract::openapi::document());
    let document = document.map_err(|error| ApiError::internal(format!("writing the OpenAPI document: {error}")))?;
    Ok(Reply::new(OpenApiDocument(document)).header(CACHE_CONTROL, PUBLIC_FOR_AN_HOUR))
}

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks((): (), _: Call<()>) -> Result<Reply<Jwks>, ApiError> {
    let keys = signer::jwks()
        .await
        .map_err(|error| ApiError::internal(format!("vault: {error:?}")))?;
    let keys = serde_json::from_str(&keys).map_err(|error| ApiError::internal(format!("the vault's keys: {error}")))?;
    Ok(Reply::new(keys).header(CACHE_CONTROL, PUBLIC_FOR_AN_HOUR))
}
