//! Nodes as a serde data format, so that documents of our own are read by derived types, with the place of an error.

use std::fmt;

use json_patch::jsonptr::PointerBuf;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Node, Span, Value};

/// Why a document does not say what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// What is wrong and what was expected.
    pub message: String,
    /// Where it stands in the document.
    pub pointer: PointerBuf,
    /// Where it stands in the text, where that is known.
    pub span: Option<Span>,
    /// Whether a node has been blamed yet: the deepest one is.
    placed: bool,
    /// Whether it is the node's name that is wrong, not its value.
    name: bool,
}

impl ShapeError {
    /// An error about `node`.
    #[must_use]
    pub fn new(node: Node<'_>, message: impl Into<String>) -> Self {
        Self { message: message.into(), pointer: node.pointer(), span: node.span(), placed: true, name: false }
    }

    /// The same error about another node: for a value that was put together from several documents.
    #[must_use]
    pub fn moved_to(self, node: Node<'_>) -> Self {
        let name = self.name;
        Self { placed: false, ..self }.or_at(node, name)
    }

    fn or_at(self, node: Node<'_>, name: bool) -> Self {
        if self.placed {
            return self;
        }
        let key = node.place().and_then(|place| place.key).filter(|_| name);
        Self { span: key.or(node.span()), name, ..Self::new(node, self.message) }
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at `{}`", self.message, self.pointer)
    }
}

impl std::error::Error for ShapeError {}

impl Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), pointer: PointerBuf::new(), span: None, placed: false, name: false }
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let result = match self.value() {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(value) => value.deserialize_any(visitor).map_err(ShapeError::custom),
            Value::Text(value) => visitor.visit_borrowed_str(value),
            Value::List => visitor.visit_seq(Items(self.children())),
            Value::Map => visitor.visit_map(Members { rest: self.members(), value: None }),
        };
        result.map_err(|error| error.or_at(self, false))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_enum(Unit(self)).map_err(|error| error.or_at(self, false))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<I>(I);

impl<'de, I: Iterator<Item = Node<'de>>> SeqAccess<'de> for Items<I> {
    type Error = ShapeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ShapeError> {
        self.0.next().map(|item| seed.deserialize(item).map_err(|error| error.or_at(item, false))).transpose()
    }
}

struct Members<'de, I> {
    rest: I,
    value: Option<Node<'de>>,
}

impl<'de, I: Iterator<Item = (&'de str, Node<'de>)>> MapAccess<'de> for Members<'de, I> {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        let key: StrDeserializer<'_, ShapeError> = key.into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.or_at(value, true))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ShapeError> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(|error| error.or_at(value, false)),
            None => Err(ShapeError::custom("a value was asked for before its name")),
        }
    }
}

/// An enum variant without content, written as its name.
struct Unit<'de>(Node<'de>);

impl<'de> EnumAccess<'de> for Unit<'de> {
    type Error = ShapeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ShapeError> {
        Ok((seed.deserialize(self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for Unit<'de> {
    type Error = ShapeError;

    fn unit_variant(self) -> Result<(), ShapeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _seed: T) -> Result<T::Value, ShapeError> {
        Err(Error::invalid_type(serde::de::Unexpected::UnitVariant, &"a name alone"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, ShapeError> {
        Err(Error::invalid_type(serde::de::Unexpected::UnitVariant, &"a name alone"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ShapeError> {
        Err(Error::invalid_type(serde::de::Unexpected::UnitVariant, &"a name alone"))
    }
}
