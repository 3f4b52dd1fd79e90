//! `gateway-tls`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::{GATEWAYS, Listener, Protocol, Server, ServerTls, WEAK_TLS, is_internal_gateway, listeners, servers};
use crate::object::{Node, WrongType};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// TLS at a gateway is complete and not weak.
    ///
    /// # What it does
    /// Refuses servers of an Istio Gateway and listeners of a Kubernetes Gateway that say HTTPS or TLS and do not say how;
    /// certificates with a mode that ignores them; TLS 1.0 and 1.1; and client certificates that nobody verifies. It
    /// advises against weak ciphers, certificates from files, and client certificates that are optional.
    ///
    /// # Why
    /// An absent `mode` is `PASSTHROUGH`, the first of its enum: the certificates beside it count for nothing, and
    /// clients get whatever stands behind the gateway. TLS before 1.2 is broken, which is why Istio's own floor is 1.2:
    /// <https://istio.io/latest/docs/reference/config/networking/gateway/#ServerTLSSettings>.
    ///
    /// # Known limits
    /// Whether a secret exists, what is in it, and whether a ReferenceGrant permits one of another namespace, is not
    /// looked up. What Istio refuses itself, such as two sources of certificates, is left to it.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct GatewayTls {}
}

/// Where a server may have its certificates from.
const CERTIFICATES: [&str; 7] = [
    "credentialName",
    "credentialNames",
    "serverCertificate",
    "privateKey",
    "caCertificates",
    "caCertCredentialName",
    "tlsCertificates",
];

/// What forces Istio's terminating modes on a listener of Gateway API.
const TERMINATE_MODE: &str = "gateway.istio.io/tls-terminate-mode";

