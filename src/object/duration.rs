//! Durations in the syntaxes of Go and of Gateway API.

use jiff::SignedDuration;

/// Nanoseconds of Go's units; both letters for micro are in use.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The most nanoseconds on either side of zero: one more than Go holds above it, as many as below.
const MOST: u64 = 1 << 63;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not the syntax.
    #[error("expected a duration such as `500ms`, `1m30s` or `1h`")]
    Syntax,
    /// A number stands without its unit, or with one that there is not: days, for one.
    #[error("expected a unit behind every number: `ns`, `us`, `ms`, `s`, `m` or `h`")]
    Unit,
    /// Too long for Go, which counts nanoseconds in 64 bits: 292 years.
    #[error("the duration is longer than 292 years")]
    Overflow,
    /// Not what Gateway API takes of Go's syntax.
    #[error("expected up to four times a whole number of up to five digits with `h`, `m`, `s` or `ms`")]
    Gateway,
}

/// A duration as Istio reads it in its own kinds and in mesh config: Go's `time.ParseDuration`, through `jsonpb`.
///
/// A sign, then numbers, perhaps with fractions, each with its unit; `0` alone needs none. Zero and negative ones are
/// durations too: what a field may hold is for the rule to say. What a fraction has beyond nanoseconds is cut off.
/// <https://pkg.go.dev/time#ParseDuration>
///
/// # Errors
/// Where Go refuses it.
pub fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (nanoseconds, behind) = part(rest)?;
        total = total.checked_add(nanoseconds).filter(|total| *total <= MOST).ok_or(DurationError::Overflow)?;
        rest = behind;
    }
    let signed = if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() };
    signed.map(SignedDuration::from_nanos).ok_or(DurationError::Overflow)
}

/// The first number of a text with its unit, as nanoseconds, and what stands behind it.
fn part(text: &str) -> Result<(u64, &str), DurationError> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::Syntax);
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(end).ok_or(DurationError::Syntax)?;
    let unit = UNITS.iter().find(|(name, _)| *name == word).ok_or(DurationError::Unit)?.1;
    let whole = if whole.is_empty() { Ok(0) } else { whole.parse::<u64>() };
    let whole = whole.ok().and_then(|whole| whole.checked_mul(unit)).ok_or(DurationError::Overflow)?;
    let sum = whole.checked_add(below_one(fraction, unit)).filter(|sum| *sum <= MOST);
    Ok((sum.ok_or(DurationError::Overflow)?, behind))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// A fraction of a unit in nanoseconds, with Go's own rounding: as many digits as 63 bits hold, then floating point.
fn below_one(fraction: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let Some(next) = value.checked_mul(10).map(|value| value + u64::from(digit - b'0')) else { break };
        if next > MOST {
            break;
        }
        (value, scale) = (next, scale * 10.0);
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// A duration as Gateway API reads it: whole numbers with few units, no sign.
///
/// <https://gateway-api.sigs.k8s.io/geps/gep-2257/>
///
/// # Errors
/// Where the API refuses it.
pub fn parse_gateway_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let (mut rest, mut parts) = (text, 0);
    while !rest.is_empty() {
        let (number, behind) = digits(rest);
        let unit = ["ms", "h", "m", "s"].into_iter().find_map(|unit| behind.strip_prefix(unit));
        parts += 1;
        rest = unit.filter(|_| matches!(number.len(), 1..=5) && parts <= 4).ok_or(DurationError::Gateway)?;
    }
    if parts == 0 { Err(DurationError::Gateway) } else { parse_duration(text) }
}

#[cfg(test)]
mod tests {
    use super::DurationError::{Gateway, Overflow, Syntax, Unit};
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("-0", 0),
            ("+0", 0),
            ("0s", 0),
            ("5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h", 3_600_000_000_000),
            ("500ms", 500_000_000),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("1μs", 1_000),
            ("1ns", 1),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("-1.5s", -1_500_000_000),
            ("+1s", 1_000_000_000),
            ("1s1s", 2_000_000_000),
            ("0.9ns", 0),
            ("0.1000000000000000000000h", 360_000_000_000),
            ("0.3333333333333333333h", 1_200_000_000_000),
            ("0.9223372036854775807h", 3_320_413_933_267),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("0000000000000000000000001s", 1_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn rejects_what_go_rejects() {
        for (text, error) in [
            ("", Syntax),
            ("-", Syntax),
            ("--1s", Syntax),
            (".", Syntax),
            (".s", Syntax),
            ("s", Syntax),
            (" 1s", Syntax),
            ("P1D", Syntax),
            ("1", Unit),
            ("1 s", Unit),
            ("1s ", Unit),
            ("1d", Unit),
            ("1S", Unit),
            ("1h-1m", Unit),
            ("9223372036854775808ns", Overflow),
            ("9223372036854775807ns1ns", Overflow),
            ("3000000h", Overflow),
            ("99999999999999999999ns", Overflow),
        ] {
            assert_eq!(parse_duration(text), Err(error), "{text}");
        }
    }

    #[test]
    fn gateway_api_reads_less() {
        for (text, expected) in [
            ("0s", Ok(0)),
            ("1h", Ok(3600)),
            ("1m30s", Ok(90)),
            ("99999s", Ok(99_999)),
            ("1h1m1s1000ms", Ok(3662)),
            ("1s1s1s1s", Ok(4)),
            ("", Err(Gateway)),
            ("0", Err(Gateway)),
            ("1.5s", Err(Gateway)),
            ("-1s", Err(Gateway)),
            ("100000s", Err(Gateway)),
            ("1s1s1s1s1s", Err(Gateway)),
            ("1us", Err(Gateway)),
            ("1ns", Err(Gateway)),
            ("ms", Err(Gateway)),
        ] {
            assert_eq!(parse_gateway_duration(text), expected.map(SignedDuration::from_secs), "{text}");
        }
    }
}
