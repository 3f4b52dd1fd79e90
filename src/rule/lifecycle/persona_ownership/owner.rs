//! To whom an object belongs.

use std::fmt;

use super::PersonaOwnership;
use crate::mesh::{GroupKind, Mesh, POD_TEMPLATES, VirtualService, is_internal_gateway, mesh_configs};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Request};

/// Who owns more than a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    MeshAdmins,
    NetworkOwners,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MeshAdmins => "the administrators of the mesh",
            Self::NetworkOwners => "the owners of the gateways",
        })
    }
}

impl PersonaOwnership {
    /// To whom an object belongs; none: to whoever may write into its namespace.
    pub(super) fn owner(
        &self,
        object: Node<'_>,
        request: &Request<'_>,
        mesh: &Mesh,
    ) -> Result<Option<Owner>, CannotJudge> {
        let (group, kind, namespace) = (&*request.kind.group, &*request.kind.kind, &*request.namespace);
        let of_mesh = mesh.lives_in(namespace) || mesh.has_config(namespace);
        if (group, kind) == ("", "ConfigMap") {
            let configs = mesh_configs((group, kind), (namespace, &request.name), object, mesh)?;
            return Ok((!configs.is_empty()).then_some(Owner::MeshAdmins));
        }
        Ok(match kind {
            _ if of_mesh => Some(Owner::MeshAdmins),
            "EnvoyFilter" | "WasmPlugin" | "TrafficExtension" => Some(Owner::MeshAdmins),
            "Gateway" if group != "networking.istio.io" && is_internal_gateway(object)? => None,
            "Gateway" | "ListenerSet" | "XListenerSet" => Some(Owner::NetworkOwners),
            "VirtualService" if self.gateway_routes && is_for_gateway(object)? => Some(Owner::NetworkOwners),
            _ if mesh.has_gateways(namespace) && !is_workload(group, kind) => Some(Owner::NetworkOwners),
            _ => None,
        })
    }

    /// The groups of an owner; mesh administrators may do everything.
    pub(super) fn groups(&self, owner: Owner) -> &[String] {
        match owner {
            Owner::MeshAdmins => &self.mesh_admins,
            Owner::NetworkOwners => &self.network_owners,
        }
    }
}

pub(super) fn is_workload(group: &str, kind: &str) -> bool {
    POD_TEMPLATES.iter().any(|own: &GroupKind| own.is(group, kind))
}

/// Whether a VirtualService names a gateway beside the sidecars.
pub(super) fn is_for_gateway(object: Node<'_>) -> Result<bool, WrongType> {
    Ok(VirtualService::of(object)?.gateways.iter().any(|(_, gateway)| *gateway != "mesh"))
}
