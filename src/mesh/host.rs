//! Hosts: how Istio completes, compares and scopes them.

mod scoped;
mod service;

use std::borrow::Cow;

use core::net::IpAddr;

pub use scoped::{HostScope, ScopedHost};
pub use service::{Form, ServiceHost, service_host};

/// A host as Istio's own kinds write it: a name, a name with a wildcard in front, an IP address.
///
/// Compared as written, upper case and a dot at the end included, as Istio does. For comparisons that must not be
/// fooled, see [`Host::canonical`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a>(pub &'a str);

/// What a wildcard in front of a host stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wildcard {
    /// `*`: every host.
    Everything,
    /// `*.example.com`: every host below a domain of that many labels.
    Domain(usize),
    /// `*example.com`, `*-eu.example.com`: every host that ends so, `evil-example.com` included.
    Suffix,
}

impl<'a> Host<'a> {
    /// The wildcard in front, where there is one. Istio knows none elsewhere: `a.*.com` is a name like any other.
    #[must_use]
    pub fn wildcard(self) -> Option<Wildcard> {
        let rest = self.0.strip_prefix('*')?;
        Some(match rest.strip_prefix('.') {
            _ if rest.is_empty() => Wildcard::Everything,
            Some(domain) => Wildcard::Domain(domain.split('.').filter(|label| !label.is_empty()).count()),
            None => Wildcard::Suffix,
        })
    }

    /// Whether some host is both: equal names, a name that ends as a wildcard does, or a wildcard within another.
    ///
    /// `*.foo.com` has not `foo.com`, and `*foo.com` has `barfoo.com`: suffixes are compared as they are.
    /// `Matches` of <https://github.com/istio/istio/blob/master/pkg/config/host/name.go>
    #[must_use]
    pub fn matches(self, other: Self) -> bool {
        self.is_subset_of(other) || other.is_subset_of(self)
    }

    /// Whether every host that this one stands for is one of the other's.
    ///
    /// `SubsetOf` of <https://github.com/istio/istio/blob/master/pkg/config/host/name.go>
    #[must_use]
    pub fn is_subset_of(self, other: Self) -> bool {
        match (self.0.strip_prefix('*'), other.0.strip_prefix('*')) {
            (None, None) => self.0 == other.0,
            (Some(_), None) => false,
            (None, Some(suffix)) => self.0.ends_with(suffix),
            (Some(own), Some(suffix)) => own.ends_with(suffix),
        }
    }

    /// The IP address that it is, where it is one.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// The same as DNS compares it: in lower case, without a dot at the end.
    #[must_use]
    pub fn canonical(self) -> Cow<'a, str> {
        let bare = if self.0.len() > 1 { self.0.strip_suffix('.').unwrap_or(self.0) } else { self.0 };
        let lower = !bare.contains(|c: char| c.is_ascii_uppercase());
        if lower { Cow::Borrowed(bare) } else { Cow::Owned(bare.to_ascii_lowercase()) }
    }

    /// The host in full, as Istio completes it in an object of that namespace: a name without a dot is a Service's
    /// there. One dot is enough for it to stay as it is: `reviews.prod` means that host and no Service.
    ///
    /// `ResolveShortnameToFQDN` of <https://github.com/istio/istio/blob/master/pilot/pkg/model/config.go>
    #[must_use]
    pub fn fqdn(self, namespace: &str, cluster_domain: &str) -> Cow<'a, str> {
        if self.is_short() {
            Cow::Owned(format!("{}.{namespace}.svc.{cluster_domain}", self.0))
        } else {
            Cow::Borrowed(self.0)
        }
    }

    /// Whether Istio completes it: a name without a dot.
    #[must_use]
    pub fn is_short(self) -> bool {
        !matches!(self.0, "" | "*") && !self.0.contains('.') && self.ip().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_completed_and_nothing_else() {
        for (host, full) in [
            ("reviews", "reviews.shop.svc.cluster.local"),
            ("Reviews", "Reviews.shop.svc.cluster.local"),
            ("reviews.prod", "reviews.prod"),
            ("reviews.prod.svc", "reviews.prod.svc"),
            ("reviews.", "reviews."),
            ("*", "*"),
            ("*.com", "*.com"),
            ("*reviews", "*reviews.shop.svc.cluster.local"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
        ] {
            assert_eq!(Host(host).fqdn("shop", "cluster.local"), full, "{host}");
            assert_eq!(Host(host).is_short(), host != full, "{host}");
        }
    }

    #[test]
    fn tells_wildcards_apart() {
        use Wildcard::{Domain, Everything, Suffix};
        for (host, wildcard) in [
            ("*", Some(Everything)),
            ("*.com", Some(Domain(1))),
            ("*.com.", Some(Domain(1))),
            ("*.example.com", Some(Domain(2))),
            ("*.", Some(Domain(0))),
            ("*example.com", Some(Suffix)),
            ("*-eu.example.com", Some(Suffix)),
            ("**", Some(Suffix)),
            ("a.*.com", None),
            ("example.com", None),
            ("", None),
        ] {
            assert_eq!(Host(host).wildcard(), wildcard, "{host}");
        }
    }

    #[test]
    fn compares_as_istio_does() {
        // one, other, whether they overlap, whether the one is within the other, and the other way round
        for (one, other, overlap, within, around) in [
            ("foo.com", "foo.com", true, true, true),
            ("foo.com", "bar.com", false, false, false),
            ("*.com", "foo.com", true, false, true),
            ("*.foo.com", "foo.com", false, false, false),
            ("*.foo.com", "a.b.foo.com", true, false, true),
            ("*foo.com", "barfoo.com", true, false, true),
            ("*foo.com", "foo.com", true, false, true),
            ("*", "foo.com", true, false, true),
            ("*", "*.com", true, false, true),
            ("*", "*", true, true, true),
            ("*.foo.com", "*.com", true, true, false),
            ("*.foo.com", "*.bar.com", false, false, false),
            ("*o.com", "*.foo.com", true, false, true),
            ("Foo.com", "foo.com", false, false, false),
            ("foo.com.", "foo.com", false, false, false),
            ("foo.com:80", "foo.com", false, false, false),
            ("*", "", true, false, true),
            ("", "", true, true, true),
        ] {
            let (a, b) = (Host(one), Host(other));
            let found = (a.matches(b), b.matches(a), a.is_subset_of(b), b.is_subset_of(a));
            assert_eq!(found, (overlap, overlap, within, around), "{one} {other}");
        }
    }

    #[test]
    fn dns_knows_no_case_and_no_dot_at_the_end() {
        for (host, canonical) in
            [("Foo.COM.", "foo.com"), ("foo.com", "foo.com"), (".", "."), ("", ""), ("*.Foo.com", "*.foo.com")]
        {
            assert_eq!(Host(host).canonical(), canonical);
        }
        assert!(Host("10.0.0.1").ip().is_some() && Host("::1").ip().is_some());
        assert!(Host("10.0.0").ip().is_none() && Host("010.0.0.1").ip().is_none());
    }
}
