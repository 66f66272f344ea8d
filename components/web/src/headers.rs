//! Headers that every answer carries.

/// What a page of ours may load: only what this origin serves. Terminals and ports of workspaces have hosts of their own,
/// which the edge puts in for `proxied:`; a port is entered by a form with a ticket. Styles on elements are allowed because menus are placed
/// by them; a style cannot run anything.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self'; font-src 'self'; connect-src 'self' proxied:; manifest-src 'self'; \
    worker-src 'self'; base-uri 'none'; form-action proxied:; frame-ancestors 'none'";

/// Name and value of each.
pub const EVERYWHERE: &[(&str, &str)] = &[
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    // With `same-origin`, that form would have the origin `null`.
    ("referrer-policy", "strict-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// For files whose name changes with their content.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// For all others: ask each time whether it changed.
pub const REVALIDATE: &str = "no-cache";

/// Whether a path is one of the build's files whose names carry a hash.
pub fn is_hashed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("assets/") else {
        return false;
    };
    let stem = name.split('.').next().unwrap_or_default();
    stem.rsplit_once('-').is_some_and(|(_, hash)| hash.len() >= 8)
        || stem.len() > 9 && stem.get(stem.len() - 9..).is_some_and(|tail| tail.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        for (path, expect) in [
            ("assets/index-BX3fQ9aZ.js", true),
            ("assets/index-B_3f-9aZ.css", true),
            ("assets/logo.svg", false),
            ("index.html", false),
            ("index-BX3fQ9aZ.js", false),
            ("assets/dark-mode.css", false),
        ] {
            assert_eq!(is_hashed(path), expect, "{path}");
        }
    }
}
