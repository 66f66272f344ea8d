//! Splits a script into statements: Spin's SQLite runs only the first of several and silently drops the rest.

/// The statements of a script, without the comments before them and without the closing semicolon.
///
/// Knows quotes, comments and trigger bodies. As in SQLite's own `sqlite3_complete`, a trigger ends at the sequence
/// `;` `END` `;`: inside its body, an `END` that closes a `CASE` never follows a semicolon.
pub fn statements(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    let tokens = Tokens { script, at: 0 };
    for token in tokens {
        let statement = open.get_or_insert_with(|| Open::new(token.from));
        if token.text == ";" && statement.may_end_here() {
            let text = script.get(statement.from..token.from).unwrap_or_default().trim_end();
            if !text.is_empty() {
                found.push(text);
            }
            open = None;
        } else {
            statement.take(token.text);
        }
    }
    // What has no semicolon is a statement all the same: SQLite shall judge it, not be spared it.
    if let Some(rest) = open.and_then(|statement| script.get(statement.from..)) {
        found.push(rest.trim_end());
    }
    found
}

/// A statement that has begun.
struct Open {
    from: usize,
    words: usize,
    create: bool,
    trigger: bool,
    /// The last two tokens of a trigger: only `;` `END` lets it end.
    semicolon_before: bool,
    end_after_semicolon: bool,
}

impl Open {
    fn new(from: usize) -> Self {
        Self {
            from,
            words: 0,
            create: false,
            trigger: false,
            semicolon_before: false,
            end_after_semicolon: false,
        }
    }

    fn may_end_here(&self) -> bool {
        !self.trigger || self.end_after_semicolon
    }

    fn take(&mut self, text: &str) {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        self.words += 1;
        match self.words {
            1 => self.create = is("CREATE"),
            2 | 3 if self.create && is("TRIGGER") => self.trigger = true,
            // `CREATE TEMP TRIGGER`: the word may come third only after one of these.
            2 => self.create &= is("TEMP") || is("TEMPORARY"),
            _ => {}
        }
        self.end_after_semicolon = self.semicolon_before && is("END");
        self.semicolon_before = text == ";";
    }
}

struct Token<'a> {
    text: &'a str,
    from: usize,
}

/// Words, quoted things and single other characters; no spaces, no comments.
struct Tokens<'a> {
    script: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn rest(&self) -> &'a str {
        self.script.get(self.at..).unwrap_or_default()
    }

    /// Moves to just after `end`, or to the end of the script.
    fn skip_past(&mut self, end: &str, searched_from: usize) {
        let rest = self.script.get(searched_from..).unwrap_or_default();
        self.at = rest
            .find(end)
            .map_or(self.script.len(), |n| searched_from + n + end.len());
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let spaces = self.rest().len() - self.rest().trim_start().len();
            self.at += spaces;
            if self.rest().starts_with("--") {
                self.skip_past("\n", self.at);
            } else if self.rest().starts_with("/*") {
                self.skip_past("*/", self.at + 2);
            } else {
                break;
            }
        }
        let from = self.at;
        let first = self.rest().chars().next()?;
        match first {
            // A doubled quote inside is two quoted things side by side, which is just as well.
            '\'' | '"' | '`' => self.skip_past(first.encode_utf8(&mut [0; 4]), from + 1),
            '[' => self.skip_past("]", from + 1),
            c if is_word(c) => self.at += self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len()),
            c => self.at += c.len_utf8(),
        }
        Some(Token {
            text: self.script.get(from..self.at).unwrap_or_default(),
            from,
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, expect: &[&str]) {
        assert_eq!(statements(script), expect, "{script}");
    }

    #[test]
    fn plain_statements() {
        check("", &[]);
        check(" ;; \n;", &[]);
        check("SELECT 1", &["SELECT 1"]);
        check("SELECT 1;", &["SELECT 1"]);
        check("SELECT 1;SELECT 2 ; ", &["SELECT 1", "SELECT 2"]);
        check("SELECT 'ä;ö';SELECT 2", &["SELECT 'ä;ö'", "SELECT 2"]);
    }

    #[test]
    fn quotes_and_comments_hide_semicolons() {
        check(
            "SELECT 'a;''b;', \"c;\", [d;], `e;`; SELECT 2;",
            &["SELECT 'a;''b;', \"c;\", [d;], `e;`", "SELECT 2"],
        );
        check(
            "-- a; b\nSELECT 1; -- c;\n/* d; ' */ SELECT 2;\n-- end",
            &["SELECT 1", "SELECT 2"],
        );
        check("SELECT 1 -- a; 'b\n, 2;", &["SELECT 1 -- a; 'b\n, 2"]);
        check(
            "SELECT '-- no comment; /*'; SELECT 2",
            &["SELECT '-- no comment; /*'", "SELECT 2"],
        );
    }

    #[test]
    fn triggers_end_at_their_own_end() {
        let body = "AFTER INSERT ON a BEGIN\n  UPDATE a SET x = CASE WHEN x THEN 1 ELSE 2 END;\n  DELETE FROM b;\nEND";
        for head in [
            "CREATE TRIGGER t",
            "create trigger t",
            "CREATE TEMP TRIGGER t",
            "CREATE TRIGGER IF NOT EXISTS t",
        ] {
            let trigger = format!("{head} {body}");
            check(&format!("{trigger};SELECT 1;"), &[&trigger, "SELECT 1"]);
            check(&format!("SELECT 0; /* ; */ {trigger} ;"), &["SELECT 0", &trigger]);
        }
    }

    #[test]
    fn what_only_looks_like_a_trigger_ends_at_its_semicolon() {
        check(
            "CREATE TABLE trigger_log (x);SELECT 1",
            &["CREATE TABLE trigger_log (x)", "SELECT 1"],
        );
        check("DROP TRIGGER t;SELECT 1", &["DROP TRIGGER t", "SELECT 1"]);
        check(
            "CREATE TABLE trigger (x);SELECT 1",
            &["CREATE TABLE trigger (x)", "SELECT 1"],
        );
    }

    proptest::proptest! {
        #[test]
        fn anything_is_split_without_loss(script in "[a-z;'\"\\-/* \\n\\[\\]]{0,60}") {
            let total: usize = statements(&script).iter().map(|s| s.len()).sum();
            proptest::prop_assert!(total <= script.len());
        }
    }
}