impl Rule for GatewayTls {
    const METADATA: Metadata = Metadata {
        name: "gateway-tls",
        severity: Severity::High,
        kinds: &GATEWAYS,
        codes: &["IST0161"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Input { object, request, .. } = input;
        if request.kind.group == "networking.istio.io" {
            for server in servers(object)? {
                judge_server(&server, findings)?;
            }
        } else if !is_internal_gateway(object)? {
            for listener in listeners(object)? {
                judge_listener(&listener, findings)?;
            }
        }
        Ok(())
    }
}

fn judge_server(server: &Server<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    let of = server.subject();
    let Some(tls) = server.tls else {
        if server.protocol().is_some_and(Protocol::is_tls) {
            findings.violation(Finding {
                message: format!("{of} has no tls settings, and its protocol needs them"),
                wanted: "tls with a mode and a certificate".to_owned(),
                remedy: "add tls, such as `{mode: SIMPLE, credentialName: …}`".to_owned(),
                ..Finding::below(server.node, &["tls"], &*of)
            });
        }
        return Ok(());
    };
    let ignored = CERTIFICATES.iter().find(|key| present(tls.node, key));
    if let Some(key) = ignored.filter(|_| server.passes_through()) {
        findings.violation(Finding {
            message: match tls.node.get("mode").filter(|mode| !mode.is_null()) {
                None => format!("{of} names no mode, which means PASSTHROUGH: its {key} is ignored"),
                Some(_) => format!("{of} passes TLS through: its {key} is ignored"),
            },
            wanted: "SIMPLE or MUTUAL".to_owned(),
            remedy: format!("set tls.mode to SIMPLE or MUTUAL, or remove {key}"),
            ..Finding::below(tls.node, &["mode"], &*of)
        });
    }
    judge_settings(&tls, &of, findings)
}

/// The settings that are wrong whatever the mode.
fn judge_settings(tls: &ServerTls<'_>, of: &str, findings: &mut Findings) -> Result<(), WrongType> {
    for key in ["minProtocolVersion", "maxProtocolVersion"] {
        if let Some(version) = tls.node.text(key)?.filter(|version| WEAK_TLS.contains(version)) {
            findings.violation(Finding {
                message: format!("{of} has {version} as its {key}"),
                wanted: "TLS 1.2 or later".to_owned(),
                remedy: format!("set {key} to TLSV1_2 or TLSV1_3, or remove it"),
                ..Finding::below(tls.node, &[key], of)
            });
        }
    }
    if tls.node.boolean("insecureSkipVerify")? == Some(true) {
        findings.violation(Finding {
            message: format!("{of} takes client certificates without verifying them"),
            wanted: "certificates of clients that are verified".to_owned(),
            remedy: "remove insecureSkipVerify".to_owned(),
            ..Finding::below(tls.node, &["insecureSkipVerify"], of)
        });
    }
    for (node, cipher) in tls.node.texts("cipherSuites")? {
        if is_weak(cipher) {
            findings.advise([Finding {
                message: format!("{of} offers `{cipher}`, which has no forward secrecy or a weak mode"),
                wanted: "suites with ECDHE and GCM or ChaCha20".to_owned(),
                remedy: "remove it, or cipherSuites altogether for Envoy's defaults".to_owned(),
                ..Finding::of(node, format!("{of} cipher {cipher}"))
            }]);
        }
    }
    if let Some(key) = ["serverCertificate", "privateKey"].iter().find(|key| present(tls.node, key)) {
        findings.advise([Finding {
            message: format!("{of} takes its certificate from files of the gateway's Pod"),
            wanted: "credentialName".to_owned(),
            remedy:
                "keep the certificate in a Secret and name it under credentialName: it is renewed without a restart"
                    .to_owned(),
            ..Finding::below(tls.node, &[key], of)
        }]);
    }
    if tls.mode == "OPTIONAL_MUTUAL" {
        findings.advise([optional(tls.node, of, "mode")]);
    }
    Ok(())
}

fn judge_listener(listener: &Listener<'_>, findings: &mut Findings) -> Result<(), WrongType> {
    let of = listener.subject();
    if !matches!(listener.protocol, "HTTPS" | "TLS") {
        return Ok(());
    }
    let Some(tls) = listener.tls else {
        findings.violation(Finding {
            message: format!("{of} has no tls settings, and its protocol needs them"),
            wanted: "tls with certificateRefs".to_owned(),
            remedy: "add tls.certificateRefs".to_owned(),
            ..Finding::below(listener.node, &["tls"], &*of)
        });
        return Ok(());
    };
    let options = tls.map("options")?;
    let terminate = options.map_or(Ok(None), |options| options.text(TERMINATE_MODE))?;
    if listener.tls_mode == "Terminate" && tls.maps("certificateRefs")?.is_empty() && options.is_none() {
        findings.violation(Finding {
            message: format!("{of} ends TLS and has no certificate"),
            wanted: "at least one of certificateRefs".to_owned(),
            remedy: "name the Secret with the certificate under tls.certificateRefs".to_owned(),
            ..Finding::below(tls, &["certificateRefs"], &*of)
        });
    }
    if let Some(options) = options.filter(|_| terminate == Some("OPTIONAL_MUTUAL")) {
        findings.advise([optional(options, &of, TERMINATE_MODE)]);
    }
    Ok(())
}

fn optional(node: Node<'_>, of: &str, key: &str) -> Finding {
    Finding {
        message: format!("{of} asks for client certificates and takes requests without"),
        wanted: "MUTUAL, or SIMPLE".to_owned(),
        remedy: "set MUTUAL, and have another server for clients without a certificate".to_owned(),
        ..Finding::below(node, &[key], of)
    }
}

/// Whether an OpenSSL name stands for a suite without forward secrecy (RSA key exchange), with CBC, or with 3DES, or for
/// some that are: `ALL`, and groups such as `[A|B]`. What is taken away by `-` or `!` is not offered.
fn is_weak(cipher: &str) -> bool {
    let weak = |name: &str| name.ends_with("-SHA") || name.starts_with("AES") || name == "ALL";
    !cipher.starts_with(['-', '!']) && cipher.split(['[', '|', ']', '+']).any(weak)
}

fn present(node: Node<'_>, key: &str) -> bool {
    node.get(key).is_some_and(|member| !matches!(member.to_json(), Value::Null) && member.as_str() != Some(""))
}
