//! Members of a known type: what a rule may rely on, and the error where it may not.

use json_patch::jsonptr::PointerBuf;

use super::{Node, Value};

/// A value of another JSON type than its field has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is {found}, expected {expected}")]
pub struct WrongType {
    /// Where it stands.
    pub path: PointerBuf,
    /// The type of the field.
    pub expected: &'static str,
    /// What stands there.
    pub found: &'static str,
}

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
        WrongType { path: self.pointer(), expected, found: self.type_name() }
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

    fn member<T>(
        self,
        key: &str,
        expected: &'static str,
        read: impl Fn(Self) -> Option<T>,
    ) -> Result<Option<T>, WrongType> {
        match self.get(key) {
            None => Ok(None),
            Some(node) if node.is_null() => Ok(None),
            Some(node) => match read(node) {
                Some(value) => Ok(Some(value)),
                None => Err(node.wrong_type(expected)),
            },
        }
    }
}
