//! A row, read by column name and type.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use super::DbError;
use super::value::{FromValue, Value};

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of these columns.
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    fn value(&self, column: &str) -> Result<&Value, DbError> {
        let found = self.columns.iter().zip(&self.values).find(|(name, _)| *name == column);
        found
            .map(|(_, value)| value)
            .ok_or_else(|| wrong(column, format!("not among {:?}", self.columns)))
    }

    /// Reads a column.
    ///
    /// # Errors
    /// When it is missing or of another type: a defect of the statement.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, DbError> {
        T::from_value(self.value(column)?).ok_or_else(|| wrong(column, format!("not {}", T::EXPECTED)))
    }

    /// Reads a text column as an id, or as anything else that has a text form.
    ///
    /// # Errors
    /// As [`Row::get`], or when the text is not valid.
    pub fn parse<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T, DbError> {
        self.get::<String>(column)?
            .parse()
            .map_err(|error: T::Err| wrong(column, error.to_string()))
    }

    /// The same for a column that may be NULL.
    ///
    /// # Errors
    /// As [`Row::parse`].
    pub fn parse_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>, DbError> {
        let text = self.get::<Option<String>>(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| wrong(column, error.to_string())))
            .transpose()
    }

    /// Reads a text column whose values a function knows; for enums of `domain`, which parse nothing themselves.
    ///
    /// # Errors
    /// As [`Row::get`], or when the function does not know the text.
    pub fn decode<T>(&self, column: &str, known: impl FnOnce(&str) -> Option<T>) -> Result<T, DbError> {
        let text = self.get::<String>(column)?;
        known(&text).ok_or_else(|| wrong(column, format!("unknown value `{text}`")))
    }
}

fn wrong(column: &str, issue: String) -> DbError {
    DbError::Column {
        column: column.to_owned(),
        issue,
    }
}
