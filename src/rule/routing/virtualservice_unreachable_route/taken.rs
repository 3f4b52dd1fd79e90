//! What earlier matches take. A later one is compared with those few that ask for something that it asks for too.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use serde_json::{Map, Value};

/// What a match asks for.
pub(super) type Conditions = Map<String, Value>;

/// The most comparisons in one list of routes: matches that are told apart by nothing but many conditions need many.
const MOST: usize = 100_000;

/// Matches in their order, each found by the one of its conditions that the fewest others are found by.
#[derive(Default)]
pub(super) struct Taken {
    matches: Vec<Conditions>,
    by_prefix: BTreeMap<Vec<u8>, Vec<usize>>,
    by_condition: HashMap<String, Vec<usize>>,
    compared: usize,
}

impl Taken {
    pub(super) fn len(&self) -> usize {
        self.matches.len()
    }

    /// Whether so much was compared that it is enough.
    pub(super) fn is_exhausted(&self) -> bool {
        self.compared > MOST
    }

    /// Forgets all but the first ones. What they were found by stays: it only leads to a comparison more.
    pub(super) fn truncate(&mut self, len: usize) {
        self.matches.truncate(len);
    }

    pub(super) fn push(&mut self, conditions: Conditions) {
        let at = self.matches.len();
        let plain = keys(&conditions).into_iter().min_by_key(|key| self.by_condition.get(key).map_or(0, Vec::len));
        let others = plain.as_ref().and_then(|key| self.by_condition.get(key)).map_or(0, Vec::len);
        let prefix = path(&conditions, "prefix").map(str::as_bytes);
        match prefix.filter(|prefix| self.by_prefix.get(*prefix).map_or(0, Vec::len) <= others) {
            Some(prefix) => self.by_prefix.entry(prefix.to_owned()).or_default().push(at),
            // One that asks for nothing is found by all.
            None => self.by_condition.entry(plain.unwrap_or_default()).or_default().push(at),
        }
        self.matches.push(conditions);
    }

    /// The first that takes whatever fits `later`.
    pub(super) fn first_over(&mut self, later: &Conditions) -> Option<usize> {
        let mut found: Vec<usize> = Vec::new();
        for key in keys(later).into_iter().chain([String::new()]) {
            found.extend(self.by_condition.get(&key).into_iter().flatten());
        }
        for kind in ["prefix", "exact"] {
            let mut end = path(later, kind).map(|text| Bound::Included(text.as_bytes()));
            let text = path(later, kind).unwrap_or_default().as_bytes();
            while let Some(bound) = end
                && let Some((prefix, at)) = self.by_prefix.range::<[u8], _>((Bound::Unbounded, bound)).next_back()
            {
                self.compared += 1;
                let common = prefix.iter().zip(text).take_while(|(one, other)| one == other).count();
                let is_prefix = common == prefix.len();
                found.extend(at.iter().filter(|_| is_prefix));
                // What is a prefix of the text and comes before this one is a prefix of what they have in common.
                end = text.get(..common).map(|common| match is_prefix {
                    true => Bound::Excluded(common),
                    false => Bound::Included(common),
                });
            }
        }
        self.compared += found.len();
        let covers = |at: &usize| self.matches.get(*at).is_some_and(|earlier| covers(earlier, later));
        found.into_iter().filter(covers).min()
    }
}

/// The path of a match, where it is of that kind.
fn path<'c>(conditions: &'c Conditions, kind: &str) -> Option<&'c str> {
    conditions.get("uri")?.get(kind)?.as_str()
}

/// What each condition asks for, as a text; not a prefix of the path.
fn keys(conditions: &Conditions) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, asked) in conditions {
        match asked {
            Value::Object(fields) if NAMED.contains(&key.as_str()) => {
                keys.extend(fields.iter().map(|(name, value)| format!("{key} {name} {value}")));
            }
            Value::Object(uri) if key == "uri" && uri.contains_key("prefix") => {}
            _ => keys.push(format!("{key} {asked}")),
        }
    }
    keys
}

/// Conditions on what has names of its own, each for itself.
const NAMED: [&str; 4] = ["headers", "withoutHeaders", "queryParams", "sourceLabels"];

/// Whether whatever fits `later` fits `earlier` too.
fn covers(earlier: &Conditions, later: &Conditions) -> bool {
    let same_case = !later.contains_key("uri") || earlier.get("ignoreUriCase") == later.get("ignoreUriCase");
    let covered = |(key, asked): (&String, &Value)| match later.get(key) {
        None => false,
        Some(found) if asked == found => true,
        Some(found) => match key.as_str() {
            "uri" => asked.get("prefix").and_then(Value::as_str).is_some_and(|prefix| starts_with(found, prefix)),
            named if NAMED.contains(&named) => {
                let Some(asked) = asked.as_object() else { return false };
                asked.iter().all(|(name, value)| found.get(name) == Some(value))
            }
            _ => false,
        },
    };
    (same_case || !earlier.contains_key("uri")) && earlier.iter().all(covered)
}

fn starts_with(uri: &Value, prefix: &str) -> bool {
    ["prefix", "exact"].iter().filter_map(|key| uri.get(*key)?.as_str()).any(|text| text.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conditions(value: Value) -> Conditions {
        value.as_object().unwrap().clone()
    }

    /// All matches of few words, each after all others: what is found is what a comparison with each of them finds.
    #[test]
    fn finds_what_comparing_with_all_of_them_finds() {
        let paths = ["", "/", "/a", "/a/", "/a/b", "/ab", "/b"];
        let uris =
            paths.iter().flat_map(|path| [json!({"prefix": path}), json!({"exact": path}), json!({"regex": path})]);
        let uris: Vec<_> = uris.map(Some).chain([None]).collect();
        let methods = [None, Some(json!({"exact": "GET"}))];
        let headers =
            [None, Some(json!({"x": {"exact": "1"}})), Some(json!({"x": {"exact": "1"}, "y": {"exact": "2"}}))];
        let mut all = Vec::new();
        for ((uri, method), header) in uris
            .iter()
            .flat_map(|uri| methods.iter().map(move |method| (uri, method)))
            .flat_map(|pair| headers.iter().map(move |header| (pair, header)))
        {
            for case in [false, true] {
                let mut asked = Conditions::new();
                asked.extend(uri.clone().map(|uri| ("uri".to_owned(), uri)));
                asked.extend(method.clone().map(|method| ("method".to_owned(), method)));
                asked.extend(header.clone().map(|header| ("headers".to_owned(), header)));
                asked.extend(case.then(|| ("ignoreUriCase".to_owned(), json!(true))));
                all.push(asked);
            }
        }
        // In several orders; the widths are prime to the number of matches.
        for step in [1, 5, 13, 37] {
            let mut taken = Taken::default();
            for n in 0..all.len() {
                let later = &all[n * step % all.len()];
                let plain = taken.matches.iter().position(|earlier| covers(earlier, later));
                assert_eq!(taken.first_over(later), plain, "{later:?}");
                taken.push(later.clone());
            }
        }
    }

    #[test]
    fn forgets_and_stops() {
        let mut taken = Taken::default();
        taken.push(conditions(json!({"uri": {"prefix": "/a"}})));
        taken.truncate(0);
        let later = conditions(json!({"uri": {"exact": "/a/b"}}));
        assert_eq!(taken.first_over(&later), None);
        taken.push(conditions(json!({"uri": {"prefix": "/a/"}})));
        assert_eq!(taken.first_over(&later), Some(0));
        assert!(!taken.is_exhausted());
        taken.compared = MOST + 1;
        assert!(taken.is_exhausted());
    }
}
