//! Hosts of Gateways and Sidecars: `namespace/host`.

use super::Host;

/// A host of a Gateway's server or a Sidecar's egress listener.
///
/// <https://istio.io/latest/docs/reference/config/networking/gateway/#Server> and
/// <https://istio.io/latest/docs/reference/config/networking/sidecar/#IstioEgressListener>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopedHost<'a> {
    /// Whose configuration it takes: that of VirtualServices on a Gateway, of Services in a Sidecar.
    pub scope: HostScope<'a>,
    /// The host.
    pub host: Host<'a>,
    /// Whether it is taken out of what other entries bring: `~`. `~/*` brings nothing at all.
    pub excluded: bool,
}

/// The namespaces in front of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostScope<'a> {
    /// `.`: the object's own.
    Own,
    /// `*`, or nothing in front.
    Any,
    /// That one.
    Namespace(&'a str),
}

impl<'a> ScopedHost<'a> {
    /// Reads `namespace/host`, `./host`, `*/host`, `~/host`, `~namespace/host` or, as Gateways write it, `host`.
    ///
    /// Nothing where Istio refuses the form: no namespace, no host, or more than one slash.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let Some((namespace, host)) = text.split_once('/') else {
            let host = Some(text).filter(|text| !text.is_empty())?;
            return Some(Self { scope: HostScope::Any, host: Host(host), excluded: false });
        };
        if namespace.is_empty() || host.is_empty() || host.contains('/') {
            return None;
        }
        let excluded = namespace.starts_with('~');
        let scope = match namespace.strip_prefix('~').unwrap_or(namespace) {
            "" | "*" => HostScope::Any,
            "." => HostScope::Own,
            namespace => HostScope::Namespace(namespace),
        };
        Some(Self { scope, host: Host(host), excluded })
    }
}

#[cfg(test)]
mod tests {
    use super::HostScope::{Any, Namespace, Own};
    use super::*;

    #[test]
    fn reads_what_stands_before_a_host() {
        for (text, scope, host, excluded) in [
            ("example.com", Any, "example.com", false),
            ("*", Any, "*", false),
            ("*/*", Any, "*", false),
            ("./*", Own, "*", false),
            ("*/example.com", Any, "example.com", false),
            ("shop/*", Namespace("shop"), "*", false),
            ("shop/*.example.com", Namespace("shop"), "*.example.com", false),
            ("~/*", Any, "*", true),
            ("~*/*", Any, "*", true),
            ("~./a.com", Own, "a.com", true),
            ("~shop/*", Namespace("shop"), "*", true),
        ] {
            assert_eq!(ScopedHost::parse(text), Some(ScopedHost { scope, host: Host(host), excluded }), "{text}");
        }
        for text in ["", "/", "/a.com", "shop/", "a/b/c", "~/"] {
            assert_eq!(ScopedHost::parse(text), None, "{text}");
        }
    }
}
