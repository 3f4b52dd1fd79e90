//! Fields that say more than their JSON type: read and checked in one step.

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::mesh::{Labels, check_label_key, check_label_value, is_dns_label, is_subdomain};

/// A day in UTC.
pub(super) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse().ok().filter(|day: &Date| day.to_string() == text);
    day.ok_or_else(|| D::Error::custom(format!("bad date `{text}`; expected a day such as 2027-03-01")))
}

/// The same for a field that may be absent.
pub(crate) fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    struct Day(#[serde(deserialize_with = "day")] Date);
    Ok(Option::<Day>::deserialize(deserializer)?.map(|Day(day)| day))
}

/// A list that says something: an empty one, or `null`, would be read as "all" by one and as "none" by another.
pub(super) fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(D::Error::custom("an empty list; name at least one, or leave the field out for all"));
    }
    Ok(Some(list))
}

/// Text that is not blank.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("blank; expected words that somebody can act on"));
    }
    Ok(text)
}

/// Names of namespaces, at least one. A misspelled one would switch a rule off without a word.
pub(super) fn namespaces<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names: Option<Vec<String>> = some(deserializer)?;
    names.iter().flatten().try_for_each(|name| check_namespace(name)).map_err(D::Error::custom)?;
    Ok(names)
}

/// Names of objects; there may be none.
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| !is_subdomain(name)) {
        None => Ok(Some(names)),
        Some(name) => Err(D::Error::custom(format!("`{}` is no name of a ConfigMap", name.escape_debug()))),
    }
}

/// The name of a namespace.
pub(super) fn namespace<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(deserializer)?;
    check_namespace(&name).map_err(D::Error::custom)?;
    Ok(Some(name))
}

/// Labels that an object can have. A misspelled one would never match, and nobody would be told.
pub(crate) fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
    let labels = Labels::deserialize(deserializer)?;
    let check = |(key, value): (&String, &String)| check_label_key(key).and_then(|()| check_label_value(value));
    labels.iter().try_for_each(check).map_err(D::Error::custom)?;
    Ok(labels)
}

/// Labels that may be absent.
pub(crate) fn optional_labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Labels>, D::Error> {
    #[derive(Deserialize)]
    struct Said(#[serde(deserialize_with = "labels")] Labels);
    Ok(Option::<Said>::deserialize(deserializer)?.map(|Said(labels)| labels))
}

fn check_namespace(name: &str) -> Result<(), String> {
    if is_dns_label(name) {
        return Ok(());
    }
    Err(format!("`{}` is no name of a namespace; expected lower-case letters, digits and `-`", name.escape_debug()))
}
