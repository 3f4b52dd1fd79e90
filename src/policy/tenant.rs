//! Tenants as Settings say them, and what is wrong with them beside each other.

use schemars::JsonSchema;
use serde::Deserialize;

use super::field;
use crate::mesh::{Asked, GatewayName, Glob, Mesh, OwnedHost, Tenant, Tenants};

/// A tenant: the Services of its namespaces are its own, and so are its hosts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantSaid {
    /// Its name.
    #[serde(deserialize_with = "field::words")]
    name: String,
    /// Its namespaces.
    namespaces: Vec<Glob>,
    /// Further hosts that it owns: `a.example.com`, `*.example.com`, addresses and ranges of them.
    #[serde(default)]
    hosts: Vec<OwnedHost>,
    /// Gateways of other namespaces that its routes may bind, as `namespace/name`.
    #[serde(default)]
    gateways: Vec<GatewayName>,
}

impl From<TenantSaid> for Tenant {
    fn from(said: TenantSaid) -> Self {
        let TenantSaid { name, namespaces, hosts, gateways } = said;
        Self { name, namespaces, hosts, gateways }
    }
}

/// A place in Settings, and what is wrong there.
type Wrong = (Vec<String>, String);

/// What would leave open whose a namespace or a host is.
pub(super) fn wrong(mesh: &Mesh) -> Vec<Wrong> {
    let Tenants { tenants, shared_hosts } = &mesh.tenants;
    let of_tenant = |(at, tenant): (usize, &Tenant)| {
        let place = |(path, message)| ([vec!["tenants".to_owned(), at.to_string()], path].concat(), message);
        let earlier = || tenants.iter().take(at);
        let mut wrong = names(tenant, earlier);
        // Of two hosts that meet the later one is wrong; of a host and a namespace, the host.
        let later = || tenants.iter().skip(at + 1);
        wrong.extend(hosts("hosts", &tenant.hosts, mesh, |asked| {
            earlier().find(|other| other.meets(asked)).or_else(|| later().find(|other| other.serves(asked)))
        }));
        wrong.into_iter().map(place).collect::<Vec<_>>()
    };
    let of_tenants = tenants.iter().enumerate().flat_map(of_tenant);
    let shared = hosts("sharedHosts", shared_hosts, mesh, |asked| tenants.iter().find(|tenant| tenant.meets(asked)));
    of_tenants.chain(shared).collect()
}

/// What is wrong with the name and namespaces of a tenant beside earlier ones.
fn names<'t, I: Iterator<Item = &'t Tenant>>(tenant: &Tenant, earlier: impl Fn() -> I) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if earlier().any(|other| other.name == tenant.name) {
        wrong.push((vec!["name".to_owned()], format!("a second tenant `{}`; names are unique", tenant.name)));
    }
    if tenant.namespaces.is_empty() {
        let message = "an empty list; name at least one: a tenant is known by its namespaces";
        wrong.push((vec!["namespaces".to_owned()], message.to_owned()));
    }
    for (at, glob) in tenant.namespaces.iter().enumerate() {
        let meets = |other: &&Tenant| other.namespaces.iter().any(|own| own.overlaps(glob));
        wrong.extend(earlier().find(meets).map(|other| {
            let message = format!("`{}` and a namespace of tenant `{}` may be the same", glob.as_str(), other.name);
            (vec!["namespaces".to_owned(), at.to_string()], message)
        }));
    }
    wrong
}

/// What is wrong with a list of hosts, some of which an owner may have.
fn hosts<'t>(list: &str, hosts: &[OwnedHost], mesh: &Mesh, owner: impl Fn(&Asked) -> Option<&'t Tenant>) -> Vec<Wrong> {
    let wrong = |(at, host): (usize, &OwnedHost)| {
        let asked = host.asked(&mesh.cluster_domain);
        Some((vec![list.to_owned(), at.to_string()], taken(host, &asked, owner(&asked))?))
    };
    hosts.iter().enumerate().filter_map(wrong).collect()
}

/// Why a host cannot be owned or shared, where somebody has some of it.
fn taken(host: &OwnedHost, asked: &Asked, owner: Option<&Tenant>) -> Option<String> {
    if asked.is_everywhere() {
        return Some(format!("`{host}` stands for Services of every namespace; name the hosts that are meant"));
    }
    Some(format!("some of `{host}` is tenant `{}`'s already; a host has one owner, or is shared", owner?.name))
}
