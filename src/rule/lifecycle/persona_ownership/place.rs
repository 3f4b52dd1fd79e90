//! Where an object may not stand, whoever asks.

use super::PersonaOwnership;
use super::owner::{is_for_gateway, is_workload};
use crate::mesh::{ContainerList, Mesh, PodTemplate, ROUTES, export, pod_template};
use crate::object::{Node, WrongType};
use crate::rule::Request;

impl PersonaOwnership {
    /// What is wrong with its namespace.
    pub(super) fn misplaced(
        &self,
        object: Node<'_>,
        request: &Request<'_>,
        mesh: &Mesh,
    ) -> Result<Option<String>, WrongType> {
        let (group, kind, namespace) = (&*request.kind.group, &*request.kind.kind, &*request.namespace);
        let beside = mesh.has_control_plane(namespace);
        let foreign = match kind {
            _ if is_workload(group, kind) => {
                let template = pod_template(group, kind, object)?.filter(|_| beside);
                template.map_or(Ok(false), |template| self.is_foreign(&template))?
            }
            "VirtualService" if self.gateway_routes && is_for_gateway(object)? => {
                let elsewhere = !mesh.has_gateways(namespace);
                let message = format!("a VirtualService for a gateway in namespace `{namespace}`");
                return Ok(elsewhere.then_some(message));
            }
            _ if !beside || mesh.has_config(namespace) => false,
            "DestinationRule" | "ServiceEntry" => {
                namespace != mesh.root() || !export(object)?.reaches_beyond(namespace)
            }
            "VirtualService" | "WorkloadEntry" | "WorkloadGroup" => true,
            _ => ROUTES.iter().any(|route| route.is(group, kind)),
        };
        Ok(foreign.then(|| format!("{kind} of an application beside the control plane, in namespace `{namespace}`")))
    }

    /// Whether none of what runs is a part of Istio. Labels prove nothing: anyone may write them.
    fn is_foreign(&self, template: &PodTemplate<'_>) -> Result<bool, WrongType> {
        for container in template.listed_containers()? {
            if container.list == ContainerList::Main
                && let Some(image) = container.image()?
                && let Some(name) = image.repository.rsplit('/').next()
                && self.control_plane_images.iter().any(|own| own == name)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
