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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::read_json;

    /// What a reader makes of `{"a": …}`, or the error.
    fn read<T>(value: &str, look: impl Fn(Node<'_>) -> Result<T, WrongType>) -> Result<T, String> {
        let json = format!("{{\"a\":{value}}}");
        look(read_json(&json).unwrap().root()).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_whole_however_they_are_written() {
        for (value, expected) in [
            ("100", Ok(Some(100))),
            ("-1", Ok(Some(-1))),
            ("1e2", Ok(Some(100))),
            ("100.0", Ok(Some(100))),
            ("null", Ok(None)),
            ("9223372036854775807", Ok(Some(i64::MAX))),
            ("9223372036854775808", Err("`/a` is a number, expected a whole number")),
            ("1e300", Err("`/a` is a number, expected a whole number")),
            ("0.5", Err("`/a` is a number, expected a whole number")),
            ("\"1\"", Err("`/a` is a string, expected a whole number")),
        ] {
            assert_eq!(read(value, |node| node.integer("a")), expected.map_err(str::to_owned), "{value}");
        }
        assert_eq!(read("1", |node| node.integer("b")), Ok(None));
    }

    #[test]
    fn every_item_of_a_list_has_its_type() {
        let texts = |node: Node<'_>| Ok(node.texts("a")?.into_iter().map(|(_, text)| text.to_owned()).collect());
        assert_eq!(read(r#"["x",""]"#, texts), Ok(vec!["x".to_owned(), String::new()]));
        assert_eq!(read("null", texts), Ok(Vec::new()));
        assert_eq!(read(r#"["x",1]"#, texts), Err("`/a/1` is a number, expected a string".to_owned()));
        assert_eq!(read(r#"["x",null]"#, texts), Err("`/a/1` is null, expected a string".to_owned()));
        assert_eq!(read(r#""x""#, texts), Err("`/a` is a string, expected a list".to_owned()));
        let maps = |node: Node<'_>| Ok(node.maps("a")?.len());
        assert_eq!(read("[{},{}]", maps), Ok(2));
        assert_eq!(read("null", maps), Ok(0));
        assert_eq!(read("[{},[]]", maps), Err("`/a/1` is a list, expected a map".to_owned()));
        assert_eq!(read("{}", maps), Err("`/a` is a map, expected a list".to_owned()));
    }

    #[test]
    fn a_path_of_maps_ends_where_one_is_missing() {
        let at = |node: Node<'_>| Ok(node.map_at(&["a", "b"])?.map(|node| node.pointer().to_string()));
        assert_eq!(read(r#"{"b":{}}"#, at), Ok(Some("/a/b".to_owned())));
        assert_eq!(read(r#"{"b":null}"#, at), Ok(None));
        assert_eq!(read("null", at), Ok(None));
        assert_eq!(read("1", at), Err("`/a` is a number, expected a map".to_owned()));
        assert_eq!(read(r#"{"b":[]}"#, at), Err("`/a/b` is a list, expected a map".to_owned()));
        assert_eq!(read("true", |node| node.boolean("a")), Ok(Some(true)));
        assert_eq!(read(r#""true""#, |node| node.boolean("a")), Err("`/a` is a string, expected a boolean".to_owned()));
    }

    #[test]
    fn an_error_says_what_stands_there_instead() {
        let duration = |node: Node<'_>| node.duration("a");
        assert_eq!(read(r#""90s""#, duration), Ok(Some(SignedDuration::from_secs(90))));
        assert_eq!(read("null", duration), Ok(None));
        assert_eq!(read(r#""1d\n""#, duration), Err("`/a` is `1d\\n`, expected a duration such as `1m30s`".to_owned()));
        assert_eq!(read("90", duration), Err("`/a` is a number, expected a string".to_owned()));
        let long = format!("\"{}\"", "x".repeat(500));
        assert!(read(&long, duration).unwrap_err().len() < 150);
    }

    #[test]
    fn a_quantity_may_be_a_number() {
        let quantity = |node: Node<'_>| node.quantity("a");
        for (value, same) in
            [("1", "1"), ("0.5", "500m"), ("\"500m\"", "0.5"), ("1e3", "1k"), ("\"\\u0031Ki\"", "1024")]
        {
            assert_eq!(read(value, quantity), Ok(Some(Quantity::parse(same).unwrap())), "{value}");
        }
        assert_eq!(read("null", quantity), Ok(None));
        let error = |found: &str| Err(format!("`/a` is {found}, expected a quantity such as `500m` or `128Mi`"));
        assert_eq!(read("\"1 Gi\"", quantity), error("`1 Gi`"));
        assert_eq!(read("[]", quantity), error("a list"));
        assert_eq!(read("true", quantity), error("a boolean"));
    }
}
