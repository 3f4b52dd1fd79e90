//! The members of a review, in the order in which they come.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::read::Head;
use crate::object::{ObjectSeed, Tree};
use crate::rule::{Body, Operation, Resource, User};

/// What has been read so far.
#[derive(Default)]
pub(super) struct Seen<'a> {
    pub(super) api_version: Option<Cow<'a, str>>,
    pub(super) review_kind: Option<Cow<'a, str>>,
    pub(super) uid: Option<Cow<'a, str>>,
    pub(super) kind: Option<Resource<'a>>,
    pub(super) request_kind: Option<Resource<'a>>,
    pub(super) subresource: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: Cow<'a, str>,
    pub(super) operation: Option<Cow<'a, str>>,
    pub(super) user: Option<User<'a>>,
    pub(super) dry_run: bool,
    pub(super) object: Body<'a>,
    pub(super) old_object: Body<'a>,
    /// An object was passed over because nobody wanted it.
    pub(super) skipped: bool,
}

/// What becomes of the objects of a review.
#[derive(Clone, Copy)]
pub(super) enum Objects<'w> {
    /// They are read where somebody looks at them.
    Wanted(&'w dyn Fn(Head<'_>) -> bool),
    /// They are passed over: the caller reads them.
    Elsewhere,
}

/// The review itself.
pub(super) struct Envelope<'s, 'a> {
    pub(super) seen: &'s mut Seen<'a>,
    pub(super) objects: Objects<'s>,
}

/// `request`.
struct RequestSeed<'s, 'a>(Envelope<'s, 'a>);

impl<'de> DeserializeSeed<'de> for Envelope<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> DeserializeSeed<'de> for RequestSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { seen, objects } = self;
        while let Some(Str(key)) = map.next_key()? {
            match &*key {
                "apiVersion" => seen.api_version = Some(map.next_value::<Str<'de>>()?.0),
                "kind" => seen.review_kind = Some(map.next_value::<Str<'de>>()?.0),
                "request" => map.next_value_seed(RequestSeed(Envelope { seen, objects }))?,
                _ => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for RequestSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request of an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Envelope { seen, objects } = self.0;
        while let Some(Str(key)) = map.next_key()? {
            match &*key {
                "uid" => seen.uid = Some(map.next_value::<Str<'de>>()?.0),
                "kind" => seen.kind = Some(map.next_value::<Gvk<'de>>()?.into()),
                "requestKind" => seen.request_kind = map.next_value::<Option<Gvk<'de>>>()?.map(Into::into),
                "subResource" => seen.subresource = map.next_value::<Str<'de>>()?.0,
                "name" => seen.name = map.next_value::<Str<'de>>()?.0,
                "namespace" => seen.namespace = map.next_value::<Str<'de>>()?.0,
                "operation" => seen.operation = Some(map.next_value::<Str<'de>>()?.0),
                "userInfo" => seen.user = map.next_value::<Option<UserInfo<'de>>>()?.map(Into::into),
                "dryRun" => seen.dry_run = map.next_value::<Option<bool>>()?.unwrap_or_default(),
                "object" => seen.object = body(&mut map, seen, objects, Operation::Delete)?,
                "oldObject" => seen.old_object = body(&mut map, seen, objects, Operation::Update)?,
                _ => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

/// Reads an object where somebody wants it. On `later` it is kept as text: it may never be looked at.
fn body<'de, A: MapAccess<'de>>(
    map: &mut A,
    seen: &mut Seen<'de>,
    objects: Objects<'_>,
    later: Operation,
) -> Result<Body<'de>, A::Error> {
    let Objects::Wanted(wanted) = objects else {
        map.next_value::<IgnoredAny>()?;
        return Ok(Body::Absent);
    };
    let Some(head) = seen.head() else {
        return Ok(text_of(map.next_value()?));
    };
    if !wanted(head) {
        seen.skipped = true;
        map.next_value::<IgnoredAny>()?;
        return Ok(Body::Absent);
    }
    if head.operation == later {
        return Ok(text_of(map.next_value()?));
    }
    let tree: Tree<'de> = map.next_value_seed(ObjectSeed)?;
    Ok(if tree.root().is_null() { Body::Absent } else { Body::Read(tree) })
}

fn text_of(raw: &RawValue) -> Body<'_> {
    match raw.get() {
        "null" => Body::Absent,
        text => Body::Unread(text),
    }
}

/// A string, borrowed where it holds no escape; `null` is the empty one.
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_unit<E: Error>(self) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed("")))
            }

            fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(value)))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

#[derive(Deserialize)]
struct Gvk<'a> {
    #[serde(borrow, default)]
    group: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
}

impl<'a> From<Gvk<'a>> for Resource<'a> {
    fn from(Gvk { group, version, kind }: Gvk<'a>) -> Self {
        Self { group, version, kind }
    }
}

#[derive(Deserialize)]
struct UserInfo<'a> {
    #[serde(borrow, default)]
    username: Cow<'a, str>,
    #[serde(borrow, default)]
    groups: Option<Vec<Str<'a>>>,
}

impl<'a> From<UserInfo<'a>> for User<'a> {
    fn from(user: UserInfo<'a>) -> Self {
        let groups = user.groups.unwrap_or_default();
        Self { name: user.username, groups: groups.into_iter().map(|Str(group)| group).collect() }
    }
}
