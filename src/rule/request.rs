//! One admission request, as rules and the engine see it.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mesh::{EPHEMERAL_CONTAINERS, GroupKind};
use crate::object::{Node, Tree, read_object};

/// Where a Namespace's labels can change: in itself and by its subresources.
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/namespace/strategy.go>
pub(crate) const OF_NAMESPACES: [&str; 3] = ["", "finalize", "status"];

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "Kubernetes' words")]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    /// All of them, as the API writes them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// The word of the API: `CREATE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }

    /// Whether an API server asks about this for that subresource of the kind; of subresources as far as rules judge them.
    #[must_use]
    pub fn is_done_to(self, kind: GroupKind, subresource: &str) -> bool {
        match subresource {
            "" => true,
            EPHEMERAL_CONTAINERS => self == Self::Update && kind.is("", "Pod"),
            _ => self == Self::Update && kind.is("", "Namespace") && OF_NAMESPACES.contains(&subresource),
        }
    }

    /// Whether what is done can be mended: an object that is stored whole.
    #[must_use]
    pub fn is_patchable(self, subresource: &str) -> bool {
        matches!(self, Self::Create | Self::Update) && subresource.is_empty()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind of object with its API group and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource<'a> {
    /// API group; empty for core kinds.
    pub group: Cow<'a, str>,
    /// API version.
    pub version: Cow<'a, str>,
    /// The kind.
    pub kind: Cow<'a, str>,
}

impl Resource<'static> {
    /// A resource of strings of its own.
    #[must_use]
    pub fn owned(group: &str, version: &str, kind: &str) -> Self {
        let own = |text: &str| Cow::Owned(text.to_owned());
        Self { group: own(group), version: own(version), kind: own(kind) }
    }
}

impl Resource<'_> {
    /// Group and version as objects write them: `networking.istio.io/v1`, `v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    fn into_owned(self) -> Resource<'static> {
        Resource { group: owned(self.group), version: owned(self.version), kind: owned(self.kind) }
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User<'a> {
    /// `userInfo.username`.
    pub name: Cow<'a, str>,
    /// `userInfo.groups`.
    pub groups: Vec<Cow<'a, str>>,
}

impl User<'_> {
    /// Namespace and name of the ServiceAccount, where it is one.
    ///
    /// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens>
    #[must_use]
    pub fn service_account(&self) -> Option<(&str, &str)> {
        self.name.strip_prefix("system:serviceaccount:")?.split_once(':')
    }
}

/// An object of a request.
#[derive(Clone, Debug, Default)]
pub enum Body<'a> {
    /// None, or `null`.
    #[default]
    Absent,
    /// Read.
    Read(Tree<'a>),
    /// Its JSON, not read yet: it may never be needed.
    Unread(&'a str),
    /// There, but unreadable: why.
    Unreadable(String),
}

impl<'a> Body<'a> {
    /// The object, where there is one that was read.
    #[must_use]
    pub fn node(&self) -> Option<Node<'_>> {
        match self {
            Self::Read(tree) => Some(tree.root()),
            Self::Absent | Self::Unread(_) | Self::Unreadable(_) => None,
        }
    }

    /// The object, read now where it was not yet.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn tree(&self) -> Result<Option<Cow<'_, Tree<'a>>>, String> {
        match self {
            Self::Absent => Ok(None),
            Self::Read(tree) => Ok(Some(Cow::Borrowed(tree))),
            Self::Unread(text) => read_object(text).map(|tree| Some(Cow::Owned(tree))).map_err(|error| error.message),
            Self::Unreadable(why) => Err(why.clone()),
        }
    }
}

/// One admission request (`admission.k8s.io/v1`).
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// What is done.
    pub operation: Operation,
    /// The kind in the version that the webhook asked for; `object` is converted to it.
    pub kind: Resource<'a>,
    /// The kind in the version that the user sent.
    pub request_kind: Resource<'a>,
    /// The subresource; empty for the object itself.
    pub subresource: Cow<'a, str>,
    /// The namespace that counts: the request's, never the object's own field. Empty for cluster-scoped objects; a
    /// Namespace's is its own name.
    pub namespace: Cow<'a, str>,
    /// The object's name; empty where the server is still to make one.
    pub name: Cow<'a, str>,
    /// Who asks; unknown for files.
    pub user: Option<User<'a>>,
    /// Whether nothing will be stored. Judged like any other.
    pub dry_run: bool,
    /// The object as it would become.
    pub object: Body<'a>,
    /// The object as it is stored.
    pub old_object: Body<'a>,
}

impl<'a> Request<'a> {
    /// The same without its objects, in strings of its own: for requests that outlive the text that they came from.
    #[must_use]
    pub fn without_objects(self) -> Request<'static> {
        let user =
            self.user.map(|user| User { name: owned(user.name), groups: user.groups.into_iter().map(owned).collect() });
        Request {
            operation: self.operation,
            kind: self.kind.into_owned(),
            request_kind: self.request_kind.into_owned(),
            subresource: owned(self.subresource),
            namespace: owned(self.namespace),
            name: owned(self.name),
            user,
            dry_run: self.dry_run,
            object: Body::Absent,
            old_object: Body::Absent,
        }
    }

    /// What is judged: the object or, on DELETE, which has none, the stored one.
    #[must_use]
    pub fn judged(&self) -> &Body<'a> {
        match self.operation {
            Operation::Delete => &self.old_object,
            _ => &self.object,
        }
    }

    /// Reads what is judged where it was not read yet; the object before an UPDATE stays as it is.
    pub fn read_judged(&mut self) {
        let judged = match self.operation {
            Operation::Delete => &mut self.old_object,
            _ => &mut self.object,
        };
        if let Body::Unread(text) = *judged {
            *judged = match read_object(text) {
                Ok(tree) => Body::Read(tree),
                Err(error) => Body::Unreadable(error.message),
            };
        }
    }

    /// `metadata.generateName`, where the server is still to make the name.
    #[must_use]
    pub fn generate_name(&self) -> Option<&str> {
        let stem = self.judged().node()?.at(&["metadata", "generateName"])?.as_str()?;
        self.name.is_empty().then_some(stem)
    }

    /// The name for messages: the object's, or its `generateName` with a `*` for what the server will add.
    #[must_use]
    pub fn display_name(&self) -> Cow<'_, str> {
        self.generate_name().map_or(Cow::Borrowed(&*self.name), |stem| Cow::Owned(format!("{stem}*")))
    }

    /// Whether the object is a Namespace: its labels are its own.
    #[must_use]
    pub fn is_namespace(&self) -> bool {
        self.kind.group.is_empty() && self.kind.kind == "Namespace"
    }

    /// Whether the object is on its way out: a finalizer holds it, and must be removable.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        let deletion = self.object.node().and_then(|object| object.at(&["metadata", "deletionTimestamp"]));
        deletion.is_some_and(|timestamp| !timestamp.is_null())
    }
}
