//! What is to be done, over times and over what may stand in a Secret.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use rustls::pki_types::{CertificateDer, ServerName};

use super::held::{Authority, Data, Held};
use super::plan::{InUse, Seen, Step, Terms, plan};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const LONG: Duration = Duration::from_secs(30);

fn start() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().expect("an instant")
}

pub(super) fn host() -> ServerName<'static> {
    ServerName::try_from("vigla.vigla.svc").expect("a host")
}

/// A Secret whose CA and certificate were made at these times.
fn secret(authority: Timestamp, certificate: Timestamp) -> Data {
    let terms = Terms::default();
    let authority = Authority::make(terms.authority, vec![], authority).expect("a CA");
    authority.issue("vigla.vigla.svc", terms.certificate, certificate).expect("a certificate")
}

fn held(data: &Data) -> Held {
    Held::read(data, &host())
}

fn bundle(held: &Held) -> Vec<CertificateDer<'static>> {
    held.authority.as_ref().expect("a CA").bundle().cloned().collect()
}

fn in_use(data: &Data) -> InUse {
    let Held { authority, certificate } = held(data);
    InUse { certificate: certificate.expect("a certificate"), signer: authority.expect("a CA").signer }
}

/// A cluster with this Secret, whose webhooks are called with these CAs.
fn seen(data: &Data, published: &[Vec<CertificateDer<'static>>]) -> Seen {
    Seen { held: Some(held(data)), published: Some(published.to_vec()) }
}

/// The step in a word or two: what is made, or whether is published and taken up.
fn step(seen: &Seen, in_use: Option<&InUse>, noticed: Duration, now: Timestamp) -> &'static str {
    match plan(seen, in_use, noticed, &Terms::default(), now) {
        Step::Make { authority: true, .. } => "make both",
        Step::Make { authority: false, .. } => "make a certificate",
        Step::Keep { publish, take_up, .. } => match (!publish.is_empty(), take_up) {
            (true, true) => "publish and take up",
            (true, false) => "publish",
            (false, true) => "take up",
            (false, false) => "rest",
        },
    }
}

#[test]
fn where_there_is_nothing_both_are_made() {
    for published in [None, Some(vec![]), Some(vec![vec![]])] {
        assert_eq!(step(&Seen { held: None, published }, None, LONG, start()), "make both");
    }
}

#[test]
fn a_certificate_is_replaced_in_its_last_third() {
    let data = secret(start(), start());
    let (in_use, seen) = (in_use(&data), seen(&data, &[bundle(&held(&data))]));
    for (days, expected) in
        [(0, "rest"), (59, "rest"), (61, "make a certificate"), (89, "make a certificate"), (91, "make a certificate")]
    {
        assert_eq!(step(&seen, Some(&in_use), LONG, start() + days * DAY), expected, "after {days} days");
    }
}

#[test]
fn a_ca_is_replaced_in_its_last_third() {
    for (days, expected) in [(0, "rest"), (243, "rest"), (244, "make both"), (364, "make both"), (366, "make both")] {
        let now = start() + days * DAY;
        let data = secret(start(), now.min(start() + 364 * DAY));
        let (in_use, seen) = (in_use(&data), seen(&data, &[bundle(&held(&data))]));
        assert_eq!(step(&seen, Some(&in_use), LONG, now), expected, "after {days} days");
    }
}

/// So that no certificate is cut short as long as CAs are replaced in time.
#[test]
fn a_ca_outlives_its_certificates() {
    let terms = Terms::default();
    assert!(terms.authority / 3 > terms.certificate);
    let short = Authority::make(10 * DAY, vec![], start()).expect("a CA");
    let data = short.issue("vigla.vigla.svc", terms.certificate, start()).expect("a certificate");
    assert_eq!(in_use(&data).certificate.validity.not_after, short.validity.not_after);
}

