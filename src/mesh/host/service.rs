//! Which Service of the cluster a host stands for.

use super::Host;

/// The domain of Services that several clusters share: <https://github.com/kubernetes/enhancements/tree/master/keps/sig-multicluster/1645-multi-cluster-services-api>.
const CLUSTER_SET: &str = "clusterset.local";

/// What a host stands for, seen from the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceHost<'a> {
    /// A Service; with `*` in its name, several of one namespace.
    Service {
        /// Its name.
        name: &'a str,
        /// Its namespace.
        namespace: &'a str,
        /// How it is written.
        form: Form,
    },
    /// A wildcard under which Services of every namespace fall: `*`, `*.local`, `*.svc.cluster.local`.
    Every,
    /// Something else: a host outside the cluster, an address, nothing.
    Other,
}

/// How a host names its Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `reviews`: that of the object's own namespace.
    Short,
    /// `reviews.prod`, `reviews.prod.svc`: what a person means by it. Istio completes neither, and takes the first for
    /// a host like `example.com`: which it is cannot be told.
    Partial,
    /// `reviews.prod.svc.cluster.local`.
    Full,
}

/// What a host stands for in an object of that namespace, upper case and a dot at the end aside.
///
/// Hosts of single Pods (`db-0.db.prod.svc.cluster.local`) count as their Service.
#[must_use]
pub fn service_host<'a>(host: &'a str, namespace: &'a str, cluster_domain: &str) -> ServiceHost<'a> {
    if Host(host).is_short() {
        return ServiceHost::Service { name: host, namespace, form: Form::Short };
    }
    if Host(host).ip().is_some() {
        return ServiceHost::Other;
    }
    let domains = [cluster_domain, CLUSTER_SET];
    let full = domains.into_iter().find_map(|domain| before(host, &format!(".svc.{domain}")));
    if let Some(named) = full.or_else(|| before(host, ".svc")) {
        let form = if full.is_some() { Form::Full } else { Form::Partial };
        match named.rsplit_once('.') {
            Some((name, namespace)) => {
                let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
                return ServiceHost::Service { name, namespace, form };
            }
            None if named.starts_with('*') => return ServiceHost::Every,
            None if full.is_some() => return ServiceHost::Other,
            None => {}
        }
    }
    let canonical = Host(host).canonical();
    let covers = |domain: &&str| {
        let every = format!("*.svc.{}", Host(domain).canonical());
        canonical.starts_with('*') && Host(&every).is_subset_of(Host(&canonical))
    };
    if domains.iter().any(covers) {
        return ServiceHost::Every;
    }
    match host.strip_suffix('.').unwrap_or(host).split_once('.') {
        Some((name, namespace)) if [name, namespace].iter().all(|label| is_label(label)) => {
            ServiceHost::Service { name, namespace, form: Form::Partial }
        }
        _ => ServiceHost::Other,
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('*') && !text.contains('.')
}

/// What stands before an end of a host, whatever its case.
fn before<'a>(host: &'a str, end: &str) -> Option<&'a str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (start, found) = host.split_at_checked(host.len().checked_sub(end.len())?)?;
    found.eq_ignore_ascii_case(end).then_some(start).filter(|start| !start.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Form::{Full, Partial, Short};
    use super::*;

    #[test]
    fn tells_services_from_other_hosts() {
        for (host, name, namespace, form) in [
            ("reviews", "reviews", "shop", Short),
            ("*local", "*local", "shop", Short),
            ("reviews.prod", "reviews", "prod", Partial),
            ("reviews.svc", "reviews", "svc", Partial),
            ("example.com", "example", "com", Partial),
            ("reviews.prod.svc", "reviews", "prod", Partial),
            ("reviews.prod.svc.cluster.local", "reviews", "prod", Full),
            ("reviews.prod.svc.cluster.local.", "reviews", "prod", Full),
            ("reviews.prod.SVC.Cluster.Local", "reviews", "prod", Full),
            ("reviews.prod.svc.clusterset.local", "reviews", "prod", Full),
            ("db-0.db.prod.svc.cluster.local", "db", "prod", Full),
            ("*.prod.svc.cluster.local", "*", "prod", Full),
            ("*.db.prod.svc.cluster.local", "db", "prod", Full),
        ] {
            let expected = ServiceHost::Service { name, namespace, form };
            assert_eq!(service_host(host, "shop", "cluster.local"), expected, "{host}");
        }
        for host in [
            "*",
            "*.local",
            "*.cluster.local",
            "*.svc.cluster.local",
            "*prod.svc.cluster.local",
            "*.Svc.cluster.LOCAL",
            "*.svc",
        ] {
            assert_eq!(service_host(host, "shop", "cluster.local"), ServiceHost::Every, "{host}");
        }
        for host in [
            "www.example.com",
            "*.example.com",
            "*.com",
            "10.0.0.1",
            "::1",
            "",
            ".",
            "svc.cluster.local",
            ".svc.cluster.local",
            "reviews.svc.cluster.local",
            "*.*",
            "a.*",
            "reviews.prod.svc.other.local",
            "a.b.c",
        ] {
            assert_eq!(service_host(host, "shop", "cluster.local"), ServiceHost::Other, "{host}");
        }
    }

    #[test]
    fn the_cluster_domain_may_be_another() {
        let found = service_host("reviews.prod.svc.corp.example", "shop", "corp.example");
        assert_eq!(found, ServiceHost::Service { name: "reviews", namespace: "prod", form: Full });
        assert_eq!(service_host("reviews.prod.svc.cluster.local", "shop", "corp.example"), ServiceHost::Other);
        assert_eq!(service_host("*.example", "shop", "corp.example"), ServiceHost::Every);
    }
}
