//! Serves the web app: the files of `web/dist`, and `index.html` for every page that the app itself knows.
//!
//! Holds no data and no grant but those files. What it answers is decided in [`site`]; here is only the door.

pub mod files;
pub mod headers;
pub mod media;
pub mod site;

#[cfg(target_family = "wasm")]
mod component {
    use bytes::Bytes;
    use http_body_util::Full;
    use spin_sdk::http::{IntoResponse, Request};

    use crate::files::Mounted;
    use crate::site;

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let (parts, _) = request.into_parts();
        let response = site::answer(&Mounted, &parts.method, parts.uri.path(), &parts.headers);
        response.map(|body| Full::new(Bytes::from(body)))
    }
}
