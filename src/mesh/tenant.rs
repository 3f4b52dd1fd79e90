//! Tenants: who of a shared mesh owns which hosts.

mod asked;
mod owned;

pub use asked::Asked;
pub use owned::{GatewayName, OwnedHost};

use super::Glob;

/// The tenants of a mesh. Without any, nothing belongs to anybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tenants {
    /// All of them. No namespace and no host is in two.
    pub tenants: Vec<Tenant>,
    /// Hosts that every tenant may name; no tenant owns one.
    pub shared_hosts: Vec<OwnedHost>,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// Its namespaces, whose Services it owns.
    pub namespaces: Vec<Glob>,
    /// Further hosts that it owns.
    pub hosts: Vec<OwnedHost>,
    /// Gateways of other namespaces that its routes may bind.
    pub gateways: Vec<GatewayName>,
}

/// Why an object may not name a host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Refusal<'t> {
    /// Some of it is this tenant's.
    Of(&'t Tenant),
    /// It may be read as this tenant's.
    Perhaps(&'t Tenant),
    /// It is not of this tenant, in whose namespace the object stands.
    Not(&'t Tenant),
}

impl Tenant {
    /// Whether a namespace is its own.
    #[must_use]
    pub fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|glob| glob.matches(namespace))
    }

    /// Whether all that is asked for is its own.
    fn owns(&self, asked: &Asked) -> bool {
        self.serves(asked) || self.hosts.iter().any(|own| own.holds(asked))
    }

    /// Whether what is asked for surely is a Service of its namespaces.
    #[must_use]
    pub fn serves(&self, asked: &Asked) -> bool {
        asked.home().is_some_and(|namespace| self.has_namespace(namespace))
    }

    /// Whether some of what is asked for surely is its own.
    #[must_use]
    pub fn meets(&self, asked: &Asked) -> bool {
        self.serves(asked) || self.hosts.iter().any(|own| own.meets(asked))
    }

    /// Whether some of what is asked for may be read as a Service of its namespaces.
    fn may_meet(&self, asked: &Asked) -> bool {
        match asked {
            Asked::Range(_) => false,
            Asked::Name { everywhere, namespaces, .. } => {
                *everywhere || namespaces.iter().any(|namespace| self.has_namespace(namespace))
            }
        }
    }
}

impl Tenants {
    /// The tenant whose namespace this is.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.has_namespace(namespace))
    }

    /// Whether a namespace is this one, or another of the same tenant.
    #[must_use]
    pub fn is_home(&self, own: &str, other: &str) -> bool {
        own == other || self.of(own).is_some_and(|tenant| tenant.has_namespace(other))
    }

    /// Why an object of that namespace may not name a host; nothing where it may.
    ///
    /// One of a tenant names what is the tenant's or shared, and nothing else. One of nobody's namespace names what no
    /// tenant owns: there whatever may be read as a tenant's host is one.
    #[must_use]
    pub fn refusal(&self, namespace: &str, asked: &Asked) -> Option<Refusal<'_>> {
        let own = self.of(namespace);
        if self.shared_hosts.iter().any(|shared| shared.holds(asked)) || own.is_some_and(|own| own.owns(asked)) {
            return None;
        }
        let others = || self.tenants.iter().filter(|tenant| own.is_none_or(|own| own.name != tenant.name));
        let surely = others().find(|tenant| tenant.meets(asked)).map(Refusal::Of);
        surely.or_else(|| match own {
            Some(own) => Some(Refusal::Not(own)),
            None => others().find(|tenant| tenant.may_meet(asked)).map(Refusal::Perhaps),
        })
    }

    /// Whether routes of that namespace may bind a gateway: one of its tenant's namespaces, or one that the tenant is
    /// given. Routes of nobody's namespace bind what they like; their hosts are what is judged.
    #[must_use]
    pub fn may_bind(&self, namespace: &str, gateway_namespace: &str, name: &str) -> bool {
        let given = |own: &Tenant| {
            own.has_namespace(gateway_namespace)
                || own.gateways.iter().any(|own| own.namespace == gateway_namespace && own.name == name)
        };
        self.of(namespace).is_none_or(given)
    }
}
