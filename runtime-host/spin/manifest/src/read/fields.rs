//! A table being read, key by key, and the values in it.

use std::ops::Range;
use std::path::PathBuf;

use indexmap::IndexMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Problems;

/// One value and where it stands.
#[derive(Clone)]
pub(super) struct Field<'t, 'i> {
    pub(super) path: String,
    span: Range<usize>,
    value: &'t DeValue<'i>,
}

/// The keys of one table. Each is taken once; [`Fields::finish`] reports those that nobody took.
pub(super) struct Fields<'t, 'i> {
    path: String,
    start: usize,
    left: Vec<(String, Field<'t, 'i>)>,
    known: Vec<&'static str>,
}

impl<'t, 'i> Fields<'t, 'i> {
    pub(super) fn root(table: &'t DeTable<'i>) -> Self {
        Self::new(String::new(), 0, table)
    }

    fn new(path: String, start: usize, table: &'t DeTable<'i>) -> Self {
        let mut left: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().to_string();
                let path = join(&path, &name);
                (
                    name,
                    Field {
                        path,
                        span: key.span(),
                        value: value.get_ref(),
                    },
                )
            })
            .collect();
        // The tree is sorted by name; an application is read in the order of the file.
        left.sort_by_key(|(_, field)| field.span.start);
        Self {
            path,
            start,
            left,
            known: Vec::new(),
        }
    }

    /// Takes the value of `name`, if there is one.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Field<'t, 'i>> {
        self.known.push(name);
        let at = self.left.iter().position(|(key, _)| key == name)?;
        Some(self.left.remove(at).1)
    }

    /// Takes the value of `name`; its absence is a problem.
    pub(super) fn require(&mut self, name: &'static str, problems: &mut Problems<'_>) -> Option<Field<'t, 'i>> {
        let field = self.take(name);
        if field.is_none() {
            problems.add(self.start, &self.path, format!("`{name}` is missing"));
        }
        field
    }

    /// Refuses a key that Spin knows and this host does not support.
    pub(super) fn refuse(&mut self, name: &str, why: &str, problems: &mut Problems<'_>) {
        if let Some(at) = self.left.iter().position(|(key, _)| key == name) {
            let (_, field) = self.left.remove(at);
            field.problem(problems, why);
        }
    }

    /// Whether `name` is still there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(key, _)| key == name)
    }

    /// All keys that are left, in the order of the file, for tables whose keys are names.
    pub(super) fn into_entries(self) -> Vec<(String, Field<'t, 'i>)> {
        self.left
    }

    /// Reports every key that was not taken.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        let known = self.known.join(", ");
        for (_, field) in self.left {
            field.problem(problems, format!("unknown key; known here: {known}"));
        }
    }
}

impl<'t, 'i> Field<'t, 'i> {
    /// Records a problem at this value.
    pub(super) fn problem(&self, problems: &mut Problems<'_>, message: impl Into<String>) {
        problems.add(self.span.start, &self.path, message);
    }

    fn expected(&self, what: &str, problems: &mut Problems<'_>) {
        let kind = self.value.type_str();
        self.problem(problems, format!("expected {what}, found {kind}"));
    }

    /// The digits of an integer.
    pub(super) fn integer(&self) -> Option<&'t str> {
        self.value.as_integer().map(toml::de::DeInteger::as_str)
    }

    /// The text of a string; no problem if it is something else.
    pub(super) fn as_str(&self) -> Option<&'t str> {
        self.value.as_str()
    }

    /// Whether the value is true or false; no problem if it is something else.
    pub(super) fn is_boolean(&self) -> bool {
        self.value.is_bool()
    }

    /// Whether the value is a table; no problem if it is something else.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn string(&self, problems: &mut Problems<'_>) -> Option<String> {
        let text = self.value.as_str();
        if text.is_none() {
            self.expected("a string", problems);
        }
        text.map(str::to_owned)
    }

    pub(super) fn filled_string(&self, problems: &mut Problems<'_>) -> Option<String> {
        let text = self.string(problems)?;
        if text.trim().is_empty() {
            self.problem(problems, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// A path relative to the manifest's folder. `..` is allowed, as in Spin.
    pub(super) fn relative_path(&self, problems: &mut Problems<'_>) -> Option<PathBuf> {
        let path = PathBuf::from(self.filled_string(problems)?);
        if path.is_absolute() {
            self.problem(problems, format!("{path:?} must be relative to the manifest"));
            return None;
        }
        Some(path)
    }

    pub(super) fn boolean(&self, problems: &mut Problems<'_>) -> Option<bool> {
        let boolean = self.value.as_bool();
        if boolean.is_none() {
            self.expected("true or false", problems);
        }
        boolean
    }

    pub(super) fn table(&self, problems: &mut Problems<'_>) -> Option<Fields<'t, 'i>> {
        let Some(table) = self.value.as_table() else {
            self.expected("a table", problems);
            return None;
        };
        Some(Fields::new(self.path.clone(), self.span.start, table))
    }

    /// The elements of an array. `what` names the element in the problem, in the plural.
    pub(super) fn array(&self, what: &str, problems: &mut Problems<'_>) -> Vec<Field<'t, 'i>> {
        let Some(array) = self.value.as_array() else {
            self.expected(&format!("an array of {what}"), problems);
            return Vec::new();
        };
        let element = |(index, element): (usize, &'t Spanned<DeValue<'i>>)| Field {
            path: format!("{}[{index}]", self.path),
            span: element.span(),
            value: element.get_ref(),
        };
        array.iter().enumerate().map(element).collect()
    }

    /// An array of strings.
    pub(super) fn strings(&self, problems: &mut Problems<'_>) -> Vec<String> {
        self.array("strings", problems)
            .iter()
            .filter_map(|field| field.filled_string(problems))
            .collect()
    }

    /// A table of strings.
    pub(super) fn string_map(&self, problems: &mut Problems<'_>) -> IndexMap<String, String> {
        let entries = self.table(problems).map(Fields::into_entries).unwrap_or_default();
        entries
            .into_iter()
            .filter_map(|(name, field)| Some((name, field.string(problems)?)))
            .collect()
    }
}

/// `parent.key`, quoting a key that is not a bare TOML key.
fn join(parent: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if parent.is_empty() {
        key
    } else {
        format!("{parent}.{key}")
    }
}
