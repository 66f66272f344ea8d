//! The smallest tokenizer that gets SQLite's comments, strings and quoted names right.

/// Yields words and single characters; comments and white space are skipped, a string or quoted name is one token
/// with its quotes.
#[derive(Clone)]
pub(super) struct Tokens<'sql> {
    rest: &'sql str,
}

impl<'sql> Tokens<'sql> {
    pub(super) fn new(sql: &'sql str) -> Self {
        Self { rest: sql }
    }

    fn skip_blank(&mut self) {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}' || c == '\u{feff}');
            if self.rest.starts_with("--") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }
}

impl<'sql> Iterator for Tokens<'sql> {
    type Item = &'sql str;

    fn next(&mut self) -> Option<&'sql str> {
        self.skip_blank();
        let first = self.rest.chars().next()?;
        let length = match first {
            '\'' | '"' | '`' => quoted(self.rest, first),
            '[' => self.rest.find(']').map_or(self.rest.len(), |end| end + 1),
            c if is_word(c) => self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len()),
            c => c.len_utf8(),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(token)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The length of a quoted token; a doubled quote inside stands for one.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((position, character)) = characters.next() {
        if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return position + quote.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_sqlite() {
        let cases: &[(&str, &[&str])] = &[
            ("a--b\nc", &["a", "c"]),
            ("a/*b*/c/*d", &["a", "c"]),
            ("'it''s; -- x' z", &["'it''s; -- x'", "z"]),
            ("[a;b]\"c\"\"d\"`e`", &["[a;b]", "\"c\"\"d\"", "`e`"]),
            ("raise(ROLLBACK,'é')", &["raise", "(", "ROLLBACK", ",", "'é'", ")"]),
            ("'open", &["'open"]),
        ];
        for (sql, expect) in cases {
            assert_eq!(Tokens::new(sql).collect::<Vec<_>>(), *expect, "{sql}");
        }
    }
}
