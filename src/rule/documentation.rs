//! Documentation of rules at run time, for `vigla explain` and the pages: each part stands in one place.

use schemars::Schema;
use serde_json::Value;

use super::{Entry, Operation};

/// Declares a rule's type and keeps its doc comment as `DOC`.
///
/// Doc comments do not exist at run time; this repeats them as a string.
macro_rules! documented {
    (
        $(#[doc = $line:literal])+
        #[derive($($derive:tt)+)]
        $(#[serde($($serde:tt)+)])*
        $visibility:vis struct $name:ident { $($fields:tt)* }
    ) => {
        $(#[doc = $line])+
        #[derive($($derive)+)]
        $(#[serde($($serde)+)])*
        $visibility struct $name { $($fields)* }

        impl $name {
            /// The rule's doc comment.
            const DOC: &str = concat!($($line, "\n"),+);
        }
    };
}
pub(crate) use documented;

/// What there is to read of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documentation {
    /// The first sentence.
    pub summary: String,
    /// Headings with their text, in Markdown, in order.
    pub sections: Vec<(String, String)>,
}

impl Documentation {
    /// The headings that every rule has, in this order.
    pub const HEADINGS: [&str; 6] = ["What it does", "Why", "Denied", "Allowed", "Parameters", "Known limits"];

    /// Puts together the rule's doc comment, its examples, and what the schema says of its parameters.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let doc: Vec<&str> = entry.metadata.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let doc = doc.join("\n");
        let mut parts = doc.split("\n# ");
        let summary = parts.next().unwrap_or_default().trim().to_owned();
        let section = |part: &str| {
            let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
            (heading.to_owned(), text.trim().to_owned())
        };
        let mut sections: Vec<_> = parts.map(section).collect();
        let generated = [
            ("Denied".to_owned(), example(entry, entry.denied)),
            ("Allowed".to_owned(), example(entry, entry.allowed)),
            ("Parameters".to_owned(), parameters(&(entry.schema)())),
        ];
        let before_limits = sections.len().saturating_sub(1);
        sections.splice(before_limits..before_limits, generated);
        Self { summary, sections }
    }
}

fn example(entry: &Entry, yaml: &str) -> String {
    let is_written = entry.metadata.operations.contains(&Operation::Create);
    let request = if is_written { "" } else { "Deleting this:\n\n" };
    format!("{request}```yaml\n{yaml}```")
}

fn parameters(schema: &Schema) -> String {
    let properties = schema.get("properties").and_then(Value::as_object);
    let lines = properties.into_iter().flatten().map(|(name, property)| {
        let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
        let default = property.get("default").map_or_else(|| "none".to_owned(), default);
        format!("- `{name}` ({default}): {}", description.replace('\n', "\n  "))
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { "None.".to_owned() } else { lines.join("\n") }
}

fn default(value: &Value) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(values) if !values.is_empty() => values.iter().map(default).collect::<Vec<_>>().join(", "),
        _ => "none".to_owned(),
    }
}
