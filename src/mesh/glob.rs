//! Names of namespaces and objects with `*` for any part.

use schemars::JsonSchema;
use serde::Deserialize;
use wildmatch::WildMatch;

/// A name with `*` for any characters, as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Glob {
    text: String,
    matcher: WildMatch,
}

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:*".contains(c);
        match text.chars().find(|&c| !legal(c)) {
            Some(c) => {
                Err(format!("bad glob `{text}`: `{c}` stands in no name; expected a name, with `*` for any part"))
            }
            None if text.is_empty() => Err("empty glob; expected a name, with `*` for any part".to_owned()),
            None => Ok(Self { matcher: WildMatch::new(&text), text }),
        }
    }
}

impl Glob {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stands for this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.matches(name)
    }

    /// Whether every name that the server may make of this `generateName` matches.
    pub(crate) fn matches_generated(&self, stem: &str) -> bool {
        self.text.ends_with('*') && self.matches(stem)
    }

    /// Whether every name that `other` matches matches this. No literal of a glob matches the other's `*`.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.matches(&other.text)
    }
}
