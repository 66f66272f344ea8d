//! From the text of one entry to an [`AllowedHost`].

use std::net::IpAddr;

use ipnet::IpNet;

use super::{AllowedHost, AllowedHosts, HostError, HostPattern, Ports};

pub(super) fn allowed_host(entry: &str) -> Result<AllowedHost, HostError> {
    let wrong = |reason: String| HostError::new(entry, reason);
    let text = entry.trim();
    if matches!(text, "*" | "insecure:allow-all") {
        return Err(wrong("write `*://*:*` to allow everything".into()));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(wrong("it needs a scheme, such as `https://` or `*://`".into()));
    };
    if scheme != "*" && (scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphabetic())) {
        return Err(wrong(format!("scheme {scheme:?} must be `*` or letters")));
    }
    let (host, port) = split_port(rest.strip_suffix('/').unwrap_or(rest)).map_err(wrong)?;
    Ok(AllowedHost {
        scheme: (scheme != "*").then(|| scheme.to_ascii_lowercase()),
        host: host_pattern(host).map_err(wrong)?,
        ports: ports(port, scheme).map_err(wrong)?,
    })
}

/// An IPv6 address without the brackets that a URL puts around it.
pub(super) fn bare_address(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// Cuts `host[:port]`. Colons inside brackets belong to the host.
fn split_port(text: &str) -> Result<(&str, Option<&str>), String> {
    let after_address = match text.starts_with('[') {
        true => text.find(']').ok_or("the `[` of an IPv6 address is not closed")?,
        false => 0,
    };
    let (address, rest) = text.split_at(after_address);
    Ok(match rest.split_once(':') {
        Some((host, port)) => (text.get(..address.len() + host.len()).unwrap_or(text), Some(port)),
        None => (text, None),
    })
}

fn host_pattern(host: &str) -> Result<HostPattern, String> {
    let host = host.to_ascii_lowercase();
    let (name, length) = match host.split_once('/') {
        Some((name, length)) => (name, Some(length)),
        None => (host.as_str(), None),
    };
    let address = bare_address(name).parse::<IpAddr>().ok();
    if let (Some(address), Some(length)) = (address, length) {
        let block = length.parse().ok().and_then(|length| IpNet::new(address, length).ok());
        return block
            .map(HostPattern::Block)
            .ok_or_else(|| format!("{host:?} is not an address block"));
    }
    if length.is_some() {
        return Err("it has a path; a grant covers a whole host".into());
    }
    if let Some(address) = address {
        return Ok(HostPattern::Block(address.into()));
    }
    match name {
        "" => Err("the host is missing".into()),
        "*" => Ok(HostPattern::Any),
        "self" | "self.alt" => Ok(HostPattern::OwnApp),
        _ if name.contains('@') => Err("user names do not belong in a grant".into()),
        _ => match name.strip_prefix('*').unwrap_or(name) {
            rest if rest.contains('*') || (rest != name && !rest.starts_with('.')) => {
                Err("`*` may only be the whole host or the first label (`*.domain`)".into())
            }
            suffix if suffix != name => Ok(HostPattern::Below(suffix.to_owned())),
            _ => Ok(HostPattern::Name(host)),
        },
    }
}

fn ports(port: Option<&str>, scheme: &str) -> Result<Ports, String> {
    let Some(port) = port.filter(|port| !port.is_empty()) else {
        return AllowedHosts::default_port(scheme)
            .map(Ports::One)
            .ok_or_else(|| format!("scheme {scheme:?} has no well-known port; write one, or `:*`"));
    };
    if port.contains('/') {
        return Err("it has a path; a grant covers a whole host".into());
    }
    let wrong = || format!("port {port:?} is not a number, `*` or a range `a..b`");
    let number = |text: &str| text.parse::<u16>().map_err(|_| wrong());
    match port.split_once("..") {
        _ if port == "*" => Ok(Ports::Any),
        None => number(port).map(Ports::One),
        Some((first, end)) => match (number(first)?, number(end)?) {
            (first, end) if first < end => Ok(Ports::Range(first, end)),
            _ => Err(format!("port range {port:?} is empty; the end is not part of it")),
        },
    }
}
