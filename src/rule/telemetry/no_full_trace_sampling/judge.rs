//! From a share of requests to a finding.

use json_patch::jsonptr::PointerBuf;
use serde_json::{Number, Value};

use super::Params;
use crate::mesh::{Place, Unreadable};
use crate::object::{Edit, Node, quoted};
use crate::rule::{Finding, Findings};

/// Envoy counts in hundredths of a percent, so a share that is nearer to the next one counts as that.
const ROUNDING: f64 = 0.005;

const REMEDY: &str = "write 1 for one request in a hundred, 0.1 for one in a thousand";

const CORRECT: &str = "correct it: Istio refuses it as a whole, or makes of it what nobody meant";

/// Judges shares by the parameters of the rule.
pub(super) struct Judge<'a> {
    params: &'a Params,
    findings: &'a mut Findings,
    /// Whether what is refused may be mended.
    mends: bool,
}

/// A share of requests that an object sets.
pub(super) struct Share {
    place: Place,
    /// What it is about, by name.
    subject: String,
    /// What the object says: `sampling: "1e2"`.
    said: String,
    /// What was found, where that is no number in a string.
    value: Option<Value>,
    percent: f64,
    /// What one percent is in that unit.
    unit: f64,
    remedy: &'static str,
    fix: Option<Fix>,
}

/// Where a fix writes a share.
struct Fix {
    path: PointerBuf,
    /// As a string: in an environment.
    quoted: bool,
}

impl Share {
    /// The share that stands at a node, in percent.
    pub(super) fn at(node: Node<'_>, place: Place, subject: impl Into<String>, name: &str, percent: f64) -> Self {
        // Of a map its plain members: what matters are numbers.
        let plain = |node: &Node<'_>| !node.is_map() && !node.is_list();
        let members =
            || node.members().filter(|(_, member)| plain(member)).map(|(key, member)| (key, member.to_json()));
        let written = if plain(&node) { node.to_json() } else { members().collect() };
        let said = quoted(&format!("{name}: {written}"));
        let value = written.is_number().then_some(written);
        Self { place, subject: subject.into(), said, value, percent, unit: 1.0, remedy: REMEDY, fix: None }
    }

    /// Every request, by something that is no number.
    pub(super) fn full(place: Place, subject: impl Into<String>, said: &str, value: Value) -> Self {
        let (said, value) = (said.to_owned(), Some(value));
        Self { place, subject: subject.into(), said, value, percent: 100.0, unit: 1.0, remedy: REMEDY, fix: None }
    }

    /// With so much as one percent.
    pub(super) fn in_unit(self, unit: f64) -> Self {
        Self { unit, ..self }
    }

    pub(super) fn remedy(self, remedy: &'static str) -> Self {
        Self { remedy, ..self }
    }

    /// With a fix that writes a number where it stands; none inside a string.
    pub(super) fn mended_in_place(self) -> Self {
        let path = self.place.path.clone();
        if self.place.inner.is_some() { self } else { self.mended_at(path) }
    }

    /// With a fix that writes a number there.
    pub(super) fn mended_at(self, path: PointerBuf) -> Self {
        Self { fix: Some(Fix { path, quoted: false }), ..self }
    }

    /// With a fix that writes a string where it stands.
    pub(super) fn mended_as_text(self) -> Self {
        let path = self.place.path.clone();
        Self { fix: Some(Fix { path, quoted: true }), ..self }
    }

    /// What was found, as a number in the unit of its field where it is one.
    fn value(&self) -> Value {
        self.value.clone().unwrap_or_else(|| number(self.percent * self.unit))
    }

