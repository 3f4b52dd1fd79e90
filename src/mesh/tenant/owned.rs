//! What tenants own, as Settings write it.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Asked;
use super::asked::is_name;
use crate::mesh::{Cidr, Host, is_dns_label, is_subdomain};

/// A host that has an owner: a name, a wildcard in front of one, an address or a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub enum OwnedHost {
    /// A name or wildcard, as [`Host::canonical`] writes it.
    Name(String),
    /// Addresses.
    Range(Cidr),
}

/// A gateway by its namespace and name: `istio-ingress/public`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct GatewayName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl TryFrom<String> for OwnedHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(range) = Cidr::parse(&text) {
            return Ok(Self::Range(range));
        }
        let (host, shown) = (Host(&text).canonical(), text.escape_debug());
        if !is_name(&host) {
            return Err(format!("`{shown}` is no host; expected `a.example.com`, `*.example.com` or `192.0.2.0/24`"));
        }
        if Host(&host).is_short() {
            return Err(format!("`{shown}` is another host in every namespace; write it in full"));
        }
        Ok(Self::Name(host.into_owned()))
    }
}

impl fmt::Display for OwnedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(host) => f.write_str(host),
            Self::Range(Cidr { address, prefix }) => write!(f, "{address}/{prefix}"),
        }
    }
}

impl TryFrom<String> for GatewayName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once('/').filter(|(namespace, name)| is_dns_label(namespace) && is_subdomain(name));
        parts.map(|(namespace, name)| Self { namespace: namespace.to_owned(), name: name.to_owned() }).ok_or_else(
            || {
                format!(
                    "`{}` is no gateway; expected `namespace/name`, such as `istio-ingress/public`",
                    text.escape_debug()
                )
            },
        )
    }
}

impl OwnedHost {
    /// What somebody asks for who names all of it.
    #[must_use]
    pub fn asked(&self, cluster_domain: &str) -> Asked {
        match self {
            Self::Name(host) => Asked::name(host.clone(), cluster_domain),
            Self::Range(range) => Asked::Range(*range),
        }
    }

    /// Whether all that is asked for lies in it.
    pub(super) fn holds(&self, asked: &Asked) -> bool {
        match (self, asked) {
            (Self::Name(own), Asked::Name { host, .. }) => Host(host).is_subset_of(Host(own)),
            (Self::Range(own), Asked::Range(range)) => own.contains(range),
            _ => false,
        }
    }

    /// Whether some of what is asked for lies in it.
    pub(super) fn meets(&self, asked: &Asked) -> bool {
        match (self, asked) {
            (Self::Name(own), Asked::Name { host, .. }) => Host(host).matches(Host(own)),
            (Self::Range(own), Asked::Range(range)) => own.overlaps(range),
            _ => false,
        }
    }
}
