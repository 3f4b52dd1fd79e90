//! What standard output says once the door is open.

use std::net::SocketAddr;
use std::path::Path;

/// What the `curl` line of `--dev` sends: an `EnvoyFilter` outside `istio-config`.
const SAMPLE_REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"5f3c0e0a-6f5d-4c1e-9a55-0d1f6f1c7a11","kind":{"group":"networking.istio.io","version":"v1alpha3","kind":"EnvoyFilter"},"resource":{"group":"networking.istio.io","version":"v1alpha3","resource":"envoyfilters"},"name":"lua-everywhere","namespace":"default","operation":"CREATE","userInfo":{"username":"dev"},"object":{"apiVersion":"networking.istio.io/v1alpha3","kind":"EnvoyFilter","metadata":{"name":"lua-everywhere","namespace":"default"},"spec":{"configPatches":[{"applyTo":"HTTP_FILTER","match":{"context":"SIDECAR_INBOUND"},"patch":{"operation":"INSERT_BEFORE","value":{"name":"envoy.filters.http.lua"}}}]}},"dryRun":false}}"#;

/// The address on the first line, which scripts wait for; with a CA of our own, also how to call us.
pub(super) fn greeting(address: SocketAddr, ops: Option<SocketAddr>, ca: Option<&Path>) -> String {
    let mut text = format!("listening on https://{address}\n");
    if let Some(ca) = ca {
        let host =
            if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
        text += &format!("CA certificate: {}\n", ca.display());
        text += &format!(
            "curl --cacert {} -H 'Content-Type: application/json' -d '{SAMPLE_REVIEW}' https://{host}/validate\n",
            shell_word(&ca.to_string_lossy()),
        );
    }
    if let Some(ops) = ops {
        text += &format!("probes and metrics on https://{ops}\n");
    }
    text
}

/// The text as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curl_line_survives_the_shell() {
        assert!(!SAMPLE_REVIEW.contains('\''));
        assert_eq!(shell_word("/tmp/vigla-dev-ca-x1.pem"), "/tmp/vigla-dev-ca-x1.pem");
        assert_eq!(shell_word("/tmp/it's here/ca.pem"), r"'/tmp/it'\''s here/ca.pem'");
    }

    #[test]
    fn an_unspecified_address_is_called_as_localhost() {
        let text = greeting(SocketAddr::from(([0, 0, 0, 0], 8443)), None, Some(Path::new("/tmp/ca.pem")));
        assert!(text.starts_with("listening on https://0.0.0.0:8443\nCA certificate: /tmp/ca.pem\ncurl --cacert "));
        assert!(text.ends_with(" https://localhost:8443/validate\n"));
    }
}
