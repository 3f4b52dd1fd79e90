//! The JSON reader: `serde_json`'s deserializer builds the arena directly.

mod duplicate;
mod places;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::builder::{Builder, Depth};
use super::{Content, ReadError, Text, Tree};

/// Nodes for which an arena has room at first: a Pod of 9 kB has about 300.
const FIRST_NODES: usize = 256;

/// Reads one JSON value whole, nothing left out.
///
/// # Errors
/// Where the text is no JSON, has more than one value, or nests too deep.
pub fn read_json(text: &str) -> Result<Tree<'_>, ReadError> {
    read(text, Depth::Inside)
}

/// Reads the JSON of one Kubernetes object, as [`ObjectSeed`] does.
///
/// # Errors
/// As [`read_json`].
pub fn read_object(text: &str) -> Result<Tree<'_>, ReadError> {
    read(text, Depth::Object)
}

/// Reads one JSON value whole, as [`read_json`] does, with the place of every node in a larger text, in which it stands
/// from byte `start` on.
///
/// # Errors
/// As [`read_json`], their offsets in the larger text; and where a member stands twice.
pub fn read_json_at(text: &str, start: usize) -> Result<Tree<'_>, ReadError> {
    let in_file =
        |ReadError { message, offset }| ReadError { message, offset: Some(start + offset.unwrap_or_default()) };
    if u32::try_from(start + text.len()).is_err() {
        return Err(ReadError::at(start, "the text is longer than 4 GiB; split it"));
    }
    let mut tree = read_json(text).map_err(in_file)?;
    tree.places = places::places(text, start as u32).map_err(|error| in_file(json_error(text, &error)))?;
    duplicate::refuse(&tree)?;
    Ok(tree)
}

fn read(text: &str, depth: Depth) -> Result<Tree<'_>, ReadError> {
    let mut input = serde_json::Deserializer::from_str(text);
    build(depth, &mut input).and_then(|tree| input.end().map(|()| tree)).map_err(|error| json_error(text, &error))
}

/// Reads a Kubernetes object where it stands in a larger JSON text.
///
/// What no rule may read is left out: `/status`, `/metadata/managedFields` and the annotation
/// `kubectl.kubernetes.io/last-applied-configuration`, at exactly these places.
#[derive(Clone, Copy, Debug)]
pub struct ObjectSeed;

impl<'de> DeserializeSeed<'de> for ObjectSeed {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        build(Depth::Object, deserializer)
    }
}

fn build<'de, D: Deserializer<'de>>(depth: Depth, deserializer: D) -> Result<Tree<'de>, D::Error> {
    let mut builder = Builder::with_capacity(FIRST_NODES);
    NodeSeed { builder: &mut builder, key: None, depth }.deserialize(deserializer)?;
    Ok(builder.finish())
}

/// What is wrong with a JSON text, with the byte where serde_json noticed.
pub(crate) fn json_error(text: &str, error: &serde_json::Error) -> ReadError {
    let (line, column) = (error.line(), error.column());
    let full = error.to_string();
    let message = full.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&full);
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let offset = (start + column.saturating_sub(1)).min(text.len());
    ReadError::at(text.floor_char_boundary(offset), format!("not valid JSON: {message}"))
}

struct NodeSeed<'b, 'de> {
    builder: &'b mut Builder<'de>,
    key: Option<Text<'de>>,
    depth: Depth,
}

impl<'de> NodeSeed<'_, 'de> {
    fn leaf<E>(self, content: Content<'de>) -> Result<(), E> {
        self.builder.leaf(self.key, content);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.leaf(Content::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.leaf(Content::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.leaf(Content::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.leaf(Content::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        self.leaf(Content::Number(number))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<(), E> {
        self.leaf(Content::Text(Text::Input(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let text = self.builder.keep(value);
        self.leaf(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { builder, key, .. } = self;
        let index = builder.open(key, Content::List);
        while list.next_element_seed(NodeSeed { builder, key: None, depth: Depth::Inside })?.is_some() {}
        builder.close(index, 0);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { builder, key, depth } = self;
        let index = builder.open(key, Content::Map);
        let mut members = 0;
        while let Some(key) = map.next_key_seed(KeySeed(builder))? {
            let below = match depth {
                Depth::Inside => Some(Depth::Inside),
                _ => depth.below(builder.tree.text(&key)),
            };
            match below {
                Some(depth) => map.next_value_seed(NodeSeed { builder, key: Some(key), depth })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            }
            members += 1;
        }
        builder.close(index, members);
        Ok(())
    }
}

struct KeySeed<'b, 'de>(&'b mut Builder<'de>);

impl<'de> DeserializeSeed<'de> for KeySeed<'_, 'de> {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text<'de>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_, 'de> {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Input(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Text<'de>, E> {
        Ok(self.0.keep(value))
    }
}
