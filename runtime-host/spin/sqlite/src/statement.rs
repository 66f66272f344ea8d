//! Looks at the text of a statement: where it has to run, and the few things only its text can tell.
//!
//! This decides where to look first, never what is allowed: whether a statement reads is asked of SQLite
//! (`sqlite3_stmt_readonly`), and rights are the authorizer's. A wrong guess here costs time, not safety.

mod token;

use crate::{Error, Value};
use token::Tokens;

/// The answer to a string with several statements. Other hosts run the first and drop the rest without a word.
pub(crate) const ONE_STATEMENT: &str =
    "the string holds more than one statement; only one runs per call: split it at the semicolons";

const ROLLBACK: &str = "ROLLBACK as conflict resolution (OR ROLLBACK, ON CONFLICT ROLLBACK, RAISE(ROLLBACK)) is not \
     allowed: it would undo the statements of others in the same commit; use ABORT";

/// A statement and its parameters, as a guest sent it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
    pub(crate) kind: Kind,
}

/// Where a statement goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Probably a read; tried on a reader.
    Read,
    /// `INSERT`, `UPDATE`, `DELETE`, `REPLACE`: sets `changes`.
    Change,
    /// Any other write, such as `CREATE TABLE`.
    Define,
    /// `BEGIN` or `SAVEPOINT`: opens a transaction of the guest, or nests in it.
    Begin,
    /// `COMMIT`, `END`, `RELEASE` or `ROLLBACK`: needs an open transaction.
    End,
    /// `SELECT last_insert_rowid()`, answered by the connection.
    LastInsertRowid,
    /// `SELECT changes()`, answered by the connection.
    Changes,
}

impl Statement {
    /// Classifies `sql`, or says why it cannot run here at all.
    pub(crate) fn new(sql: String, params: Vec<Value>) -> Result<Self, Error> {
        let kind = classify(&sql)?;
        Ok(Self { sql, params, kind })
    }
}

fn classify(sql: &str) -> Result<Kind, Error> {
    let mut tokens = Tokens::new(sql);
    let Some(first) = tokens.next() else {
        return Err(Error::Sql("the statement is empty".to_owned()));
    };
    if first == ";" {
        return Err(Error::Refused(ONE_STATEMENT.to_owned()));
    }
    let kind = match Word::of(first) {
        Word::Select => select(&mut tokens.clone()),
        Word::With => with(&mut tokens.clone()),
        Word::Values | Word::Explain | Word::Pragma => Kind::Read,
        Word::Change => Kind::Change,
        Word::Begin => Kind::Begin,
        Word::End => Kind::End,
        Word::Attach => {
            return Err(Error::Refused(
                "ATTACH and DETACH are not allowed: a guest reaches only its own databases".to_owned(),
            ));
        }
        Word::Vacuum => {
            return Err(Error::Refused(
                "VACUUM is not allowed to guests: it stops all other writers".to_owned(),
            ));
        }
        Word::Other => Kind::Define,
    };
    if !is_trigger(first, &tokens) {
        refuse_second_statement(&mut tokens.clone())?;
    }
    if matches!(kind, Kind::Change | Kind::Define) && mentions_rollback(sql) {
        refuse_rollback(first, &mut tokens)?;
    }
    Ok(kind)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Select,
    With,
    Values,
    Explain,
    Pragma,
    Change,
    Begin,
    End,
    Attach,
    Vacuum,
    Other,
}

impl Word {
    fn of(token: &str) -> Self {
        const WORDS: &[(&str, Word)] = &[
            ("SELECT", Word::Select),
            ("INSERT", Word::Change),
            ("UPDATE", Word::Change),
            ("DELETE", Word::Change),
            ("REPLACE", Word::Change),
            ("WITH", Word::With),
            ("VALUES", Word::Values),
            ("EXPLAIN", Word::Explain),
            ("PRAGMA", Word::Pragma),
            ("BEGIN", Word::Begin),
            ("SAVEPOINT", Word::Begin),
            ("COMMIT", Word::End),
            ("END", Word::End),
            ("RELEASE", Word::End),
            ("ROLLBACK", Word::End),
            ("ATTACH", Word::Attach),
            ("DETACH", Word::Attach),
            ("VACUUM", Word::Vacuum),
        ];
        WORDS
            .iter()
            .find(|(word, _)| token.eq_ignore_ascii_case(word))
            .map_or(Self::Other, |(_, kind)| *kind)
    }
}

/// Recognises the two selects that only a connection can answer.
fn select(tokens: &mut Tokens<'_>) -> Kind {
    let kind = match tokens.next() {
        Some(name) if name.eq_ignore_ascii_case("last_insert_rowid") => Kind::LastInsertRowid,
        Some(name) if name.eq_ignore_ascii_case("changes") => Kind::Changes,
        _ => return Kind::Read,
    };
    let alone = tokens.next() == Some("(") && tokens.next() == Some(")") && tokens.all(|token| token == ";");
    if alone { kind } else { Kind::Read }
}

