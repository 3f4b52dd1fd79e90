//! `proxyconfig-cr`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::GroupKind;
use crate::object::{Node, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// A `ProxyConfig` leaves what Istio itself tells its proxies.
    ///
    /// # What it does
    /// Refuses in a `ProxyConfig` `concurrency: 0`, the image type `debug`, and variables by which Istio itself configures a
    /// proxy: `PROXY_CONFIG`, `ISTIO_BOOTSTRAP…`, those by which it gets its certificates (`CA_ADDR` and others), and
    /// `ISTIO_META_…` other than those that are meant for users. Refuses `LD_…`, by which other code is loaded. Advises
    /// against image types that Istio does not publish.
    ///
    /// # Why
    /// With 0 a proxy starts a thread for every core of its node, whatever its share of CPU is. The image for debugging has
    /// a shell and tools for whoever gets in. The variables replace what istiod and the injector say of a workload, its
    /// bootstrap included, past every field that Istio checks. They reach `istio-init` too, which is root.
    /// <https://istio.io/latest/docs/reference/config/networking/proxy-config/>
    ///
    /// # Known limits
    /// The same things in the annotation `proxy.istio.io/config` (`concurrency`, `image`, `proxyMetadata`) and in mesh
    /// config are not looked at. Where a `ProxyConfig` may stand is not judged here.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct ProxyconfigCr {
        /// Variables of Istio's own that may be set.
        #[serde(default = "variables")]
        variables: Vec<String>,
    }
}

fn variables() -> Vec<String> {
    ["ISTIO_META_DNS_AUTO_ALLOCATE", "ISTIO_META_DNS_CAPTURE", "ISTIO_META_IDLE_TIMEOUT"].map(str::to_owned).to_vec()
}

/// How the names of Istio's own variables begin.
const OWN: [&str; 6] =
    ["CA_ADDR", "ISTIO_BOOTSTRAP", "ISTIO_META_", "PILOT_CERT_PROVIDER", "PROXY_CONFIG", "TRUST_DOMAIN"];

/// How the names of those begin by which programs find other code than their own.
const LOADER: &str = "LD_";

/// Image types that Istio publishes.
const IMAGE_TYPES: [&str; 3] = ["debug", "default", "distroless"];

impl Rule for ProxyconfigCr {
    const METADATA: Metadata = Metadata {
        name: "proxyconfig-cr",
        severity: Severity::Low,
        kinds: &[GroupKind { group: "networking.istio.io", kind: "ProxyConfig" }],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Some(spec) = input.object.map("spec")? else { return Ok(()) };
        if let Some(node) = spec.get("concurrency").filter(|_| matches!(spec.integer("concurrency"), Ok(Some(0)))) {
            let message = "with concurrency 0 the proxy starts a thread for every core of its node";
            let remedy = "leave it out: the proxy then starts as many as its CPU limit allows";
            findings.violation(finding(node, "concurrency", message, "a number above 0", remedy));
        }
        spec.integer("concurrency")?;
        if let Some(image) = spec.map("image")?
            && let Some(kind) = image.text("imageType")?.filter(|kind| !kind.is_empty())
        {
            let node = image.get("imageType").unwrap_or(image);
            let (wanted, remedy) = ("`default` or `distroless`", "write distroless, which holds the proxy alone");
            if kind == "debug" {
                let message = "the image `debug` has a shell and tools for whoever gets in";
                findings.violation(finding(node, "imageType", message, wanted, remedy));
            } else if !IMAGE_TYPES.contains(&kind) {
                let message = format!("Istio publishes no image type {}", quoted(kind));
                findings.advise([finding(node, "imageType", &message, wanted, remedy)]);
            }
        }
        for (name, node) in spec.map("environmentVariables")?.into_iter().flat_map(Node::members) {
            let does = match name {
                _ if node.is_null() || self.variables.iter().any(|known| known == name) => continue,
                _ if OWN.iter().any(|own| name.starts_with(own)) => "is how Istio itself configures the proxy",
                _ if name.starts_with(LOADER) => "has the proxy, and istio-init as root, load other code",
                _ => continue,
            };
            let message = format!("{} {does}", quoted(name));
            let remedy = "use the field that Istio has for it, or allow it by the parameter `variables`";
            findings.violation(finding(node, name, &message, "variables of your own", remedy));
        }
        Ok(())
    }
}

fn finding(node: Node<'_>, subject: &str, message: &str, wanted: &str, remedy: &str) -> Finding {
    Finding {
        message: message.to_owned(),
        wanted: wanted.to_owned(),
        remedy: remedy.to_owned(),
        ..Finding::of(node, subject)
    }
}
