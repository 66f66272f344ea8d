//! Words between the edge and its application about answers that come from elsewhere, and how the edge marks them.

use http::header::HeaderName;

/// `<name> <epoch>`: the success of the tunnel route names the tunnel that the edge may open.
pub(crate) const X_SAM_TUNNEL: HeaderName = HeaderName::from_static("x-sam-tunnel");

/// A response extension: the answer is not the application's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// The tunnel that it came through, for the access log.
    pub(crate) tunnel: Option<String>,
    /// It is passed on as it is: another server's page, or a switch of protocols.
    pub(crate) is_verbatim: bool,
}

impl Foreign {
    /// The answer of the machine behind a tunnel, under the application's own name.
    pub(crate) fn forwarded(tunnel: &str) -> Self {
        Self {
            tunnel: Some(tunnel.to_owned()),
            is_verbatim: false,
        }
    }

    /// A page of a proxied host.
    pub(crate) fn proxied(tunnel: Option<&str>) -> Self {
        Self {
            tunnel: tunnel.map(str::to_owned),
            is_verbatim: true,
        }
    }

    /// 101.
    pub(crate) fn switched() -> Self {
        Self::proxied(None)
    }
}
