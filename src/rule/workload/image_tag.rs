//! `image-tag`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mesh::{EPHEMERAL_CONTAINERS, POD_TEMPLATES, pod_template};
use crate::object::{Image, Node, quoted};
use crate::rule::{CannotJudge, Finding, Findings, Input, Metadata, Rule, Severity, documented};

documented! {
    /// An image says which version of it runs.
    ///
    /// # What it does
    /// Refuses images of a pod template without a tag, and with the tag `latest`, of all containers, those that start
    /// first and those that are added for debugging included. A digest is as good as a tag, beside `latest` too. A colon in front of the last `/` is a port's:
    /// `registry:5000/cart` has no tag. The proxy of a Pod may have `image: auto`, which the injector replaces.
    ///
    /// # Why
    /// Which program `latest` is depends on the day and on the node: a Pod that is moved may be another version than its
    /// neighbour, a canary is not what was tested, and there is no way back.
    /// <https://kubernetes.io/docs/concepts/containers/images/#image-names>
    ///
    /// # Known limits
    /// Images that are volumes are not judged. A container with one of Istio's names and `image: auto` passes; where
    /// nothing is injected, `image-auto-without-injection` refuses it.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct ImageTag {
        /// Tags that are refused. Without a tag the node takes `latest`, so that is refused whatever stands here.
        #[serde(default = "latest")]
        tags: Vec<String>,
        /// Only a digest (`@sha256:…`) names an image; tags may be moved.
        #[serde(default)]
        require_digest: bool,
    }
}

fn latest() -> Vec<String> {
    vec!["latest".to_owned()]
}

impl Rule for ImageTag {
    const METADATA: Metadata = Metadata {
        name: "image-tag",
        severity: Severity::Medium,
        kinds: &POD_TEMPLATES,
        subresources: &["", EPHEMERAL_CONTAINERS],
        codes: &["disallow-latest-tag"],
        doc: Self::DOC,
        ..Metadata::OF_WRITES
    };

    fn check(&self, input: Input<'_>, findings: &mut Findings) -> Result<(), CannotJudge> {
        let kind = &input.request.kind;
        let Some(template) = pod_template(&kind.group, &kind.kind, input.object)? else { return Ok(()) };
        for container in template.listed_containers()? {
            // A template may leave the image to whoever fills it in later: OpenShift's triggers do where there is a space.
            let Some(text) = container.node.text("image")?.filter(|text| !text.trim().is_empty()) else { continue };
            let injected = text == "auto" && container.is_istio();
            if let Some(wrong) = self.wrong(Image::parse(text)).filter(|_| !injected) {
                let image = container.node.get("image").unwrap_or(container.node);
                findings.violation(self.finding(image, container.subject(), text, wrong));
            }
        }
        Ok(())
    }
}

impl ImageTag {
    /// What is wrong with an image, if anything.
    fn wrong(&self, image: Image<'_>) -> Option<&'static str> {
        match image {
            _ if self.require_digest => (!image.is_pinned()).then_some("no digest"),
            Image { digest: Some(_), .. } => None,
            Image { tag: None, .. } => Some("no tag, which is `latest`"),
            Image { tag: Some(tag), .. } => {
                self.tags.iter().any(|refused| refused == tag).then_some("a tag that may become another image")
            }
        }
    }

    fn finding(&self, image: Node<'_>, subject: String, text: &str, wrong: &str) -> Finding {
        let wanted = if self.require_digest { "a digest (`@sha256:`)" } else { "a version as tag, or a digest" };
        Finding {
            message: format!("the image {} of the {subject} has {wrong}", quoted(text)),
            wanted: wanted.to_owned(),
            remedy: "name the version that was tested".to_owned(),
            ..Finding::of(image, subject)
        }
    }
}
