//! The spelling rules of ids and labels, as Spin and the component model state them.

/// Whether `text` is words joined by `separator`, each starting with a letter and all-lowercase or all-uppercase.
fn is_words(text: &str, separator: char) -> bool {
    text.split(separator).all(|word| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric())
            && !(word.contains(|c: char| c.is_ascii_lowercase()) && word.contains(|c: char| c.is_ascii_uppercase()))
    })
}

/// `kebab-case`: component ids, interface names.
pub(crate) fn is_kebab(text: &str) -> bool {
    is_words(text, '-')
}

/// `lower_snake_case`: variable names.
pub(crate) fn is_lower_snake(text: &str) -> bool {
    is_words(text, '_') && !text.contains(|c: char| c.is_ascii_uppercase())
}

/// `kebab-case` or `snake_case`: labels of key-value stores and databases.
pub(crate) fn is_label(text: &str) -> bool {
    is_words(text, '-') || is_words(text, '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_of_names() {
        for (text, kebab, lower_snake, label) in [
            ("web", true, true, true),
            ("cloud-hetzner", true, false, true),
            ("log_store", false, true, true),
            ("a-b_c", false, false, false),
            ("HTTP-client", true, false, true),
            ("mixedCase", false, false, false),
            ("1st", false, false, false),
            ("a--b", false, false, false),
            ("", false, false, false),
            ("v2", true, true, true),
        ] {
            assert_eq!(
                (is_kebab(text), is_lower_snake(text), is_label(text)),
                (kebab, lower_snake, label),
                "{text:?}"
            );
        }
    }
}
