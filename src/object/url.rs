//! The parts of a URL that say where it leads.

/// A URL's scheme, host and path; without user, port, query and fragment.
///
/// <https://www.rfc-editor.org/rfc/rfc3986#section-3>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// The scheme in lower case; none where the text has none.
    pub scheme: Option<String>,
    /// The host as it is written; an IPv6 address without its brackets.
    pub host: &'a str,
    /// All behind host and port.
    pub rest: &'a str,
}

impl<'a> Url<'a> {
    /// Takes a URL apart, one without a scheme too: `ghcr.io/team/plugin:v1`.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let scheme = text.split_once("://").filter(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        });
        let behind = scheme.map_or(text, |(_, behind)| behind);
        let end = behind.find(['/', '?', '#', '\\']).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at_checked(end).unwrap_or((behind, ""));
        // Of several `@` the last one ends the user: what stands before it is a favourite disguise.
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let host = match place.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
            Some((v6, _)) => v6,
            None => place.split_once(':').map_or(place, |(host, _)| host),
        };
        Self { scheme: scheme.map(|(scheme, _)| scheme.to_ascii_lowercase()), host, rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_a_url_leads() {
        for (text, scheme, host, rest) in [
            ("https://example.com/jwks", Some("https"), "example.com", "/jwks"),
            ("HTTPS://example.com", Some("https"), "example.com", ""),
            ("http://example.com:8080?x#y", Some("http"), "example.com", "?x#y"),
            ("https://good.com@169.254.169.254/", Some("https"), "169.254.169.254", "/"),
            ("https://a@b@c/", Some("https"), "c", "/"),
            ("https://good.com:x@evil.com:443/@", Some("https"), "evil.com", "/@"),
            ("https://evil.com\\@good.com/", Some("https"), "evil.com", "\\@good.com/"),
            ("https://[::1]:8443/", Some("https"), "::1", "/"),
            ("oci://ghcr.io/team/plugin:v1", Some("oci"), "ghcr.io", "/team/plugin:v1"),
            ("ghcr.io/team/plugin:v1", None, "ghcr.io", "/team/plugin:v1"),
            ("reg:5000/plugin", None, "reg", "/plugin"),
            ("file:///opt/plugin.wasm", Some("file"), "", "/opt/plugin.wasm"),
            ("plugin/a://b", None, "plugin", "/a://b"),
            ("", None, "", ""),
        ] {
            assert_eq!(Url::parse(text), Url { scheme: scheme.map(str::to_owned), host, rest }, "{text}");
        }
    }
}
