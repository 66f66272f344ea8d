//! `{{ name }}` templates in component variables and allowed hosts.
//!
//! The grammar is Spin's: `{{` always starts an expression that ends at the next `}}`; a `}}` outside an expression
//! is literal text; there is no escape for `{{`.

use std::fmt;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("`{{{{` without a closing `}}}}` in {0:?}")]
    Unclosed(String),
    /// `{{ }}` around something that cannot be the name of a variable.
    #[error("`{{{{ {0} }}}}` does not name a variable; names are lower_snake_case")]
    BadName(String),
}

impl Template {
    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            let Some((name, tail)) = after.split_once("}}") else {
                return Err(TemplateError::Unclosed(text.to_owned()));
            };
            let name = name.trim();
            if !crate::names::is_lower_snake(name) {
                return Err(TemplateError::BadName(name.to_owned()));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Variable(name.to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The variables the template names, in order, repeated if it repeats them.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Variable(name) => Some(name.as_str()),
        })
    }

    /// Whether the template is plain text.
    pub fn is_literal(&self) -> bool {
        self.variables().next().is_none()
    }

    /// Fills the template in. A name without a value is returned as the error.
    pub fn resolve<'v>(&self, value_of: &dyn Fn(&str) -> Option<&'v str>) -> Result<String, &str> {
        let mut text = String::new();
        for part in &self.parts {
            text.push_str(match part {
                Part::Literal(literal) => literal,
                Part::Variable(name) => value_of(name).ok_or(name.as_str())?,
            });
        }
        Ok(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(literal) => f.write_str(literal),
            Part::Variable(name) => write!(f, "{{{{ {name} }}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_resolve() {
        let values = |name: &str| match name {
            "host" => Some("api.example.com"),
            "port" => Some("8080"),
            "braces" => Some("{{ host }}"),
            "empty" => Some(""),
            _ => None,
        };
        for (text, expect) in [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("{{host}}", Ok("api.example.com")),
            ("https://{{ host }}:{{port }}/x", Ok("https://api.example.com:8080/x")),
            ("{{ host }}{{ port }}", Ok("api.example.com8080")),
            ("a}}b", Ok("a}}b")),
            ("{ host }", Ok("{ host }")),
            ("[{{ empty }}]", Ok("[]")),
            // A value is never a template itself: a secret containing braces stays what it is.
            ("{{ braces }}", Ok("{{ host }}")),
            ("{{ nothing }}", Err("nothing")),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.resolve(&values), expect.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn bad_templates_say_why() {
        for (text, expect) in [
            ("a {{ b", "`{{` without a closing `}}` in \"a {{ b\""),
            ("{{ }}", "`{{  }}` does not name a variable; names are lower_snake_case"),
            (
                "{{ a + b }}",
                "`{{ a + b }}` does not name a variable; names are lower_snake_case",
            ),
            (
                "{{{{ a }}",
                "`{{ {{ a }}` does not name a variable; names are lower_snake_case",
            ),
        ] {
            assert_eq!(Template::parse(text).unwrap_err().to_string(), expect);
        }
    }

    #[test]
    fn a_template_prints_as_it_was_written() {
        for text in ["", "x", "{{ a }}", "x{{ a }}y{{ b }}"] {
            assert_eq!(Template::parse(text).unwrap().to_string(), text);
        }
    }
}
