//! Kubernetes' quantities: cores, bytes.

/// Suffixes by the power of ten that they stand for, without exponents.
const DECIMAL: [(&str, i64); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// Suffixes by the power of two that they stand for.
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

/// The power of ten between a unit and the smallest quantity.
const NANO: i64 = 9;

/// A quantity, exact: quantities that are written differently and are the same are equal.
///
/// As Kubernetes holds them: in units of 10⁻⁹, what is smaller rounded away from zero, so that asking for something
/// never comes to nothing. Beyond 10²⁹ all are the same.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    nano: i128,
}

/// A text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a quantity such as `500m`, `0.5`, `128Mi` or `1e3`")]
pub struct QuantityError;

impl Quantity {
    /// Nothing at all.
    pub const ZERO: Self = Self { nano: 0 };

    /// Reads a number with its suffix: `500m`, `0.5`, `128Mi`, `1e3`. A suffix or sign alone is zero, as for Kubernetes.
    ///
    /// # Errors
    /// Where Kubernetes refuses it.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError);
        }
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let end = unsigned.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at_checked(end).ok_or(QuantityError)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') {
            return Err(QuantityError);
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let power = NANO - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        let nano = match BINARY.iter().find(|(name, _)| *name == suffix) {
            Some((_, bits)) => {
                digits = times(&digits, 1 << bits);
                // Binary quantities are integers of 64 bits at most, whatever they say.
                scaled(&digits, power).min(i128::from(i64::MAX) * 1_000_000_000)
            }
            None => scaled(&digits, power.saturating_add(exponent(suffix)?)),
        };
        Ok(Self { nano: if negative { -nano } else { nano } })
    }
}

/// The power of ten that a decimal suffix or an exponent stands for.
fn exponent(suffix: &str) -> Result<i64, QuantityError> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Ok(*power);
    }
    let number = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError)?;
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(QuantityError);
    }
    number.parse().map_err(|_| QuantityError)
}

/// A number in decimal digits, times a factor, in decimal digits.
fn times(digits: &[u8], factor: u128) -> Vec<u8> {
    let mut product = Vec::with_capacity(digits.len() + 20);
    let mut carry = 0;
    for digit in digits.iter().rev() {
        carry += u128::from(*digit) * factor;
        product.push((carry % 10) as u8);
        carry /= 10;
    }
    while carry > 0 {
        product.push((carry % 10) as u8);
        carry /= 10;
    }
    product.reverse();
    product
}

/// A number in decimal digits times a power of ten, rounded up to an integer; at most what 128 bits hold.
fn scaled(digits: &[u8], power: i64) -> i128 {
    let significant = digits.iter().skip_while(|digit| **digit == 0);
    let count = i64::try_from(significant.clone().count()).unwrap_or(i64::MAX);
    if count == 0 {
        return 0;
    }
    // Digits in front of the point of the result.
    let kept = count.saturating_add(power);
    if kept > 38 {
        return i128::MAX;
    }
    let mut value: i128 = 0;
    let mut rest = significant;
    for _ in 0..kept {
        let digit = rest.next().copied().unwrap_or_default();
        value = value.saturating_mul(10).saturating_add(digit.into());
    }
    let more = rest.any(|digit| *digit != 0);
    value.saturating_add(more.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_what_is_written_differently() {
        for (one, other) in [
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("1", "1000m"),
            ("+1", "1e0"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("1e+3", "1000"),
            ("1e-3", "1m"),
            ("1E", "1e18"),
            ("128Mi", "134217728"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1Ki", "1.024k"),
            ("1n", "0.000000001"),
            // Less than the least rounds away from zero.
            ("0.1n", "1n"),
            ("1.0000000001", "1.000000001"),
            ("-0.1n", "-1n"),
            ("0.0000000001Ki", "103n"),
            ("-0", "0"),
            ("000", "0"),
            ("16Ei", "9223372036854775807"),
            ("99999999999999999999Ki", "9223372036854775807"),
            ("1e99", "1e999999999999999999"),
            ("Mi", "0"),
            ("-", "0"),
            (".", "0"),
        ] {
            assert!(Quantity::parse(one).is_ok(), "{one}");
            assert_eq!(Quantity::parse(one), Quantity::parse(other), "{one} {other}");
        }
    }

    #[test]
    fn orders_them() {
        let rising =
            ["-1", "-1m", "0", "1n", "1u", "1m", "999m", "1", "1k", "1Ki", "1M", "1Mi", "1G", "1Gi", "1T", "1e30"];
        for (at, small) in rising.iter().enumerate() {
            for big in &rising[at + 1..] {
                assert!(Quantity::parse(small).unwrap() < Quantity::parse(big).unwrap(), "{small} {big}");
            }
        }
    }

    #[test]
    fn rejects_what_kubernetes_rejects() {
        for text in [
            "",
            "1 Gi",
            " 1",
            "1 ",
            "1.1.1",
            "1gi",
            "1K",
            "1mi",
            "1MiB",
            "1e",
            "1e+",
            "1e1.5",
            "1ee3",
            "1e3Mi",
            "--1",
            "+-1",
            "0x10",
            "1_000",
            "1,5",
            "½",
            "١",
            "NaN",
            "inf",
            "1e99999999999999999999",
        ] {
            assert_eq!(Quantity::parse(text), Err(QuantityError), "{text}");
        }
    }
}
