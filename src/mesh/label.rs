//! The syntax of labels:
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>.

/// Checks the key of a label: a name, perhaps with a DNS subdomain and `/` before it.
///
/// # Errors
/// The words for what is wrong with it.
pub fn check_label_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if is_label_value(name) && prefix.is_none_or(is_subdomain) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no key of a label; expected up to 63 letters, digits, `-`, `_` and `.`, perhaps after `example.com/`",
        key.escape_debug()
    ))
}

/// Checks the value of a label, which may be empty.
///
/// # Errors
/// The words for what is wrong with it.
pub fn check_label_value(value: &str) -> Result<(), String> {
    if value.is_empty() || is_label_value(value) {
        return Ok(());
    }
    Err(format!(
        "`{}` is no value of a label; expected up to 63 letters, digits, `-`, `_` and `.`, the ends letters or digits",
        value.escape_debug()
    ))
}

/// Whether a text may be the value of a label, and says something.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text.chars().all(|c| ends(c) || matches!(c, '-' | '_' | '.'))
}

/// Whether a text is a DNS subdomain, as the names of most objects are:
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label =
        |label: &str| label.starts_with(lower) && label.ends_with(lower) && label.chars().all(|c| lower(c) || c == '-');
    text.len() <= 253 && text.split('.').all(label)
}

/// Whether this is a DNS label, as names of namespaces and Services are:
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>.
#[must_use]
pub fn is_dns_label(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = !name.starts_with('-') && !name.ends_with('-');
    (1..=63).contains(&name.len()) && name.chars().all(legal) && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_kubernetes_accepts() {
        let long = "a".repeat(63);
        for key in ["app", "a", "App_1.x", "app.kubernetes.io/name", "a-b.c/D", long.as_str()] {
            assert_eq!(check_label_key(key), Ok(()), "{key}");
        }
        for value in ["", "v1", "1.0", "A_b-c", long.as_str()] {
            assert_eq!(check_label_value(value), Ok(()), "{value}");
        }
    }

    #[test]
    fn rejects_what_kubernetes_rejects() {
        let long = "a".repeat(64);
        let prefix = format!("{}/a", "a".repeat(254));
        for key in ["", "/a", "a/", "a/b/c", "-a", "a b", "A.com/x", "a..b/c", "ä", &long, &prefix] {
            assert!(check_label_key(key).is_err(), "{key}");
        }
        for value in ["-a", "a.", "a b", "a/b", "ä", " ", &long] {
            assert!(check_label_value(value).is_err(), "{value}");
        }
    }
}
