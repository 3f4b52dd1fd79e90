//! What a host may stand for, however it is written.

use std::iter::successors;

use crate::mesh::{Cidr, Form, Host, ServiceHost, service_host};

/// What an object asks for by naming a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Addresses.
    Range(Cidr),
    /// A name, or all that fall under a wildcard.
    Name {
        /// As [`Host::canonical`] writes it.
        host: String,
        /// The namespace of the Service that it surely is.
        home: Option<String>,
        /// The namespaces of Services that it may be short for: what clients write, and their search path completes.
        namespaces: Vec<String>,
        /// Whether it may stand for Services of every namespace: `*.local`, or a name without a dot as it stands.
        everywhere: bool,
    },
}

impl Asked {
    /// Reads a host. `completed` is the namespace by which Istio completes names without a dot where this one stands;
    /// none where it takes them as they are. A dot at the end is enough for it not to.
    ///
    /// Nothing where the text is no host: then nobody can say whose it is.
    #[must_use]
    pub fn read(text: &str, completed: Option<&str>, cluster_domain: &str) -> Option<Self> {
        if let Some(range) = Cidr::parse(text) {
            return Some(Self::Range(range));
        }
        let host = Host(text).canonical().into_owned();
        if !is_name(&host) {
            return None;
        }
        if Host(&host).is_short() {
            let home = completed.filter(|_| Host(text).is_short()).map(str::to_owned);
            return Some(Self::Name { everywhere: home.is_none(), home, namespaces: Vec::new(), host });
        }
        Some(Self::name(host, cluster_domain))
    }

    /// What a canonical host with a dot in it, or `*`, stands for.
    pub(super) fn name(host: String, cluster_domain: &str) -> Self {
        let (mut home, mut everywhere) = (None, false);
        match service_host(&host, "", cluster_domain) {
            ServiceHost::Every => everywhere = true,
            ServiceHost::Service { namespace, form, .. } if form == Form::Full || host.ends_with(".svc") => {
                home = Some(namespace.to_owned());
            }
            _ => {}
        }
        let mut namespaces = Vec::new();
        let services = format!("svc.{cluster_domain}");
        for tail in successors(Some(services.as_str()), |tail| Some(tail.split_once('.')?.1)) {
            match service_host(&format!("{host}.{tail}"), "", cluster_domain) {
                ServiceHost::Every => everywhere = true,
                ServiceHost::Service { namespace, form: Form::Full, .. } => namespaces.push(namespace.to_owned()),
                _ => {}
            }
        }
        Self::Name { host, home, namespaces, everywhere }
    }

    /// Whether it may stand for Services of every namespace.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        matches!(self, Self::Name { everywhere: true, .. })
    }

    /// The namespace of the Service that it surely is.
    pub(super) fn home(&self) -> Option<&str> {
        match self {
            Self::Range(_) => None,
            Self::Name { home, .. } => home.as_deref(),
        }
    }
}

/// Whether a canonical host is a name or a wildcard in front of one: labels and dots alone.
///
/// A number as the last label makes resolvers read the whole as an address (`0x7f.1`, `10.1`):
/// <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
pub(super) fn is_name(host: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_number = |label: &str| {
        let digits = label.bytes().all(|byte| byte.is_ascii_digit());
        digits || label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let name = host.strip_prefix('*').map_or(host, |rest| rest.strip_prefix('.').unwrap_or(rest));
    let labels = || name.split('.');
    host == "*"
        || host.len() <= 253
            && labels().all(|label| !label.is_empty() && label.chars().all(legal))
            && !labels().next_back().is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a host may stand for, in words: its Service's namespace, those that it may be short for, `*` for all.
    fn read(text: &str, completed: Option<&str>) -> Option<String> {
        match Asked::read(text, completed, "cluster.local")? {
            Asked::Range(Cidr { address, prefix }) => Some(format!("{address}/{prefix}")),
            Asked::Name { host, home, namespaces, everywhere } => {
                let every = if everywhere { " *" } else { "" };
                Some(format!("{host} {} [{}]{every}", home.unwrap_or_default(), namespaces.join(" ")))
            }
        }
    }

    #[test]
    fn tells_what_a_host_may_stand_for() {
        for (text, expected) in [
            ("cart", "cart shop []"),
            ("*cart", "*cart shop []"),
            ("cart.", "cart  [] *"),
            ("*", "*  [] *"),
            ("*.", "*  [] *"),
            ("*.local", "*.local  [local] *"),
            ("Cart.Pay.SVC.cluster.local.", "cart.pay.svc.cluster.local pay [local]"),
            ("cart.pay.svc", "cart.pay.svc pay [svc pay]"),
            ("cart.pay.svc.cluster", "cart.pay.svc.cluster  [cluster pay]"),
            ("cart.pay", "cart.pay  [pay]"),
            ("*.pay", "*.pay  [pay]"),
            ("db-0.db.pay", "db-0.db.pay  [pay]"),
            ("www.example.com", "www.example.com  [com]"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("::1", "::1/128"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(read(text, Some("shop")).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read("cart", None).as_deref(), Some("cart  [] *"));
        assert_eq!(read("*cart", None).as_deref(), Some("*cart  [] *"));
    }

    #[test]
    fn what_is_no_host_is_nobodys() {
        let long = "a.".repeat(127) + "com";
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "**",
            "*.*",
            "a.*",
            "a b",
            "a:80",
            "[::1]",
            "a/b",
            "ä.com",
            "1",
            "10.1",
            "10.0.0.1.",
            "0x7f.1",
            "a.0x7f",
            "a.b..",
            "unix:///a",
            &long,
        ] {
            assert_eq!(read(text, Some("shop")), None, "{text}");
        }
    }
}