/// The verb of a `WITH` statement is the first one outside parentheses.
fn with(tokens: &mut Tokens<'_>) -> Kind {
    let mut depth = 0_u32;
    for token in tokens {
        match token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            word if depth == 0 => match Word::of(word) {
                Word::Change => return Kind::Change,
                Word::Select | Word::Values => return Kind::Read,
                _ => {}
            },
            _ => {}
        }
    }
    Kind::Read
}

/// `CREATE TRIGGER` alone has semicolons inside; SQLite itself finds what follows its END.
fn is_trigger(first: &str, rest: &Tokens<'_>) -> bool {
    first.eq_ignore_ascii_case("CREATE")
        && rest
            .clone()
            .find(|word| !word.eq_ignore_ascii_case("TEMP") && !word.eq_ignore_ascii_case("TEMPORARY"))
            .is_some_and(|word| word.eq_ignore_ascii_case("TRIGGER"))
}

fn refuse_second_statement(tokens: &mut Tokens<'_>) -> Result<(), Error> {
    let ended = tokens.any(|token| token == ";");
    if ended && tokens.any(|token| token != ";") {
        return Err(Error::Refused(ONE_STATEMENT.to_owned()));
    }
    Ok(())
}

/// A cheap test before the text is read token by token: few writes contain the word at all.
fn mentions_rollback(sql: &str) -> bool {
    sql.as_bytes()
        .windows(8)
        .any(|window| window.eq_ignore_ascii_case(b"rollback"))
}

fn refuse_rollback(first: &str, tokens: &mut Tokens<'_>) -> Result<(), Error> {
    let mut before = [first, ""];
    for token in tokens {
        if token.eq_ignore_ascii_case("ROLLBACK") {
            let [last, second_last] = before;
            let raise = last == "(" && second_last.eq_ignore_ascii_case("RAISE");
            if raise || last.eq_ignore_ascii_case("OR") || last.eq_ignore_ascii_case("CONFLICT") {
                return Err(Error::Refused(ROLLBACK.to_owned()));
            }
        }
        before = [token, before[0]];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expect: Kind) {
        assert_eq!(classify(sql), Ok(expect), "{sql}");
    }

    fn refused(sql: &str, part: &str) {
        let error = classify(sql).expect_err(sql).to_string();
        assert!(error.contains(part), "{sql}: {error}");
    }

    #[test]
    fn finds_the_verb() {
        check("select 1", Kind::Read);
        check("  -- note\n /* more */ SELECT 1;;", Kind::Read);
        check("VALUES (1)", Kind::Read);
        check("explain query plan delete from t", Kind::Read);
        check("PRAGMA user_version", Kind::Read);
        check("insert into t values ('; drop')", Kind::Change);
        check("REPLACE INTO t VALUES (1)", Kind::Change);
        check("WITH a AS (SELECT 1) SELECT * FROM a", Kind::Read);
        check(
            "WITH a AS (SELECT 1), \"delete\" AS (SELECT 2) INSERT INTO t SELECT * FROM a",
            Kind::Change,
        );
        check("create table t(a)", Kind::Define);
        check("BEGIN IMMEDIATE", Kind::Begin);
        check("savepoint a;", Kind::Begin);
        check("END", Kind::End);
        check("ROLLBACK TO a", Kind::End);
        check("SELECT last_insert_rowid();", Kind::LastInsertRowid);
        check("select CHANGES ( )", Kind::Changes);
        check("select changes(), 1", Kind::Read);
        check(
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END",
            Kind::Define,
        );
        check("UPDATE t SET a = 'or rollback' -- or rollback", Kind::Change);
        check("UPDATE t SET a = \"rollback\"", Kind::Change);
    }

    #[test]
    fn refuses_what_only_the_text_tells() {
        refused("", "empty");
        refused(" -- nothing", "empty");
        refused(
            "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)",
            "more than one statement",
        );
        refused("SELECT 1; -- x\n DROP TABLE t", "more than one statement");
        refused("; SELECT 1", "more than one statement");
        refused("INSERT OR /* x */ ROLLBACK INTO t VALUES (1)", "use ABORT");
        refused("update or rollback t set a = 1", "use ABORT");
        refused("CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK)", "use ABORT");
        refused(
            "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT RAISE (rollback, 'no'); END",
            "use ABORT",
        );
        refused("attach 'x' as y", "not allowed");
        refused("VACUUM INTO '/tmp/x'", "not allowed");
    }
}
