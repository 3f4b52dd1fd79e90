//! `requestauthn-hygiene`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::mesh::reserved;
use crate::object::{Node, Url};
use crate::rule::{CannotJudge, Finding, Findings, GroupKind, Input, Metadata, Rule, Severity, Words, documented};

documented! {
    /// A `RequestAuthentication` takes its keys from where they are safe, and overwrites no header that matters.
    ///
    /// # What it does
    /// Of every entry of `jwtRules` it refuses a `jwksUri` that is not `https`, one that leads to loopback, link-local or
    /// a cloud's metadata service, keys in `jwks` that are private or symmetric, and output of token contents to headers
    /// by which others route, trace or authenticate. Advises against an entry without `audiences` and against
    /// `fromParams`.
    ///
    /// # Why
    /// Whoever can change the keys on their way can sign tokens, and whoever has a private key can too. istiod fetches
    /// `jwksUri` itself: an address of its own machine's makes it a way in. Without audiences a token that was issued for
    /// another service is accepted here; tokens in URLs end up in logs. The fields:
    /// <https://istio.io/latest/docs/reference/config/security/jwt/>.
    ///
    /// # Known limits
    /// Names are judged as they are written: one that resolves to a forbidden address is not seen. Only requests with an
    /// invalid token are refused by this kind; that one without any is takes an `AuthorizationPolicy`, or
    /// `presence: REQUIRED` where Istio knows it.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct RequestauthnHygiene {
        /// Further headers that no token's contents may be written to.
        #[serde(default)]
        also_headers: Vec<String>,
    }
}

impl Rule for RequestauthnHygiene {
    const METADATA: Metadata = Metadata {
        name: "requestauthn-hygiene",
        severity: Severity::High,
        kinds: &[GroupKind { group: "security.istio.io", kind: "RequestAuthentication" }],
        codes: &["AsmRequestAuthnProhibitedOutputHeaders", "IST0175"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, Input { object, .. }: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let Some(spec) = object.map("spec")? else { return Ok(()) };
        for rule in spec.maps("jwtRules")? {
            let subject = format!("issuer {}", rule.text("issuer")?.unwrap_or_default());
            // The API has both names for it.
            for key in ["jwksUri", "jwks_uri"] {
                if let Some(uri) = said(rule.text(key)?) {
                    for words in judge_uri(uri) {
                        findings.violation(finding(rule, key, &subject, uri.into(), words));
                    }
                }
            }
            if let Some(text) = said(rule.text("jwks")?) {
                let secret = secret_members(rule, text)?;
                if !secret.is_empty() {
                    findings.violation(finding(rule, "jwks", &subject, secret.into(), SECRET));
                }
            }
            self.judge_output(rule, &subject, findings)?;
            if rule.texts("audiences")?.is_empty() {
                findings.advise([finding(rule, "audiences", &subject, Value::Null, NO_AUDIENCE)]);
            }
            let params = rule.texts("fromParams")?.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
            if !params.is_empty() {
                findings.advise([finding(rule, "fromParams", &subject, params.into(), IN_URL)]);
            }
        }
        Ok(())
    }
}

impl RequestauthnHygiene {
    /// The headers that a rule's output is written to.
    fn judge_output(&self, rule: Node<'_>, subject: &str, findings: &mut Findings) -> Result<(), CannotJudge> {
        let payload = rule.text("outputPayloadToHeader")?.map(|header| (rule, "outputPayloadToHeader", header));
        let mut outputs = Vec::from_iter(payload);
        for claim in rule.maps("outputClaimToHeaders")? {
            outputs.extend(claim.text("header")?.map(|header| (claim, "header", header)));
        }
        for (node, key, header) in outputs {
            let own = || self.also_headers.iter().any(|other| other.eq_ignore_ascii_case(header));
            if is_well_known(&header.to_ascii_lowercase()) || own() {
                let subject = format!("{subject} header {header}");
                findings.violation(finding(node, key, &subject, header.into(), OVERWRITES));
            }
        }
        Ok(())
    }
}

/// To Istio an empty string is an absent one.
fn said(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn judge_uri(uri: &str) -> impl Iterator<Item = Words> {
    let Url { scheme, host, .. } = Url::parse(uri);
    let plain = (scheme.as_deref() != Some("https")).then_some(PLAIN);
    plain.into_iter().chain(reserved(host).map(|_| INWARD))
}

/// The names of members by which the keys in a key set are no public ones; never what they hold.
///
/// <https://www.rfc-editor.org/rfc/rfc7518#section-6>
fn secret_members(rule: Node<'_>, jwks: &str) -> Result<Vec<&'static str>, CannotJudge> {
    const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let Ok(set) = serde_json::from_str::<Value>(jwks) else {
        let path = rule.nearest(["jwks"]).pointer();
        let message = format!("`{path}` is no JSON, expected a JSON Web Key Set");
        return Err(CannotJudge { path, inner: None, message });
    };
    // A key alone may stand where a set is expected.
    let keys = set.get("keys").and_then(Value::as_array).map_or(std::slice::from_ref(&set), Vec::as_slice);
    Ok(SECRET.into_iter().filter(|member| keys.iter().any(|key| key.get(member).is_some())).collect())
}

/// Headers by which requests are routed, traced, framed or authenticated; in lower case.
fn is_well_known(header: &str) -> bool {
    const NAMES: [&str; 18] = [
        "authorization",
        "b3",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "forwarded",
        "host",
        "keep-alive",
        "proxy-authorization",
        "set-cookie",
        "te",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    ];
    const STARTS: [&str; 4] = [":", "x-b3-", "x-envoy-", "x-forwarded-"];
    NAMES.contains(&header) || STARTS.iter().any(|start| header.starts_with(start))
}

const PLAIN: Words =
    ["the keys are fetched without TLS: whoever sits in between can sign tokens", "https", "fetch the keys by https"];
const INWARD: Words = [
    "the keys are fetched from an address that leads to istiod's own machine, or to a cloud's credentials",
    "the issuer's own host",
    "name the host at which the issuer publishes its keys",
];
const SECRET: Words = [
    "the key set holds private or symmetric keys: whoever reads this object can sign tokens",
    "public keys",
    "publish the public half alone, and replace these keys: they are known now",
];
const OVERWRITES: Words = [
    "a token's contents overwrite a header by which others route, trace or authenticate",
    "a header of its own, such as x-jwt-payload",
    "write to a header of its own",
];
const NO_AUDIENCE: Words = [
    "without audiences, tokens that were issued for other services are accepted",
    "the audiences that mean this service",
    "list them in audiences",
];
const IN_URL: Words = [
    "tokens in URLs end up in logs and histories",
    "tokens in a header",
    "take fromParams away, and send tokens in the Authorization header",
];

fn finding(node: Node<'_>, key: &str, subject: &str, value: Value, words: Words) -> Finding {
    Finding { value, ..Finding::below(node, &[key], subject).in_words(words) }
}
