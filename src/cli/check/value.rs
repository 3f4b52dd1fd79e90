//! What the values of arguments mean.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use crate::rule::Operation;

/// Kubernetes' words for operations, in any case.
pub(super) fn operations() -> impl TypedValueParser<Value = Operation> {
    PossibleValuesParser::new(Operation::ALL.map(Operation::as_str)).try_map(|word| {
        let same = |operation: &Operation| operation.as_str().eq_ignore_ascii_case(&word);
        Operation::ALL.into_iter().find(same).ok_or("no operation of Kubernetes")
    })
}

/// The start of a day in UTC.
pub(super) fn day(text: &str) -> Result<Timestamp, String> {
    let day: Date = text.parse().map_err(|_| "expected a day such as 2026-11-20")?;
    let last = Offset::UTC.to_datetime(Timestamp::MAX).date();
    if day > last {
        return Err(format!("the last day is {last}"));
    }
    Offset::UTC.to_timestamp(day.to_datetime(Time::midnight())).map_err(|_| "too long ago".to_owned())
}
