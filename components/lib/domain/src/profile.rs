//! What people write about themselves: names, e-mail addresses, short notes.

use thiserror::Error;

/// Longest shown name, in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// Longest note or reason, in characters.
pub const NOTE_CHARS_MAX: usize = 200;

/// Longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3, less the brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// Longest part before the `@`, in bytes.
const LOCAL_BYTES_MAX: usize = 64;

/// Longest label of a host name, in bytes.
const LABEL_BYTES_MAX: usize = 63;

/// What is wrong with a line of text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextProblem {
    /// Nothing is left after trimming.
    #[error("it is empty")]
    Empty,
    /// Too long.
    #[error("it has {chars} characters, {chars_max} are allowed")]
    TooLong {
        /// How many it has.
        chars: usize,
        /// How many it may have.
        chars_max: usize,
    },
    /// A character that is not shown, or that changes how its neighbours are.
    #[error("it contains the invisible character U+{0:04X}")]
    Invisible(u32),
}

/// What is wrong with an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EmailProblem {
    /// Too long.
    #[error("it has {0} bytes, {EMAIL_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// Not one `@` with something on both sides.
    #[error("it needs one `@` between a name and a host, as in `ada@example.org`")]
    NoAt,
    /// The part before the `@` is too long.
    #[error("the part before the `@` has {0} bytes, {LOCAL_BYTES_MAX} are allowed")]
    LocalTooLong(usize),
    /// A character that cannot stand there.
    #[error("{0:?} cannot stand before the `@`")]
    Local(char),
    /// The host is not one.
    #[error("{0:?} is not a host name")]
    Host(String),
}

/// A shown name, trimmed.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<String, TextProblem> {
    line(text, NAME_CHARS_MAX)
}

/// A note or reason, trimmed; none when nothing is left.
///
/// # Errors
/// What is wrong with it.
pub fn note(text: &str) -> Result<Option<String>, TextProblem> {
    match line(text, NOTE_CHARS_MAX) {
        Err(TextProblem::Empty) => Ok(None),
        line => line.map(Some),
    }
}

/// One line of visible text, trimmed, of at most `chars_max` characters.
///
/// # Errors
/// What is wrong with it.
pub fn line(text: &str, chars_max: usize) -> Result<String, TextProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextProblem::Empty);
    }
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(TextProblem::TooLong { chars, chars_max });
    }
    match text.chars().find(|c| is_invisible(*c)) {
        Some(c) => Err(TextProblem::Invisible(u32::from(c))),
        None => Ok(text.to_owned()),
    }
}

/// An e-mail address as browsers accept it (the WHATWG grammar of `<input type="email">`), with the host in
/// lowercase. Whether it is anyone's can be known only by writing to it.
///
/// # Errors
/// What is wrong with it.
pub fn email(text: &str) -> Result<String, EmailProblem> {
    let text = text.trim();
    if text.len() > EMAIL_BYTES_MAX {
        return Err(EmailProblem::TooLong(text.len()));
    }
    let (local, host) = text.split_once('@').ok_or(EmailProblem::NoAt)?;
    if local.is_empty() || host.is_empty() || host.contains('@') {
        return Err(EmailProblem::NoAt);
    }
    if local.len() > LOCAL_BYTES_MAX {
        return Err(EmailProblem::LocalTooLong(local.len()));
    }
    if let Some(c) = local
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !".!#$%&'*+/=?^_`{|}~-".contains(*c))
    {
        return Err(EmailProblem::Local(c));
    }
    if !host.split('.').all(is_label) {
        return Err(EmailProblem::Host(host.to_owned()));
    }
    Ok(format!("{local}@{}", host.to_ascii_lowercase()))
}

fn is_label(label: &str) -> bool {
    let inside = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Control characters, line breaks, zero-width characters and direction marks: with them one name can be made to
/// look like another. The joiners U+200C and U+200D stay: scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        let check = |text: &str, expect: Result<&str, TextProblem>| {
            assert_eq!(name(text), expect.map(str::to_owned), "{text:?}");
        };
        check("Ada", Ok("Ada"));
        check("  Ada Lovelace\t", Ok("Ada Lovelace"));
        check("Zoë 田中 👩\u{200d}🚀", Ok("Zoë 田中 👩\u{200d}🚀"));
        check(&"é".repeat(80), Ok(&"é".repeat(80)));
        check(
            &"é".repeat(81),
            Err(TextProblem::TooLong {
                chars: 81,
                chars_max: 80,
            }),
        );
        check("", Err(TextProblem::Empty));
        check(" \n ", Err(TextProblem::Empty));
        check("a\nb", Err(TextProblem::Invisible(0x0a)));
        check("admin\u{202e}nimda", Err(TextProblem::Invisible(0x202e)));
        check("a\u{200b}da", Err(TextProblem::Invisible(0x200b)));
        assert_eq!(note("  "), Ok(None));
        assert_eq!(note(" for Bo "), Ok(Some("for Bo".to_owned())));
        assert_eq!(
            TextProblem::Invisible(0x0a).to_string(),
            "it contains the invisible character U+000A"
        );
    }

    #[test]
    fn addresses() {
        let check = |text: &str, expect: Result<&str, &str>| match (email(text), expect) {
            (Ok(got), Ok(expect)) => assert_eq!(got, expect),
            (Err(problem), Err(expect)) => assert!(problem.to_string().contains(expect), "{text}: {problem}"),
            (got, _) => panic!("{text:?}: {got:?}, expected {expect:?}"),
        };
        check("ada@example.org", Ok("ada@example.org"));
        check(" Ada+ci@Example.ORG ", Ok("Ada+ci@example.org"));
        check("root@localhost", Ok("root@localhost"));
        check("", Err("needs one `@`"));
        check("ada", Err("needs one `@`"));
        check("@example.org", Err("needs one `@`"));
        check("ada@", Err("needs one `@`"));
        check("a@b@c", Err("needs one `@`"));
        check("a b@example.org", Err("' ' cannot stand"));
        check("ä@example.org", Err("'ä' cannot stand"));
        check("a@example..org", Err("\"example..org\" is not a host name"));
        check("a@-example.org", Err("is not a host name"));
        check("a@exam_ple.org", Err("is not a host name"));
        check(
            &format!("{}@example.org", "a".repeat(65)),
            Err("65 bytes, 64 are allowed"),
        );
        check(&format!("a@{}.org", "b".repeat(64)), Err("is not a host name"));
        check(&format!("a@{}", "b.".repeat(150)), Err("302 bytes, 254 are allowed"));
    }

    proptest! {
        #[test]
        fn tidying_twice_changes_nothing(text in "\\PC{0,100}", address in "[a-zA-Z0-9.+@-]{0,40}") {
            if let Ok(once) = name(&text) {
                prop_assert_eq!(name(&once), Ok(once.clone()));
            }
            if let Ok(once) = email(&address) {
                prop_assert_eq!(email(&once), Ok(once.clone()));
            }
        }
    }
}
