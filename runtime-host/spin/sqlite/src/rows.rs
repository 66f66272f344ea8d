//! Buffered results, and the one loop that reads rows out of SQLite.

use rusqlite::Statement;

use crate::{Error, Value};

/// The values of one row, in column order.
pub type Row = Vec<Value>;

/// A complete result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns; empty for a statement that returns nothing.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Where rows go while a statement runs. An error stops the statement.
pub(crate) trait Sink {
    /// Called once, before the first row.
    fn columns(&mut self, columns: Vec<String>) -> Result<(), Error>;
    /// Called for each row.
    fn row(&mut self, row: Row) -> Result<(), Error>;
}

/// Binds `params` and runs `statement` to its end.
///
/// Column names are read after the first step: only then has SQLite recompiled a cached statement whose table has
/// changed.
pub(crate) fn run(statement: &mut Statement<'_>, params: &[Value], sink: &mut impl Sink) -> Result<(), Error> {
    let wanted = statement.parameter_count();
    if wanted != params.len() {
        return Err(Error::Sql(format!(
            "the statement has {wanted} parameters but {} were given",
            params.len()
        )));
    }
    for (position, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(position + 1, value)?;
    }
    let mut started = false;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let width = row.as_ref().column_count();
        if !started {
            sink.columns(column_names(row.as_ref())?)?;
            started = true;
        }
        let mut values = Vec::with_capacity(width);
        for column in 0..width {
            values.push(Value::read(row.get_ref(column)?, column)?);
        }
        sink.row(values)?;
    }
    drop(rows);
    if !started {
        sink.columns(column_names(statement)?)?;
    }
    Ok(())
}

fn column_names(statement: &Statement<'_>) -> Result<Vec<String>, Error> {
    let mut names = Vec::with_capacity(statement.column_count());
    for column in 0..statement.column_count() {
        names.push(statement.column_name(column)?.to_owned());
    }
    Ok(names)
}

/// Collects a whole result, up to `bytes_max`.
pub(crate) struct Collect {
    pub(crate) result: Rows,
    bytes: usize,
    bytes_max: usize,
}

impl Collect {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            result: Rows::default(),
            bytes: 0,
            bytes_max,
        }
    }
}

impl Sink for Collect {
    fn columns(&mut self, columns: Vec<String>) -> Result<(), Error> {
        self.result.columns = columns;
        Ok(())
    }

    fn row(&mut self, row: Row) -> Result<(), Error> {
        self.bytes += row_size(&row);
        if self.bytes > self.bytes_max {
            return Err(Error::ResultTooLarge {
                bytes_max: self.bytes_max,
            });
        }
        self.result.rows.push(row);
        Ok(())
    }
}

/// What a row costs in memory, in bytes.
pub(crate) fn row_size(row: &[Value]) -> usize {
    row.iter().map(Value::size).sum()
}
