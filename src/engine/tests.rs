//! The semantics of policies, on rules made for that: `policy-format` sentence by sentence.

mod enforcement;
mod fixes;
mod labels;
mod ratchets;
mod rules;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::Offset;
use serde_json::{Value, json};

use crate::engine::{Decision, Phase, decide};
use crate::mesh::{EPHEMERAL_CONTAINERS, Labels, Snapshot};
use crate::policy::{PolicySet, Sources, Text, load};
use crate::rule::{Body, Operation, Request, Resource, User};
use rules::TEST_RULES;

/// A request and what is known around it, as verbs.
struct Case {
    policies: String,
    settings: String,
    operation: Operation,
    subresource: &'static str,
    kind: Resource<'static>,
    namespace: &'static str,
    name: &'static str,
    user: Option<User<'static>>,
    object: Value,
    old: Value,
    snapshot: Snapshot,
    today: Date,
}

/// A case on one policy, whose `spec` is given without its rule.
fn policy(rule: &str, spec: &str) -> Case {
    policies(&[(rule, rule, spec)])
}

/// Policies by name, rule and the rest of their spec.
fn policies(said: &[(&str, &str, &str)]) -> Case {
    let document = |(name, rule, spec): &(&str, &str, &str)| {
        format!(
            "apiVersion: policies.vigla.dev/v1alpha1\nkind: Policy\nmetadata: {{name: {name}}}\n\
             spec: {{rule: {rule}, {spec}}}\n"
        )
    };
    Case {
        policies: said.iter().map(document).collect::<Vec<_>>().join("---\n"),
        settings: String::new(),
        operation: Operation::Create,
        subresource: "",
        kind: Resource::owned("example.com", "v1", "Thing"),
        namespace: "shop",
        name: "cart",
        user: None,
        object: json!({"metadata": {}}),
        old: Value::Null,
        snapshot: Snapshot::default(),
        today: date(2027, 1, 1),
    }
}

impl Case {
    fn object(self, object: Value) -> Self {
        Self { object, ..self }
    }

    fn update(self, old: Value, object: Value) -> Self {
        Self { operation: Operation::Update, old, object, ..self }
    }

    /// A Pod to which a container is added for debugging, instead.
    fn debugged(self, old: Value, object: Value) -> Self {
        let kind = Resource::owned("", "v1", "Pod");
        Self { kind, subresource: EPHEMERAL_CONTAINERS, ..self }.update(old, object)
    }

    fn on(self, today: Date) -> Self {
        Self { today, ..self }
    }

    fn settings(self, settings: &str) -> Self {
        Self { settings: settings.to_owned(), ..self }
    }

    fn user(self, name: &'static str, groups: &[&'static str]) -> Self {
        let groups = groups.iter().map(|&group| group.into()).collect();
        Self { user: Some(User { name: name.into(), groups }), ..self }
    }

    fn namespace(self, namespace: &'static str) -> Self {
        Self { namespace, ..self }
    }

    /// What is known of the namespace's labels.
    fn labelled(mut self, labels: &[(&str, &str)]) -> Self {
        let labels: Labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        self.snapshot.namespaces.insert(self.namespace.to_owned(), labels.into());
        self
    }

    fn set(&self) -> PolicySet {
        let text = |file: &str, text: &str| Text::new(file.to_owned(), text.to_owned());
        let settings = (!self.settings.is_empty()).then(|| {
            let head = "apiVersion: policies.vigla.dev/v1alpha1\nkind: Settings\n";
            text("settings.yaml", &format!("{head}{}", self.settings))
        });
        let sources =
            Sources { policies: vec![vec![text("policies.yaml", &self.policies)]], settings, ..Sources::default() };
        load(TEST_RULES, &sources, self.today).unwrap_or_else(|errors| panic!("{errors}")).0
    }

    fn request(&self) -> Request<'static> {
        let body = |value: &Value| match value {
            Value::Null => Body::Absent,
            // Leaked on purpose: a test ends soon.
            value => Body::Unread(Box::leak(value.to_string().into_boxed_str())),
        };
        let mut request = Request {
            operation: self.operation,
            kind: self.kind.clone(),
            request_kind: self.kind.clone(),
            subresource: self.subresource.into(),
            namespace: self.namespace.into(),
            name: self.name.into(),
            user: self.user.clone(),
            dry_run: false,
            object: body(&self.object),
            old_object: body(&self.old),
        };
        request.read_judged();
        request
    }

    fn decide<T>(&self, look: impl FnOnce(Decision<'_>) -> T) -> T {
        self.decide_as(Phase::Mended, look)
    }

    fn decide_as<T>(&self, phase: Phase, look: impl FnOnce(Decision<'_>) -> T) -> T {
        let (set, request) = (self.set(), self.request());
        let midnight = self.today.to_datetime(jiff::civil::Time::midnight());
        let now: Timestamp = Offset::UTC.to_timestamp(midnight).unwrap();
        look(decide(&set, &request, &self.snapshot, now, phase))
    }

    /// The findings on the object as it came: `policy effect`, sorted.
    fn sent(&self) -> Vec<String> {
        self.decide(|decision| said(&decision.sent))
    }

    /// What becomes of the request with both webhooks.
    fn outcome(&self) -> Vec<String> {
        self.decide(|decision| said(&decision.outcome()))
    }

    /// The object after the patch, where there is one.
    fn patched(&self) -> Option<Value> {
        self.decide(|decision| {
            let mut object = self.object.clone();
            json_patch::patch(&mut object, &decision.patch?).unwrap();
            Some(object)
        })
    }
}

fn said(findings: &[crate::engine::Judged<'_>]) -> Vec<String> {
    let mut said: Vec<String> =
        findings.iter().map(|judged| format!("{} {}", judged.policy, judged.effect.as_str())).collect();
    said.sort();
    said
}
