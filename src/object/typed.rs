//! Members of a known type: what a rule may rely on, and the error where it may not.

use std::borrow::Cow;

use jiff::SignedDuration;
use json_patch::jsonptr::PointerBuf;

use super::{Node, Quantity, Value, parse_duration};

/// A value of another JSON type than its field has, or a string that is none of those its field may hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is {found}, expected {expected}")]
pub struct WrongType {
    /// Where it stands.
    pub path: PointerBuf,
    /// The type of the field.
    pub expected: &'static str,
    /// What stands there: its type or, where that is right and the text is not, the text.
    pub found: Cow<'static, str>,
}

/// The most characters of a text that an error repeats.
const SHOWN: usize = 80;

impl<'t> Node<'t> {
    /// Nothing, where this is a map.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn expect_map(self) -> Result<(), WrongType> {
        if self.is_map() { Ok(()) } else { Err(self.wrong_type("a map")) }
    }

    /// The error that says what this should be: `a number`.
    #[must_use]
    pub fn wrong_type(self, expected: &'static str) -> WrongType {
        WrongType { path: self.pointer(), expected, found: self.type_name().into() }
    }

    /// The error that says what this should say, and what it says where it is a string: `a duration`.
    #[must_use]
    pub fn malformed(self, expected: &'static str) -> WrongType {
        let shown = self.as_str().map(|text| text.chars().take(SHOWN).flat_map(char::escape_debug).collect::<String>());
        let found = shown.map_or(self.type_name().into(), |shown| format!("`{shown}`").into());
        WrongType { path: self.pointer(), expected, found }
    }

    /// The map under `key`; absent and `null` are the same, as Kubernetes reads them.
    ///
    /// # Errors
    /// Where something else stands there.
    pub fn map(self, key: &str) -> Result<Option<Self>, WrongType> {
        self.member(key, "a map", |node| node.is_map().then_some(node))
    }

    /// The map at a path of maps; none where a step is absent or `null`.
    ///
    /// # Errors
    /// Where a step is something else.
    pub fn map_at(self, path: &[&str]) -> Result<Option<Self>, WrongType> {
        path.iter().try_fold(Some(self), |node, step| node.map_or(Ok(None), |node| node.map(step)))
    }

    /// The items of the list under `key`; none where it is absent or `null`.
    ///
    /// # Errors
    /// Where something else stands there.
    pub fn list(self, key: &str) -> Result<impl Iterator<Item = Self> + Clone, WrongType> {
        let list = self.member(key, "a list", |node| matches!(node.value(), Value::List).then_some(node))?;
        Ok(list.into_iter().flat_map(Self::items))
    }

    /// The string under `key`; absent and `null` are the same.
    ///
    /// # Errors
    /// Where something else stands there.
    pub fn text(self, key: &str) -> Result<Option<&'t str>, WrongType> {
        self.member(key, "a string", Self::as_str)
    }

    /// The boolean under `key`; absent and `null` are the same.
    ///
    /// # Errors
    /// Where something else stands there.
    pub fn boolean(self, key: &str) -> Result<Option<bool>, WrongType> {
        self.member(key, "a boolean", Self::as_bool)
    }

    /// The maps in the list under `key`; none where it is absent or `null`.
    ///
    /// # Errors
    /// Where something else stands there, or in the list.
    pub fn maps(self, key: &str) -> Result<Vec<Self>, WrongType> {
        self.list(key)?.map(|item| item.expect_map().map(|()| item)).collect()
    }

    /// The strings in the list under `key`, each with its node; none where it is absent or `null`.
    ///
    /// # Errors
    /// Where something else stands there, or in the list.
    pub fn texts(self, key: &str) -> Result<Vec<(Self, &'t str)>, WrongType> {
        let text = |item: Self| Ok((item, item.as_str().ok_or_else(|| item.wrong_type("a string"))?));
        self.list(key)?.map(text).collect()
    }

    /// The whole number under `key`, `1e2` and `100.0` included; absent and `null` are the same.
    ///
    /// # Errors
    /// Where something else stands there, or a number that 64 bits do not hold.
    pub fn integer(self, key: &str) -> Result<Option<i64>, WrongType> {
        self.member(key, "a whole number", |node| match node.value() {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            _ => None,
        })
    }

    /// The duration under `key`, in Go's syntax; absent and `null` are the same.
    ///
    /// # Errors
    /// Where something else stands there. See [`parse_duration`].
    pub fn duration(self, key: &str) -> Result<Option<SignedDuration>, WrongType> {
        let Some(node) = self.present(key) else { return Ok(None) };
        let text = node.as_str().ok_or_else(|| node.wrong_type("a string"))?;
        parse_duration(text).map(Some).map_err(|_| node.malformed("a duration such as `1m30s`"))
    }

    /// The quantity under `key`: a string or, as files write it, a number; absent and `null` are the same.
    ///
    /// # Errors
    /// Where something else stands there. See [`Quantity::parse`].
    pub fn quantity(self, key: &str) -> Result<Option<Quantity>, WrongType> {
        let Some(node) = self.present(key) else { return Ok(None) };
        let parsed = match node.value() {
            Value::Text(text) => Quantity::parse(text).ok(),
            Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
            _ => None,
        };
        parsed.map(Some).ok_or_else(|| node.malformed("a quantity such as `500m` or `128Mi`"))
    }

    fn member<T>(
        self,
        key: &str,
        expected: &'static str,
        read: impl Fn(Self) -> Option<T>,
    ) -> Result<Option<T>, WrongType> {
        let Some(node) = self.present(key) else { return Ok(None) };
        read(node).map(Some).ok_or_else(|| node.wrong_type(expected))
    }

    /// The member `key` of a map, where it is not `null`.
    fn present(self, key: &str) -> Option<Self> {
        self.get(key).filter(|node| !node.is_null())
    }
}

/// The number as an integer, where a float holds all of its digits.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}
