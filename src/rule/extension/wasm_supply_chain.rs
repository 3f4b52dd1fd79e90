//! `wasm-supply-chain`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::GroupKind;
use crate::object::{Image, Node, Url, WrongType, is_below, is_sha256, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// Code that runs in proxies is pinned, comes from known places, and fails closed where it guards.
    ///
    /// # What it does
    /// Refuses a `WasmPlugin` or `TrafficExtension` whose module is not pinned (`@sha256:` in the URL, or `sha256`), is
    /// fetched by plain `http://`, or comes from a registry that is not allowed; a `sha256` that is none; and
    /// `failStrategy: FAIL_OPEN` in the phases `AUTHN` and `AUTHZ`. Advises against `file://` modules, against
    /// `imagePullPolicy: Always` with a tag alone, and against environment variables that are taken from the host.
    ///
    /// # Why
    /// A module sees every request of the proxy, its headers and tokens. Whoever can move a tag, or stands on the way of
    /// `http://`, runs code there: <https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/>.
    ///
    /// # Known limits
    /// Modules that an `EnvoyFilter` fetches, and code that stands in the object (`lua`), are not judged.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct WasmSupplyChain {
        /// Hosts of registries and servers that modules may come from, such as `ghcr.io`, or folders in them, such as
        /// `ghcr.io/example`; where there is no list, any.
        #[serde(default)]
        registries: Option<Vec<String>>,
    }
}

impl Rule for WasmSupplyChain {
    const METADATA: Metadata = Metadata {
        name: "wasm-supply-chain",
        severity: Severity::High,
        kinds: &[
            GroupKind { group: "extensions.istio.io", kind: "TrafficExtension" },
            GroupKind { group: "extensions.istio.io", kind: "WasmPlugin" },
        ],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Some(spec) = input.object.map("spec")? else { return Ok(()) };
        let module = if input.request.kind.kind == "WasmPlugin" { Some(spec) } else { spec.map("wasm")? };
        let Some(module) = module else { return Ok(()) };
        self.judge_url(module, findings)?;
        let guards = matches!(spec.text("phase")?, Some("AUTHN" | "AUTHZ"));
        if guards && module.text("failStrategy")? == Some("FAIL_OPEN") {
            let message = "where the module fails, every request passes unchecked";
            findings.violation(finding(module, "failStrategy", message, "`FAIL_CLOSE`, the default"));
        }
        for variable in module.map("vmConfig")?.map_or(Ok(Vec::new()), |config| config.maps("env"))? {
            if variable.text("valueFrom")? == Some("HOST") {
                let name = variable.text("name")?.unwrap_or_default();
                let message = format!("the module reads the proxy's own variable {}", quoted(name));
                let finding = finding(variable, "valueFrom", &message, "a value that stands here");
                findings.advise([Finding { subject: format!("variable {name}"), ..finding }]);
            }
        }
        Ok(())
    }
}

impl WasmSupplyChain {
    fn judge_url(&self, module: Node<'_>, findings: &mut Findings) -> Result<(), WrongType> {
        let Some(text) = module.text("url")? else { return Ok(()) };
        let sum = module.text("sha256")?.filter(|sum| !sum.is_empty());
        if sum.is_some_and(|sum| !is_sha256(sum)) {
            let message = "this is no SHA-256 in 64 hexadecimal digits: the module is not loaded";
            findings.violation(finding(module, "sha256", message, "64 hexadecimal digits, in lower case"));
        }
        let url = Url::parse(text);
        let scheme = url.scheme.as_deref();
        if scheme == Some("file") {
            let message = "the module is taken from the proxy's own files: nothing says which it is";
            findings.advise([finding(module, "url", message, "a URL `oci://`")]);
            return Ok(());
        }
        if scheme == Some("http") {
            findings.violation(finding(module, "url", "the module is fetched in plain text", "`oci://` or `https://`"));
        }
        let oci = !matches!(scheme, Some("http" | "https"));
        let reference = text.split_once("://").map_or(text, |(_, rest)| rest);
        let image = Image::parse(reference);
        let pinned = sum.is_some() || (oci && image.is_pinned());
        if !pinned {
            let message = format!("the module {} is not pinned: it may become another one", quoted(text));
            findings.violation(finding(module, "url", &message, "a digest (`@sha256:`), or the sum under sha256"));
            if oci && module.text("imagePullPolicy")? == Some("Always") {
                let message = "the module is fetched again and again, whatever its tag has become";
                findings.advise([finding(module, "imagePullPolicy", message, "`IfNotPresent`, and a digest")]);
            }
        }
        // User information, and a port, are no part of where it comes from.
        let known = |registries: &Vec<String>| {
            if oci { image.is_from(registries) } else { is_below(&format!("{}{}", url.host, url.rest), registries) }
        };
        if self.registries.as_ref().is_some_and(|registries| !known(registries)) {
            let message = format!("the module {} comes from a place that is not allowed", quoted(text));
            findings.violation(finding(module, "url", &message, "one of the parameter registries"));
        }
        Ok(())
    }
}

fn finding(of: Node<'_>, field: &str, message: &str, wanted: &str) -> Finding {
    Finding {
        message: message.to_owned(),
        wanted: wanted.to_owned(),
        remedy: format!("set {field} to {wanted}"),
        ..Finding::below(of, &[field], field)
    }
}
