//! What a scalar means: YAML 1.1 as `go.yaml.in/yaml/v2` resolves it, on the way to JSON.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Number;

use super::quoted;
use crate::object::builder::Builder;
use crate::object::{Content, Text};

/// Go ignores the bits that a last character has too many.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What stands in front of the tags that YAML itself defines.
const YAML_TAG: &str = "tag:yaml.org,2002:";

/// The value of a scalar, in the types that keys and values tell apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Too big for `Int`.
    Uint(u64),
    Float(f64),
    Text(Text<'a>),
}

/// What the scalar `text` with the tag `tag` means.
///
/// # Errors
/// Where it is not what its tag says; the message says so.
pub(super) fn resolve<'a>(
    text: Cow<'a, str>,
    plain: bool,
    tag: Option<&str>,
    builder: &mut Builder<'a>,
) -> Result<Scalar<'a>, String> {
    let scalar = match tag.map(|tag| tag.strip_prefix(YAML_TAG)) {
        None if plain => untagged(&text),
        Some(Some("binary")) => {
            let decoded = binary(&text).ok_or("a `!!binary` value has to be base64")?;
            return Ok(Scalar::Text(builder.keep(&decoded)));
        }
        Some(Some(tag @ ("null" | "bool" | "int" | "float"))) => {
            let typed = untagged(&text).and_then(|scalar| scalar.as_tagged(tag));
            Some(typed.ok_or_else(|| format!("{} is no `!!{tag}`; correct it or its tag", quoted(&text)))?)
        }
        _ => None,
    };
    Ok(scalar.unwrap_or_else(|| {
        Scalar::Text(match text {
            Cow::Borrowed(text) => Text::Input(text),
            Cow::Owned(text) => builder.keep(&text),
        })
    }))
}

impl<'a> Scalar<'a> {
    fn as_tagged(self, tag: &str) -> Option<Self> {
        match (tag, self) {
            ("null", Self::Null)
            | ("bool", Self::Bool(_))
            | ("int", Self::Int(_) | Self::Uint(_))
            | ("float", Self::Float(_)) => Some(self),
            ("float", Self::Int(value)) => Some(Self::Float(value as f64)),
            _ => None,
        }
    }

    /// As a value in JSON, which has no infinity and no NaN.
    pub(super) fn content(self) -> Option<Content<'a>> {
        Some(match self {
            Self::Null => Content::Null,
            Self::Bool(value) => Content::Bool(value),
            Self::Int(value) => Content::Number(value.into()),
            Self::Uint(value) => Content::Number(value.into()),
            Self::Float(value) => Content::Number(json_number(value)?),
            Self::Text(text) => Content::Text(text),
        })
    }

    /// As the name of a member, where it is one and no string yet.
    pub(super) fn name(self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(float_name(value)),
            Self::Null | Self::Uint(_) | Self::Text(_) => None,
        }
    }
}

/// What a plain scalar without a tag is, if it is no string.
fn untagged(text: &str) -> Option<Scalar<'static>> {
    let scalar = match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ if text.starts_with('.') => return fraction(text).map(Scalar::Float),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || "+-".contains(first)) => {
            return number(&text.replace('_', ""));
        }
        _ => return None,
    };
    Some(scalar)
}

/// A number that starts with its point: there, unlike elsewhere, underscores must stand between digits.
fn fraction(text: &str) -> Option<f64> {
    let digit = |character: char| character.is_ascii_digit();
    let placed = text.split('_').skip(1).all(|part| part.starts_with(digit))
        && text.rsplit('_').skip(1).all(|part| part.ends_with(digit));
    decimal(&text.replace('_', "")).filter(|_| placed)
}

/// A number in one of Go's notations, or nothing.
fn number(text: &str) -> Option<Scalar<'static>> {
    integer(text)
        .or_else(|| decimal(text).map(Scalar::Float))
        // `yaml/v2` takes the sign after this prefix, too.
        .or_else(|| signed_binary(text).map(Scalar::Int))
}

fn signed_binary(text: &str) -> Option<i64> {
    i64::from_str_radix(text.strip_prefix("0b")?, 2).ok()
}

/// An integer as Go's `ParseInt` and `ParseUint` read it with base 0.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = match unsigned.as_bytes() {
        [b'0', b'b' | b'B', ..] => 2,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', ..] => return magnitude(text, unsigned, 8),
        _ => return magnitude(text, unsigned, 10),
    };
    magnitude(text, unsigned.get(2..)?, radix)
}

/// The digits of an integer, with the sign of the whole text.
fn magnitude(text: &str, digits: &str, radix: u32) -> Option<Scalar<'static>> {
    // `from_str_radix` would take one more sign.
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if text.starts_with('-') {
        return 0_i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::Uint(magnitude)),
    }
}

/// A decimal number, with a point and an exponent or without; nothing where it is too big for a float.
fn decimal(text: &str) -> Option<f64> {
    // Rust reads `inf` and `nan` as well.
    let numeric = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(numeric).then(|| text.parse().ok()).flatten().filter(|value: &f64| value.is_finite())
}

/// A float as whoever reads Go's JSON sees it: without a fraction it is an integer.
fn json_number(value: f64) -> Option<Number> {
    if value == 0.0 && value.is_sign_negative() {
        return Number::from_f64(value);
    }
    // Shortest digits, then zeros, as Go writes them; where Go writes an exponent, no integer is small enough.
    let text = value.to_string();
    let unsigned = text.parse::<u64>().map(Number::from);
    let integer = unsigned.or_else(|_| text.parse::<i64>().map(Number::from));
    integer.map_or_else(|_| Number::from_f64(value), Some)
}

/// A float as the name of a member: Go's shortest digits of a 32-bit float, with an exponent from a million on.
///
/// Where two numbers of eight digits are equally near, Go may take the other one.
fn float_name(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// What a `!!binary` scalar holds, each byte that is no UTF-8 replaced, as Go does when it writes JSON.
fn binary(text: &str) -> Option<String> {
    let bytes = BASE64.decode(text.replace(['\r', '\n'], "")).ok()?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Some(decoded)
}
