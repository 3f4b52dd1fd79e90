//! Names of namespaces and objects with `*` for any part.

use std::collections::BTreeSet;

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

    /// Whether some name matches both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let mut open = vec![(self.text.as_bytes(), other.text.as_bytes())];
        // Each pair of ends once, or a few stars would take for ever.
        let mut seen = BTreeSet::new();
        while let Some((one, two)) = open.pop() {
            if !seen.insert((one.len(), two.len())) {
                continue;
            }
            match (one, two) {
                ([], []) => return true,
                // A star stands for nothing, or for one more of what the other has.
                ([b'*', behind @ ..], _) => {
                    open.push((behind, two));
                    open.extend(two.split_first().map(|(_, rest)| (one, rest)));
                }
                (_, [b'*', behind @ ..]) => {
                    open.push((one, behind));
                    open.extend(one.split_first().map(|(_, rest)| (rest, two)));
                }
                ([a, one @ ..], [b, two @ ..]) if a == b => open.push((one, two)),
                _ => {}
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn globs_overlap_where_a_name_matches_both() {
        for (one, other, expected) in [
            ("shop", "shop", true),
            ("shop", "pay", false),
            ("shop-*", "shop", false),
            ("shop-*", "shop-eu", true),
            ("shop-*", "*-eu", true),
            ("*-a-*", "b-*", true),
            ("a*b", "b*a", false),
            ("a*c", "a*b*c", true),
            ("*", "*", true),
            ("*", "x", true),
            ("*", "*x", true),
            ("**", "x", true),
            ("a*", "b*", false),
        ] {
            assert_eq!(glob(one).overlaps(&glob(other)), expected, "{one} {other}");
            assert_eq!(glob(other).overlaps(&glob(one)), expected, "{other} {one}");
        }
        assert!(!glob(&"*a".repeat(200)).overlaps(&glob(&format!("{}b", "a*".repeat(200)))));
    }
}
