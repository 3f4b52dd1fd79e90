//! Where the nodes of a JSON text stand: a pass of its own, for files alone.
//!
//! serde_json reads what has no parts (names, strings, numbers, words) as a [`RawValue`], whose length is that of its
//! text. A list or map begins where that before it ended, past white space and one `,` or `:`, and ends with its last
//! part. So every byte is looked at once, however deep it stands.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::object::Span;
use crate::object::place::Place;

/// The places of all nodes of a JSON text that stands from byte `start` on in a larger one, in document order.
///
/// The text was read before, so that it is JSON, and ends below 4 GiB.
pub(super) fn places(text: &str, start: u32) -> serde_json::Result<Vec<Place>> {
    let mut walk = Walk { text, start, at: 0, places: Vec::new() };
    NodeSeed { walk: &mut walk, key: None }.deserialize(&mut serde_json::Deserializer::from_str(text))?;
    Ok(walk.places)
}

/// How far the text was read.
struct Walk<'a> {
    text: &'a str,
    start: u32,
    /// One past the last byte of what was read last.
    at: usize,
    places: Vec<Place>,
}

impl Walk<'_> {
    /// Goes to where the next name, value or bracket begins, and says what stands there.
    fn next(&mut self) -> &str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let next = rest.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']);
        self.at += rest.len() - next.len();
        next
    }

    /// The place of the next `len` bytes, which are read with that.
    fn take(&mut self, len: usize) -> Span {
        self.next();
        let start = self.start + self.at as u32;
        self.at += len;
        Span { start, end: start + len as u32 }
    }
}

struct NodeSeed<'w, 'a> {
    walk: &'w mut Walk<'a>,
    key: Option<Span>,
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { walk, key } = self;
        if !walk.next().starts_with(['{', '[']) {
            let leaf = <&RawValue>::deserialize(deserializer)?;
            let value = walk.take(leaf.get().len());
            walk.places.push(Place { key, value });
            return Ok(());
        }
        let index = walk.places.len();
        let value = walk.take(1);
        walk.places.push(Place { key, value });
        deserializer.deserialize_any(Below(walk))?;
        let end = walk.take(1).end;
        if let Some(place) = walk.places.get_mut(index) {
            place.value.end = end;
        }
        Ok(())
    }
}

/// What stands below a list or map.
struct Below<'w, 'a>(&'w mut Walk<'a>);

impl<'de> Visitor<'de> for Below<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a map")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(NodeSeed { walk: self.0, key: None })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<&RawValue>()? {
            let key = Some(self.0.take(key.get().len()));
            map.next_value_seed(NodeSeed { walk: self.0, key })?;
        }
        Ok(())
    }
}
