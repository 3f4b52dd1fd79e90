//! The Secret and the webhook configurations, as the API server has them.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, ReplaceOperation};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Error, ResourceExt};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Value, json};

use super::held::Data;
use crate::cluster::webhook_configuration::NAME;

/// Whose fields these are.
const MANAGER: &str = "vigla";
/// The annotation of a Secret whose content is Vigla's own. The label `app.kubernetes.io/managed-by` would not do: Helm sets
/// it for itself, at every upgrade.
pub(super) const MARK: &str = "vigla.dev/certificate";

const NOT_FOUND: u16 = 404;
const CONFLICT: u16 = 409;

/// What was to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Write {
    Done,
    /// Somebody else wrote first.
    Late,
}

/// A webhook configuration of Vigla's, as it was read.
pub(super) struct Configuration {
    api: Api<DynamicObject>,
    pub(super) kind: &'static str,
    version: String,
    /// The CAs that each of its webhooks is called with.
    pub(super) bundles: Vec<Vec<CertificateDer<'static>>>,
}

/// The objects of one installation.
#[derive(Clone)]
pub(super) struct Objects {
    secrets: Api<Secret>,
    name: String,
    configurations: [(&'static str, Api<DynamicObject>); 2],
}

impl Objects {
    pub(super) fn new(client: &Client, namespace: &str, name: &str) -> Self {
        let configurations = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].map(|kind| {
            let kind_of = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
            (kind, Api::all_with(client.clone(), &ApiResource::from_gvk(&kind_of)))
        });
        Self { secrets: Api::namespaced(client.clone(), namespace), name: name.to_owned(), configurations }
    }

    /// The configurations that there are.
    pub(super) async fn configurations(&self) -> Result<Vec<Configuration>, Error> {
        let mut found = Vec::new();
        for (kind, api) in &self.configurations {
            if let Some(object) = api.get_opt(NAME).await? {
                found.push(Configuration {
                    api: api.clone(),
                    kind,
                    version: object.resource_version().unwrap_or_default(),
                    bundles: webhooks(&object.data).iter().map(bundle).collect(),
                });
            }
        }
        Ok(found)
    }

    /// The Secret, where there is one.
    pub(super) async fn secret(&self) -> Result<Option<Secret>, Error> {
        self.secrets.get_opt(&self.name).await
    }

    /// Makes the Secret hold this, provided that it is still what was read.
    pub(super) async fn write(&self, read: Option<Secret>, data: Data) -> Result<Write, Error> {
        let exists = read.is_some();
        let mut secret = read.unwrap_or_else(|| Secret {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            type_: Some("kubernetes.io/tls".to_owned()),
            ..Secret::default()
        });
        secret.annotations_mut().insert(MARK.to_owned(), "self-managed".to_owned());
        secret.data = Some(data);
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        late(if exists {
            self.secrets.replace(&self.name, &params, &secret).await
        } else {
            self.secrets.create(&params, &secret).await
        })
    }
}

impl Configuration {
    /// Has every webhook be called with these CAs, provided that the configuration is still what was read.
    ///
    /// A patch of the one field, and no server-side apply: that would own the webhooks in the list besides, and whoever
    /// applies the configuration from a repository could not take one out of it any more.
    pub(super) async fn publish(&self, bundle: &str) -> Result<Write, Error> {
        let version = ReplaceOperation { path: pointer(["metadata", "resourceVersion"]), value: json!(self.version) };
        let mut operations = vec![PatchOperation::Replace(version)];
        for index in 0..self.bundles.len() {
            let path = pointer(["webhooks", &index.to_string(), "clientConfig", "caBundle"]);
            let value = json!(ByteString(bundle.as_bytes().to_vec()));
            operations.push(PatchOperation::Add(AddOperation { path, value }));
        }
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        late(self.api.patch(NAME, &params, &Patch::Json::<()>(json_patch::Patch(operations))).await)
    }
}

/// Whether Vigla wrote what the Secret holds.
pub(super) fn is_ours(secret: &Secret) -> bool {
    secret.annotations().contains_key(MARK)
}

fn pointer<'t>(tokens: impl IntoIterator<Item = &'t str>) -> PointerBuf {
    PointerBuf::from_tokens(tokens)
}

fn webhooks(configuration: &Value) -> &[Value] {
    configuration.get("webhooks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The CAs that a webhook is called with. What is none is to be replaced like any other that is not ours.
fn bundle(webhook: &Value) -> Vec<CertificateDer<'static>> {
    let bundle = webhook.pointer("/clientConfig/caBundle").and_then(|text| ByteString::deserialize(text).ok());
    let bundle = bundle.unwrap_or_default();
    CertificateDer::pem_slice_iter(&bundle.0).map_while(Result::ok).collect()
}

/// What was read is gone, or has changed.
fn late<T>(written: Result<T, Error>) -> Result<Write, Error> {
    match written {
        Ok(_) => Ok(Write::Done),
        Err(Error::Api(status)) if matches!(status.code, NOT_FOUND | CONFLICT) => Ok(Write::Late),
        Err(error) => Err(error),
    }
}
