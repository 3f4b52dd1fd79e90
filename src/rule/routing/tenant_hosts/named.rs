//! The hosts and gateways that an object names, wherever it does.

use std::borrow::Cow;

use crate::mesh::{
    Backend, GatewayRef, HostScope, Mesh, Reference, ScopedHost, VirtualService, listeners, parents, route_rules,
    servers, traffic_policies,
};
use crate::object::{Node, WrongType};
use crate::rule::Input;

/// What an object names at one place.
#[derive(Debug)]
pub(super) struct Named<'t> {
    pub(super) node: Node<'t>,
    /// What it is to the object: `host`, `destination`, `gateway`.
    pub(super) word: &'static str,
    pub(super) what: What<'t>,
}

#[derive(Debug)]
pub(super) enum What<'t> {
    /// A host that Istio takes as it stands.
    Literal(Cow<'t, str>),
    /// A host that Istio completes where it has no dot.
    Completed(&'t str),
    /// All that is said in a namespace of hosts.
    Namespace(&'t str),
    /// No host, and so every one.
    Everything,
    Gateway {
        namespace: &'t str,
        name: &'t str,
    },
}

/// Collects what objects name.
pub(super) struct Names<'t> {
    own: &'t str,
    mesh: &'t Mesh,
    pub(super) all: Vec<Named<'t>>,
}

impl<'t> Names<'t> {
    pub(super) fn new(input: Input<'t>) -> Self {
        Self { own: &input.request.namespace, mesh: input.mesh, all: Vec::new() }
    }

    /// Reads an object. What was read until an error counts.
    pub(super) fn read(&mut self, input: Input<'t>) -> Result<(), WrongType> {
        let object = input.object;
        let Some(spec) = object.map("spec")? else { return Ok(()) };
        match (&*input.request.kind.group, &*input.request.kind.kind) {
            (_, "VirtualService") => self.virtual_service(object),
            (_, "DestinationRule") => self.destination_rule(object, spec),
            (_, "ServiceEntry") => self.service_entry(spec),
            (_, "Sidecar") => self.sidecar(spec),
            ("networking.istio.io", "Gateway") => self.gateway(object),
            (_, "Gateway" | "ListenerSet" | "XListenerSet") => self.listeners(object, spec),
            (_, kind) => self.route(object, spec, matches!(kind, "GRPCRoute" | "HTTPRoute" | "TLSRoute")),
        }
    }

    fn add(&mut self, node: Node<'t>, word: &'static str, what: What<'t>) {
        self.all.push(Named { node, word, what });
    }

    /// Hosts that Istio takes as they stand, in the list under `key`.
    fn literals(&mut self, node: Node<'t>, key: &str, word: &'static str) -> Result<(), WrongType> {
        for (node, text) in node.texts(key)? {
            self.add(node, word, What::Literal(text.into()));
        }
        Ok(())
    }

    /// A host that Istio takes as it stands, under `key`.
    fn literal(&mut self, node: Node<'t>, key: &str, word: &'static str) -> Result<(), WrongType> {
        if let Some(text) = node.text(key)?.filter(|text| !text.is_empty()) {
            self.add(node.get(key).unwrap_or(node), word, What::Literal(text.into()));
        }
        Ok(())
    }

    fn gateways(&mut self, gateways: Vec<(Node<'t>, &'t str)>) {
        for (node, text) in gateways {
            if let GatewayRef::Named { namespace, name, .. } = GatewayRef::parse(text, self.own) {
                self.add(node, "gateway", What::Gateway { namespace, name });
            }
        }
    }

    fn virtual_service(&mut self, object: Node<'t>) -> Result<(), WrongType> {
        let VirtualService { hosts, gateways, routes } = VirtualService::of(object)?;
        for (node, text) in hosts {
            self.add(node, "host", What::Completed(text));
        }
        self.gateways(gateways);
        for route in routes {
            for to in &route.destinations {
                let word = if to.is_mirror { "mirror" } else { "destination" };
                self.add(to.node.get("host").unwrap_or(to.node), word, What::Completed(to.host));
            }
            // A delegate brings destinations that only its own namespace may name.
            if let Some(delegate) = route.node.map("delegate")?
                && let Some(namespace) = delegate.text("namespace")?.filter(|namespace| !namespace.is_empty())
            {
                self.add(delegate, "delegate's namespace", What::Namespace(namespace));
            }
            for matched in route.node.maps("match")? {
                self.gateways(matched.texts("gateways")?);
                self.literals(matched, "sniHosts", "SNI host")?;
                self.literals(matched, "destinationSubnets", "destination subnet")?;
            }
        }
        Ok(())
    }

    fn destination_rule(&mut self, object: Node<'t>, spec: Node<'t>) -> Result<(), WrongType> {
        if let Some(host) = spec.text("host")? {
            self.add(spec.get("host").unwrap_or(spec), "host", What::Completed(host));
        }
        for policy in traffic_policies(object)? {
            if let Some(tunnel) = policy.node.map("tunnel")? {
                self.literal(tunnel, "targetHost", "tunnel's host")?;
            }
        }
        Ok(())
    }

    fn service_entry(&mut self, spec: Node<'t>) -> Result<(), WrongType> {
        self.literals(spec, "hosts", "host")?;
        self.literals(spec, "addresses", "address")?;
        for endpoint in spec.maps("endpoints")? {
            self.literal(endpoint, "address", "endpoint")?;
        }
        Ok(())
    }

    fn sidecar(&mut self, spec: Node<'t>) -> Result<(), WrongType> {
        for listener in spec.maps("egress")? {
            for (node, text) in listener.texts("hosts")? {
                self.egress(node, text);
            }
        }
        if let Some(proxy) = spec.map_at(&["outboundTrafficPolicy", "egressProxy"])?
            && let Some(host) = proxy.text("host")?
        {
            self.add(proxy.get("host").unwrap_or(proxy), "egress proxy", What::Completed(host));
        }
        Ok(())
    }

    /// A host that a Sidecar lets in: what the tenant's own namespaces say of any is the tenant's.
    fn egress(&mut self, node: Node<'t>, text: &'t str) {
        let what = match ScopedHost::parse(text) {
            Some(ScopedHost { excluded: true, .. } | ScopedHost { scope: HostScope::Own, .. }) => return,
            Some(ScopedHost { scope: HostScope::Namespace(other), .. }) if self.is_home(other) => return,
            // Every proxy needs what the mesh itself says: Istio's own examples let `istio-system/*` in.
            Some(ScopedHost { scope: HostScope::Namespace(other), .. }) if self.mesh.lives_in(other) => return,
            Some(ScopedHost { scope: HostScope::Namespace(other), host, .. }) if host.0 == "*" => {
                What::Namespace(other)
            }
            Some(ScopedHost { host, .. }) => What::Literal(host.0.into()),
            None => What::Literal(text.into()),
        };
        self.add(node, "egress host", what);
    }

    fn gateway(&mut self, object: Node<'t>) -> Result<(), WrongType> {
        for server in servers(object)? {
            for (node, text) in server.hosts {
                let host = ScopedHost::parse(text).map_or(text, |scoped| scoped.host.0);
                self.add(node, "host", What::Literal(host.into()));
            }
        }
        Ok(())
    }

    fn listeners(&mut self, object: Node<'t>, spec: Node<'t>) -> Result<(), WrongType> {
        for listener in listeners(object)? {
            let node = listener.node;
            match listener.hostname {
                Some(host) => self.add(node.get("hostname").unwrap_or(node), "hostname", What::Literal(host.into())),
                None if matches!(listener.protocol, "HBONE" | "TCP" | "UDP") => {}
                None => self.add(node, "listener", What::Everything),
            }
        }
        for parent in parents(object)? {
            self.parent(&parent);
        }
        for address in spec.maps("addresses")? {
            if matches!(address.text("type")?, None | Some("Hostname" | "IPAddress")) {
                self.literal(address, "value", "address")?;
            }
        }
        Ok(())
    }

    fn route(&mut self, object: Node<'t>, spec: Node<'t>, has_hosts: bool) -> Result<(), WrongType> {
        let mut borrowed = false;
        for parent in parents(object)? {
            borrowed |= self.parent(&parent);
        }
        let hostnames = spec.texts("hostnames")?;
        if has_hosts && hostnames.is_empty() && borrowed {
            self.add(spec, "route", What::Everything);
        }
        self.literals(spec, "hostnames", "hostname")?;
        for rule in route_rules(object)? {
            for Backend { target, is_mirror, .. } in &rule.backends {
                let word = if *is_mirror { "mirror" } else { "backend" };
                // Istio's own kind: any host, and no ReferenceGrant is asked for.
                let host = if target.kind == "Hostname" { target.name.into() } else { self.service(target).into() };
                self.add(target.node, word, What::Literal(host));
            }
        }
        Ok(())
    }

    /// What a route or ListenerSet attaches to, and whether a route without hostnames takes other people's there.
    fn parent(&mut self, parent: &Reference<'t>) -> bool {
        match parent.kind {
            "Service" | "ServiceEntry" | "ServiceImport" => {
                let host = self.service(parent);
                self.add(parent.node, "parent", What::Literal(host.into()));
                false
            }
            _ if parent.is_gateway() => {
                let namespace = self.namespace(parent);
                self.add(parent.node, "gateway", What::Gateway { namespace, name: parent.name });
                !self.is_home(namespace)
            }
            _ => true,
        }
    }

    fn namespace(&self, reference: &Reference<'t>) -> &'t str {
        reference.namespace.filter(|namespace| !namespace.is_empty()).unwrap_or(self.own)
    }

    fn service(&self, reference: &Reference<'t>) -> String {
        format!("{}.{}.svc.{}", reference.name, self.namespace(reference), self.mesh.cluster_domain)
    }

    fn is_home(&self, namespace: &str) -> bool {
        self.mesh.tenants.is_home(self.own, namespace)
    }
}
