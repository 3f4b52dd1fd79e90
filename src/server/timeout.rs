//! How long the caller waits for an answer.

use std::time::Duration;

/// What the API server waits when it does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that Kubernetes lets a webhook take.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the caller waits, from the query that the API server appends (`?timeout=10s`). The error is the value that
/// is no duration.
pub(super) fn caller_timeout(query: Option<&str>) -> Result<Duration, String> {
    let parameters = query.into_iter().flat_map(|query| query.split('&'));
    let value = parameters.filter_map(|pair| match pair.split_once('=') {
        Some(("timeout", value)) => Some(value),
        None if pair == "timeout" => Some(""),
        _ => None,
    });
    match value.into_iter().next() {
        None => Ok(DEFAULT_TIMEOUT),
        Some(text) => match go_duration(text) {
            Some(duration) if !duration.is_zero() => Ok(duration.min(MAX_TIMEOUT)),
            _ => Err(text.to_owned()),
        },
    }
}

/// A duration as Go prints and reads it: `10s`, `1m30s`, `1.5s`, `300ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at_checked(rest.find(|c: char| !is_numeric(c))?)?;
        let (unit, tail) = tail.split_at_checked(tail.find(is_numeric).unwrap_or(tail.len()))?;
        let unit = match unit {
            "ns" => 1e-9,
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

fn is_numeric(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_durations_as_go_prints_them() {
        let read = |text| caller_timeout(Some(text)).map(|duration| duration.as_millis());
        assert_eq!(read("timeout=10s"), Ok(10_000));
        assert_eq!(read("timeout=300ms"), Ok(300));
        assert_eq!(read("timeout=1.5s"), Ok(1_500));
        assert_eq!(read("timeout=2s500ms"), Ok(2_500));
        assert_eq!(read("a=b&timeout=3s&timeout=4s"), Ok(3_000), "the first one counts");
    }

    #[test]
    fn caps_the_timeout_and_has_a_default() {
        assert_eq!(caller_timeout(None), Ok(DEFAULT_TIMEOUT));
        assert_eq!(caller_timeout(Some("dryRun=All")), Ok(DEFAULT_TIMEOUT));
        assert_eq!(caller_timeout(Some("timeout=1m0s")), Ok(MAX_TIMEOUT));
        assert_eq!(caller_timeout(Some("timeout=999999999h")), Ok(MAX_TIMEOUT));
    }

    #[test]
    fn rejects_what_is_no_duration() {
        for text in ["", "10", "s", "10x", "-1s", ".s", "1..5s", "0s", "1e3s", "10s ", "ten", "NaNs", "1sx", "%31s"] {
            assert_eq!(caller_timeout(Some(&format!("timeout={text}"))), Err(text.to_owned()));
        }
        assert_eq!(caller_timeout(Some("timeout")), Err(String::new()));
        let endless = format!("timeout={}h", "9".repeat(400));
        assert!(caller_timeout(Some(&endless)).is_err());
    }
}