    fn finding(self, limit: f64, clamp: Option<f64>) -> Finding {
        let value = self.value();
        let Self { place: Place { path, inner }, said, percent, unit, .. } = self;
        let rounded = (percent * 1000.0).round() / 1000.0;
        let requests =
            if reaches(percent, 100.0) { "every request".to_owned() } else { format!("{rounded} % of all requests") };
        let wanted =
            if unit == 1.0 { format!("below {limit} %") } else { format!("below {} ({limit} %)", limit * unit) };
        let set = |(Fix { path, quoted }, clamp): (Fix, f64)| {
            let value = number(clamp * unit);
            Edit::Set { path, value: if quoted { value.to_string().into() } else { value } }
        };
        Finding {
            path,
            inner,
            subject: self.subject,
            limit: value.is_number().then_some((limit - ROUNDING) * unit),
            value,
            message: format!("{said} traces {requests}"),
            wanted,
            remedy: self.remedy.to_owned(),
            fix: self.fix.zip(clamp).map(set).into_iter().collect(),
        }
    }
}

/// Whether a share counts as a limit, or as more.
fn reaches(percent: f64, limit: f64) -> bool {
    percent >= limit - ROUNDING
}

/// A number as people write it: 100, not 100.0.
fn number(value: f64) -> Value {
    let integer = (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64);
    integer.map_or_else(|| Number::from_f64(value).map_or(Value::Null, Value::Number), Value::from)
}

impl<'a> Judge<'a> {
    pub(super) fn new(params: &'a Params, findings: &'a mut Findings) -> Self {
        Self { params, findings, mends: true }
    }

    /// Leaves everything as it is from here on.
    pub(super) fn leave(&mut self) {
        self.mends = false;
    }

    /// Whether a share that counts is a violation.
    pub(super) fn denies(&self, percent: f64) -> bool {
        reaches(percent, self.params.deny)
    }

    /// Judges a share that counts.
    pub(super) fn share(&mut self, share: Share) {
        let Params { deny, warn, clamp } = *self.params;
        if share.percent < 0.0 || share.percent.is_nan() {
            let message = format!("{} is no percentage, and Envoy refuses it", share.said);
            self.refuse(&share.subject, share.place, message, CORRECT);
        } else if reaches(share.percent, deny) {
            self.findings.violation(share.finding(deny, clamp.filter(|_| self.mends)));
        } else if reaches(share.percent, warn) {
            self.findings.advise([share.finding(warn, None)]);
        }
    }

    /// Judges a share that does not count as things are, and why: it is advised against at most.
    pub(super) fn idle_share(&mut self, share: Share, why: &str) {
        let limit = self.params.warn.min(self.params.deny);
        if reaches(share.percent, limit) {
            let finding = share.finding(limit, None);
            let message = format!("{}, though {why}", finding.message);
            self.findings.advise([Finding { message, ..finding }]);
        }
    }

    /// Says that a number is passed over, and for what.
    pub(super) fn passed_over(&mut self, share: &Share, instead: &str) {
        self.findings.advise([Finding {
            path: share.place.path.clone(),
            inner: share.place.inner.clone(),
            subject: share.subject.clone(),
            value: share.value(),
            message: format!("{} is no percentage: {instead}", share.said),
            wanted: "a number from 0 to 100".to_owned(),
            remedy: REMEDY.to_owned(),
            ..Finding::default()
        }]);
    }

    /// Configuration that cannot be read: what it would lead to is not known, and istiod or Envoy refuses it.
    pub(super) fn refused(&mut self, subject: &str, Unreadable { place, message }: Unreadable) {
        self.refuse(subject, place, format!("`{subject}` cannot be read: {message}"), CORRECT);
    }

    /// What leads to nobody knows which share.
    pub(super) fn refuse(&mut self, subject: &str, place: Place, message: String, remedy: &str) {
        self.findings.violation(Finding {
            path: place.path,
            inner: place.inner,
            subject: subject.to_owned(),
            // One that is broken in another way is not the same.
            value: message.clone().into(),
            message,
            remedy: remedy.to_owned(),
            ..Finding::default()
        });
    }

    /// Advises against what may trace more than its share.
    pub(super) fn advise(&mut self, node: Node<'_>, subject: &str, message: String, remedy: &str) {
        self.findings.advise([Finding { message, remedy: remedy.to_owned(), ..Finding::of(node, subject) }]);
    }
}