#[test]
fn what_is_damaged_is_made_anew() {
    let (good, other) = (secret(start(), start()), secret(start(), start()));
    for (name, expected) in [
        ("ca.crt", "make both"),
        ("ca.key", "make both"),
        ("tls.crt", "make a certificate"),
        ("tls.key", "make a certificate"),
    ] {
        let text = &good[name].0;
        let half = text[..text.len() / 2].to_vec();
        for (what, value) in [
            ("missing", None),
            ("empty", Some(Vec::new())),
            ("half", Some(half)),
            ("noise", Some(vec![0xff; 100])),
            ("another one's", Some(other[name].0.clone())),
        ] {
            let mut data = good.clone();
            data.remove(name);
            data.extend(value.map(|value| (name.to_owned(), ByteString(value))));
            let seen = seen(&data, &[bundle(&held(&good))]);
            for in_use in [None, Some(&in_use(&good))] {
                assert_eq!(step(&seen, in_use, LONG, start()), expected, "{name} {what}");
            }
        }
    }
}

#[test]
fn a_certificate_for_another_host_is_made_anew() {
    let data = secret(start(), start());
    let elsewhere = Held::read(&data, &ServerName::try_from("door.vigla.svc").expect("a host"));
    let seen = Seen { published: Some(vec![bundle(&elsewhere)]), held: Some(elsewhere) };
    assert_eq!(step(&seen, None, LONG, start()), "make a certificate");
}

#[test]
fn a_damaged_secret_says_what_is_wrong() {
    let (mut data, other) = (secret(start(), start()), secret(start(), start()));
    data.insert("ca.key".to_owned(), other["ca.key"].clone());
    let Step::Make { why, .. } = plan(&seen(&data, &[]), None, LONG, &Terms::default(), start()) else {
        panic!("it is damaged");
    };
    assert!(why.starts_with("the private key in `ca.key` does not belong to the certificate in `ca.crt`"), "{why}");
}

/// What a webhook is called with already stays beside ours: somebody may serve with it.
#[test]
fn every_webhook_is_called_with_our_cas() {
    let data = secret(start(), start());
    let (in_use, ours) = (in_use(&data), bundle(&held(&data)));
    let foreign = bundle(&held(&secret(start(), start())));
    let ended = vec![Authority::make(DAY, vec![], start() - 2 * DAY).expect("a CA").signer];
    let both = [ours.clone(), foreign.clone()].concat();
    for (published, expected) in [
        (vec![], vec![]),
        (vec![ours.clone()], vec![]),
        (vec![ours.clone(), ours.clone()], vec![]),
        (vec![both.clone()], vec![]),
        (vec![vec![]], ours.clone()),
        (vec![ours.clone(), vec![]], ours.clone()),
        (vec![foreign], both),
        (vec![ended], ours),
    ] {
        let seen = seen(&data, &published);
        let Step::Keep { publish, .. } = plan(&seen, Some(&in_use), LONG, &Terms::default(), start()) else {
            panic!("it is well");
        };
        assert!(publish == expected, "{published:?}");
    }
}

/// A CA before ours is published until it ends; then it may stay, for clocks differ, but is not put back.
#[test]
fn an_old_ca_stands_beside_the_new_one_until_it_ends() {
    let before = Authority::make(100 * DAY, vec![], start()).expect("a CA");
    let both = Authority::make(365 * DAY, vec![before.signer.clone()], start()).expect("a CA");
    let data = both.issue("vigla.vigla.svc", 200 * DAY, start()).expect("a certificate");
    let (new, both) = (vec![both.signer.clone()], bundle(&held(&data)));
    let in_use = in_use(&data);
    let at = |days: u32, published: &Vec<_>| {
        step(&seen(&data, std::slice::from_ref(published)), Some(&in_use), LONG, start() + days * DAY)
    };
    assert_eq!(both.len(), 2);
    assert_eq!([at(99, &both), at(99, &new)], ["rest", "publish"]);
    assert_eq!([at(101, &both), at(101, &new)], ["rest", "rest"]);
}

