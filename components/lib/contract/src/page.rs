//! Lists come in pages, all in the same shape.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// Rows of a page when the caller names no number.
pub const PAGE_DEFAULT: u32 = 50;
/// Rows of a page at most: keeps an answer well under a megabyte.
pub const PAGE_MAX: u32 = 200;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, in the list's own order.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last one.
    pub next_cursor: Option<String>,
}

// By hand, because the derived schema of a generic type is called `Page` whatever it is a page of.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("items")
            .property(
                "next_cursor",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
                    .description(Some("Pass it as `cursor` to get the next page; null on the last one.")),
            )
            .required("next_cursor")
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T> Page<T> {
    /// A list that always fits into one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next_cursor: None,
        }
    }

    /// Makes a page of `rows`, of which one more than `limit` was read: that one proves that there is a next page.
    pub fn cut(mut rows: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(cursor) } else { None };
        Self {
            items: rows,
            next_cursor,
        }
    }
}

/// Where to go on, and how far. List routes with filters repeat the two fields, since a query string cannot nest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Rows wanted: 1 to 200, 50 by default.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// The number of rows to read for a `limit` the caller may have left out or exaggerated.
pub fn page_rows(limit: Option<u32>) -> u32 {
    limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_more_than_asked_makes_a_cursor() {
        let check = |rows: Vec<u8>, limit, items: &[u8], next: Option<&str>| {
            let page = Page::cut(rows, limit, u8::to_string);
            assert_eq!((page.items.as_slice(), page.next_cursor.as_deref()), (items, next));
        };
        check(vec![], 2, &[], None);
        check(vec![1, 2], 2, &[1, 2], None);
        check(vec![1, 2, 3], 2, &[1, 2], Some("2"));
    }

    #[test]
    fn limits_are_kept_in_range() {
        assert_eq!([None, Some(0), Some(7), Some(9999)].map(page_rows), [50, 1, 7, 200]);
    }
}
