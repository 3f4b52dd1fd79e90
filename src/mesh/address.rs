//! Addresses: ranges of them, and those that nobody should reach through the mesh.

use core::net::IpAddr;

/// A range of addresses: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address in front.
    pub address: IpAddr,
    /// How many of its leading bits count.
    pub prefix: u8,
}

impl Cidr {
    /// Reads a range as Istio does: an address, perhaps with the number of its leading bits.
    ///
    /// `ValidateIPSubnet` of <https://github.com/istio/istio/blob/master/pkg/config/validation/agent/validation.go>
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let Some(prefix) = prefix else { return Some(Self { address, prefix: most }) };
        // Go knows no sign and no leading zero here.
        let canonical = prefix == "0" || prefix.starts_with(|c: char| matches!(c, '1'..='9'));
        let prefix = prefix.parse().ok().filter(|prefix| canonical && *prefix <= most)?;
        Some(Self { address, prefix })
    }

    /// Whether every address of its family lies in it: `0.0.0.0/0`, `::/0`.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.prefix == 0
    }

    /// Whether every address of `other` lies in it. An IPv4 address in the clothes of an IPv6 one is the same.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let ((own, length), (other, longer)) = (self.bits(), other.bits());
        let head = |bits: u128| bits.checked_shr(128 - length).unwrap_or_default();
        length <= longer && head(own) == head(other)
    }

    /// Whether some address lies in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether some address in it is one where clouds hand out credentials: a link-local one, or that of a metadata service.
    #[must_use]
    pub fn has_metadata(&self) -> bool {
        LINK_LOCAL
            .iter()
            .chain(&METADATA_ADDRESSES)
            .filter_map(|range| Self::parse(range))
            .any(|range| range.overlaps(self))
    }

    /// Both families as one: the address, and how many of its leading bits count.
    fn bits(&self) -> (u128, u32) {
        match self.address {
            IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), 96 + u32::from(self.prefix)),
            IpAddr::V6(v6) => (v6.to_bits(), u32::from(self.prefix)),
        }
    }
}

/// A place that a host of the outside has no business to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// The proxy's own machine or Pod.
    Loopback,
    /// The next machines alone; clouds hand out credentials there.
    LinkLocal,
    /// `0.0.0.0`, `::`: as good as loopback to many.
    Unspecified,
    /// A cloud's metadata service, by its name.
    Metadata,
}

/// Link-local addresses: <https://www.rfc-editor.org/rfc/rfc3927>, <https://www.rfc-editor.org/rfc/rfc4291#section-2.5.6>.
const LINK_LOCAL: [&str; 2] = ["169.254.0.0/16", "fe80::/10"];

/// Names of metadata services: Google's, and the short form that it answers to.
const METADATA: [&str; 2] = ["metadata.google.internal", "metadata"];

/// Addresses of metadata services that are not link-local: EC2's and Google's over IPv6, and Alibaba Cloud's.
const METADATA_ADDRESSES: [&str; 3] = ["fd00:ec2::254", "fd20:ce::254", "100.100.100.200"];

/// Which reserved place a host is, or, as a wildcard, may be, by what is written: a name that resolves to one is not known.
#[must_use]
pub fn reserved(host: &str) -> Option<Reserved> {
    let name = super::Host(host).canonical();
    if METADATA.iter().any(|known| super::Host(known).is_subset_of(super::Host(&name))) {
        return Some(Reserved::Metadata);
    }
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(Reserved::Loopback);
    }
    // An IPv4 address in the clothes of an IPv6 one is the same.
    let address = name.parse::<IpAddr>().ok()?.to_canonical();
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    match address {
        _ if address.is_loopback() => Some(Reserved::Loopback),
        _ if address.is_unspecified() => Some(Reserved::Unspecified),
        _ if link_local => Some(Reserved::LinkLocal),
        _ if METADATA_ADDRESSES.iter().any(|known| known.parse() == Ok(address)) => Some(Reserved::Metadata),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges() {
        for (text, prefix, everything) in [
            ("0.0.0.0/0", 0, true),
            ("10.1.2.3/0", 0, true),
            ("::/0", 0, true),
            ("10.0.0.0/8", 8, false),
            ("10.0.0.1", 32, false),
            ("2001:db8::/32", 32, false),
            ("::1", 128, false),
        ] {
            let cidr = Cidr::parse(text).unwrap();
            assert_eq!((cidr.prefix, cidr.is_everything()), (prefix, everything), "{text}");
        }
        for text in [
            "",
            "*",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/-1",
            "10/8",
            "::/129",
            "a.b.c.d/8",
            "10.0.0.0/8/8",
            "010.0.0.0/8",
            "10.0.0.0 /8",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_lie_in_ranges_whatever_their_family() {
        for (one, other, within, around) in [
            ("10.0.0.0/8", "10.1.0.0/16", false, true),
            ("10.1.2.3/8", "10.0.0.1", false, true),
            ("10.0.0.1", "10.0.0.1/32", true, true),
            ("10.0.0.0/8", "11.0.0.0/8", false, false),
            ("::ffff:10.0.0.1", "10.0.0.0/8", true, false),
            ("::/0", "10.0.0.0/8", false, true),
            ("0.0.0.0/0", "2001:db8::/32", false, false),
            ("2001:db8::/32", "2001:db8::1", false, true),
        ] {
            let (a, b) = (Cidr::parse(one).unwrap(), Cidr::parse(other).unwrap());
            assert_eq!((b.contains(&a), a.contains(&b)), (within, around), "{one} {other}");
            assert_eq!(a.overlaps(&b), within || around, "{one} {other}");
        }
    }

    #[test]
    fn knows_reserved_places() {
        use Reserved::{LinkLocal, Loopback, Metadata, Unspecified};
        for (host, expected) in [
            ("localhost", Some(Loopback)),
            ("LocalHost.", Some(Loopback)),
            ("a.localhost", Some(Loopback)),
            ("127.0.0.1", Some(Loopback)),
            ("127.9.9.9", Some(Loopback)),
            ("::1", Some(Loopback)),
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("0.0.0.0", Some(Unspecified)),
            ("::", Some(Unspecified)),
            ("169.254.169.254", Some(LinkLocal)),
            ("::ffff:169.254.169.254", Some(LinkLocal)),
            ("fe80::1", Some(LinkLocal)),
            ("Metadata.Google.Internal.", Some(Metadata)),
            ("fd00:ec2::254", Some(Metadata)),
            ("fd00:0ec2:0::0254", Some(Metadata)),
            ("100.100.100.200", Some(Metadata)),
            ("10.0.0.1", None),
            ("example.com", None),
            ("localhost.example.com", None),
            ("169.254.example.com", None),
            ("", None),
        ] {
            assert_eq!(reserved(host), expected, "{host}");
        }
    }
}