#[test]
fn a_new_ca_takes_over_what_is_trusted() {
    let authority = |until| Authority::make(until, vec![], start()).expect("a CA").signer;
    let others: Vec<_> = [DAY, 3 * DAY, 3 * DAY].map(authority).into();
    let data = secret(start(), start());
    let seen = seen(&data, &[others.clone(), others.clone()]);
    let made = held(&seen.renew(true, &host(), &Terms::default(), start() + 2 * DAY).expect("a CA"));
    let before = bundle(&held(&data));
    assert!(made.authority.expect("a CA").others == [&before[..], &others[1..]].concat());
}

#[test]
fn who_deletes_a_secret_all_the_time_meets_a_bound() {
    let others: Vec<_> = (0..20).map(|_| Authority::make(DAY, vec![], start()).expect("a CA").signer).collect();
    let seen = Seen { held: None, published: Some(vec![others.clone()]) };
    let made = held(&seen.renew(true, &host(), &Terms::default(), start()).expect("a CA"));
    assert!(made.authority.expect("a CA").others == others[..16]);
}

/// The order that keeps requests answered: trusted first, served with afterwards.
#[test]
fn a_certificate_is_taken_up_once_it_is_trusted() {
    let (old, new) = (secret(start(), start()), secret(start(), start() + DAY));
    let (trusted, untrusted) = (vec![bundle(&held(&new))], vec![bundle(&held(&old))]);
    let mut same_ca = old.clone();
    let again = held(&old).authority.expect("a CA").issue("vigla.vigla.svc", 90 * DAY, start());
    same_ca.extend(again.expect("a certificate"));
    let now = start() + DAY;
    let in_use = in_use(&old);
    for (what, data, published, in_use, noticed, expected) in [
        ("the first one", &new, Some(&trusted), None, Duration::ZERO, "take up"),
        ("the first one, not trusted", &new, Some(&untrusted), None, Duration::ZERO, "publish"),
        ("the first one, with no configurations", &new, Some(&vec![]), None, Duration::ZERO, "take up"),
        ("the first one, with configurations that may not be read", &new, None, None, Duration::ZERO, "take up"),
        ("the next one", &new, Some(&trusted), Some(&in_use), LONG, "take up"),
        ("the next one, trusted since a moment", &new, Some(&trusted), Some(&in_use), LONG / 2, "rest"),
        ("the next one, not trusted", &new, Some(&untrusted), Some(&in_use), Duration::ZERO, "publish"),
        ("the next one, with configurations that may not be read", &new, None, Some(&in_use), Duration::ZERO, "rest"),
        ("the next one of this CA", &same_ca, Some(&untrusted), Some(&in_use), Duration::ZERO, "take up"),
        ("this one", &old, Some(&untrusted), Some(&in_use), LONG, "rest"),
    ] {
        let seen = Seen { held: Some(held(data)), published: published.cloned() };
        assert_eq!(step(&seen, in_use, noticed, now), expected, "{what}");
    }
    let (late, fresh) = (start() + 91 * DAY, secret(start(), start() + 91 * DAY));
    let seen = seen(&fresh, &untrusted);
    assert_eq!(step(&seen, Some(&in_use), Duration::ZERO, late), "publish and take up", "there is nothing to lose");
}

/// A neighbour's clock may be ahead: what it made is neither used before its time nor made anew.
#[test]
fn what_a_clock_ahead_of_ours_made_is_left_alone() {
    let old = secret(start(), start());
    let in_use = in_use(&old);
    for (ahead, expected, complains) in
        [(HOUR, "take up", false), (2 * HOUR, "take up", false), (3 * HOUR, "rest", true)]
    {
        let new = held(&old).authority.expect("a CA").issue("vigla.vigla.svc", 90 * DAY, start() + ahead);
        let seen = seen(&new.expect("a certificate"), &[bundle(&held(&old))]);
        assert_eq!(step(&seen, Some(&in_use), LONG, start()), expected, "{ahead:?} ahead");
        let Step::Keep { complaint, .. } = plan(&seen, Some(&in_use), LONG, &Terms::default(), start()) else {
            panic!("it is well");
        };
        assert_eq!(complaint.is_some_and(|why| why.contains("a clock may be wrong")), complains, "{ahead:?} ahead");
        assert_eq!(step(&seen, None, LONG, start()), "take up", "better than none");
    }
}
