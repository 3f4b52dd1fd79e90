//! References of container images.

/// What a reference says, in its own words: `registry/repository:tag@digest`.
///
/// <https://github.com/distribution/reference/blob/main/reference.go>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// The registry with its port; none where it is left to the container runtime, mostly Docker Hub.
    pub registry: Option<&'a str>,
    /// The repository within the registry: `library/nginx`.
    pub repository: &'a str,
    /// The tag; where there is a digest too it decides nothing.
    pub tag: Option<&'a str>,
    /// The digest with its algorithm: `sha256:…`.
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes a reference apart. What is no reference comes apart somehow: the kubelet says what is wrong with it.
    ///
    /// A colon in front of the last `/` is a port's and no tag's. A first part is a registry where it has a dot, a
    /// colon or an upper-case letter, or is `localhost`.
    #[must_use]
    pub fn parse(reference: &'a str) -> Self {
        let (named, digest) =
            reference.split_once('@').map_or((reference, None), |(named, digest)| (named, Some(digest)));
        let (name, tag) = match named.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (named, None),
        };
        let is_registry = |first: &str| {
            first == "localhost" || first.contains(['.', ':']) || first.contains(|c: char| c.is_ascii_uppercase())
        };
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => (Some(first), rest),
            _ => (None, name),
        };
        Self { registry, repository, tag: tag.filter(|tag| !tag.is_empty()), digest: digest.filter(|d| !d.is_empty()) }
    }

    /// Whether it names one image for good: by a digest of SHA-256.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        let hexadecimal = self.digest.and_then(|digest| digest.strip_prefix("sha256:"));
        hexadecimal.is_some_and(is_sha256)
    }

    /// Whether it comes from one of these places: registries, or folders in them.
    #[must_use]
    pub fn is_from(&self, places: &[String]) -> bool {
        is_below(&format!("{}/{}", self.registry.unwrap_or("docker.io"), self.repository), places)
    }
}

/// Whether what is named, registry first, lies in one of these places: registries, or folders in them.
pub(crate) fn is_below(name: &str, places: &[String]) -> bool {
    places.iter().any(|place| {
        let rest = name.strip_prefix(place.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Whether a text is a sum of SHA-256 in hexadecimal digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_references_apart() {
        for (reference, registry, repository, tag, digest) in [
            ("nginx", None, "nginx", None, None),
            ("auto", None, "auto", None, None),
            ("nginx:1.27", None, "nginx", Some("1.27"), None),
            ("library/nginx:latest", None, "library/nginx", Some("latest"), None),
            ("docker.io/nginx", Some("docker.io"), "nginx", None, None),
            ("reg:5000/app", Some("reg:5000"), "app", None, None),
            ("reg:5000/a/b:v1", Some("reg:5000"), "a/b", Some("v1"), None),
            ("localhost/app:v1", Some("localhost"), "app", Some("v1"), None),
            ("Registry/app", Some("Registry"), "app", None, None),
            ("gcr.io/p/app@sha256:ab", Some("gcr.io"), "p/app", None, Some("sha256:ab")),
            ("gcr.io/p/app:v1@sha256:ab", Some("gcr.io"), "p/app", Some("v1"), Some("sha256:ab")),
            ("nginx@sha256:ab", None, "nginx", None, Some("sha256:ab")),
            ("[::1]:5000/app", Some("[::1]:5000"), "app", None, None),
            ("nginx:", None, "nginx", None, None),
            ("nginx@", None, "nginx", None, None),
            ("", None, "", None, None),
        ] {
            assert_eq!(Image::parse(reference), Image { registry, repository, tag, digest }, "{reference}");
        }
    }

    #[test]
    fn comes_from_a_registry_or_a_folder_in_one() {
        let places = ["docker.io/istio/", "reg:5000"].map(str::to_owned);
        for (reference, expected) in [
            ("istio/proxyv2:1.29.0", true),
            ("docker.io/istio/proxyv2", true),
            ("docker.io/istio", false),
            ("docker.io/istio-evil/proxyv2", false),
            ("evil.example/docker.io/istio/proxyv2", false),
            ("reg:5000/a/b", true),
            ("reg/a/b", false),
        ] {
            assert_eq!(Image::parse(reference).is_from(&places), expected, "{reference}");
        }
    }

    #[test]
    fn only_a_whole_sum_pins_an_image() {
        let sum = "0123456789abcdef".repeat(4);
        assert!(Image::parse(&format!("a@sha256:{sum}")).is_pinned());
        let refused = [format!("a:{sum}"), format!("a@sha256:{}", sum.to_uppercase()), format!("a@sha512:{sum}")];
        for reference in refused.iter().map(String::as_str).chain(["a@sha256:ab", "a@", "a:v1"]) {
            assert!(!Image::parse(reference).is_pinned(), "{reference}");
        }
    }
}
