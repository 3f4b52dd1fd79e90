//! Replicas that look whenever they like, at one cluster in which a Secret is deleted and damaged.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use proptest::prelude::*;
use rustls::pki_types::CertificateDer;

use super::held::{Data, Held};
use super::plan::{InUse, Notice, Seen, Step, Terms, plan};
use super::tests::host;

type Bundle = Vec<CertificateDer<'static>>;

/// An object as the API server keeps it: with a version, by which late writers are told.
#[derive(Clone)]
struct Stored<T> {
    version: u32,
    value: T,
}

impl<T> Stored<T> {
    fn write(&mut self, read: u32, value: T) {
        if read == self.version {
            *self = Self { version: read + 1, value };
        }
    }
}

struct World {
    now: Timestamp,
    secret: Stored<Option<Data>>,
    configurations: [Stored<Bundle>; 2],
}

/// What a replica has in hand between two calls of the API server.
enum Hand {
    Nothing,
    Configurations([Stored<Bundle>; 2]),
    /// What is to be published, and where next.
    Bundle([Stored<Bundle>; 2], usize, Bundle),
}

struct Replica {
    /// How far its clock is ahead, in seconds.
    ahead: i32,
    hand: Hand,
    in_use: Option<InUse>,
    notice: Notice,
}

impl Replica {
    fn now(&self, world: &World) -> Timestamp {
        let by = Duration::from_secs(self.ahead.unsigned_abs().into());
        if self.ahead < 0 { world.now - by } else { world.now + by }
    }

    /// One call of the API server, as a look makes them.
    fn call(&mut self, world: &mut World) {
        self.hand = match std::mem::replace(&mut self.hand, Hand::Nothing) {
            Hand::Nothing => Hand::Configurations(world.configurations.clone()),
            Hand::Configurations(configurations) => self.decide(configurations, world),
            Hand::Bundle(configurations, at, bundle) => {
                world.configurations[at].write(configurations[at].version, bundle.clone());
                if at == 0 { Hand::Bundle(configurations, 1, bundle) } else { Hand::Nothing }
            }
        };
    }

    /// Reads the Secret, and writes it or goes on.
    fn decide(&mut self, configurations: [Stored<Bundle>; 2], world: &mut World) -> Hand {
        let (now, terms) = (self.now(world), Terms::default());
        let secret = world.secret.clone();
        let published = configurations.iter().map(|stored| stored.value.clone()).collect();
        let held = secret.value.as_ref().map(|data| Held::read(data, &host()));
        let seen = Seen { held, published: Some(published) };
        let noticed = self.notice.look(&seen, now);
        match plan(&seen, self.in_use.as_ref(), noticed, &terms, now) {
            Step::Make { authority, .. } => {
                let data = seen.renew(authority, &host(), &terms, now).expect("a certificate");
                world.secret.write(secret.version, Some(data));
                Hand::Nothing
            }
            Step::Keep { authority, certificate, publish, take_up, .. } => {
                if take_up {
                    let (certificate, signer) = (certificate.clone(), authority.signer.clone());
                    self.in_use = Some(InUse { certificate, signer });
                }
                if publish.is_empty() { Hand::Nothing } else { Hand::Bundle(configurations, 0, publish) }
            }
        }
    }

    /// Calls until a look is over, and one whole look more.
    fn look(&mut self, world: &mut World) {
        for _ in 0..2 {
            self.call(world);
            while !matches!(self.hand, Hand::Nothing) {
                self.call(world);
            }
        }
    }
}

impl World {
    /// Nobody serves with what the API server would refuse.
    fn check(&self, replicas: &[Replica]) {
        for in_use in replicas.iter().filter_map(|replica| replica.in_use.as_ref()) {
            let validity = in_use.certificate.validity;
            assert!(validity.not_before <= self.now && self.now <= validity.not_after, "{validity:?} at {}", self.now);
            for configuration in &self.configurations {
                assert!(configuration.value.contains(&in_use.signer), "not trusted at {}", self.now);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Mishap {
    Nothing,
    Delete,
    /// This entry of the Secret is cut in half.
    Damage(usize),
}

/// A stretch of time: so many seconds, then something happens, then these replicas make one call each.
fn stretch() -> impl Strategy<Value = (u64, Mishap, Vec<usize>)> {
    let seconds = prop_oneof![0..60_u64, 0..3 * 24 * 60 * 60_u64];
    let mishap = prop_oneof![
        6 => Just(Mishap::Nothing),
        1 => Just(Mishap::Delete),
        1 => (0..4_usize).prop_map(Mishap::Damage),
    ];
    (seconds, mishap, prop::collection::vec(0..3_usize, 0..12))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever happens, in whatever order replicas get to act and whatever their clocks say.
    #[test]
    fn nobody_serves_with_what_is_not_trusted_and_all_agree_in_the_end(
        ahead in prop::array::uniform3(-3600..=3600_i32),
        stretches in prop::collection::vec(stretch(), 1..40),
    ) {
        let now = "2026-11-21T12:00:00Z".parse().expect("an instant");
        let configuration = Stored { version: 1, value: Vec::new() };
        let mut world = World {
            now,
            secret: Stored { version: 1, value: None },
            configurations: [configuration.clone(), configuration],
        };
        let mut replicas = ahead.map(|ahead| Replica { ahead, hand: Hand::Nothing, in_use: None, notice: Notice::default() });
        let mut mishaps = 0;
        for (seconds, mishap, calls) in stretches {
            world.now += Duration::from_secs(seconds);
            let mut secret = world.secret.value.clone();
            match mishap {
                _ if mishaps == 10 => {}
                Mishap::Nothing => {}
                Mishap::Delete => secret = None,
                Mishap::Damage(entry) => {
                    let value = secret.iter_mut().flatten().nth(entry).map(|(_, value)| value);
                    value.into_iter().for_each(|ByteString(text)| text.truncate(text.len() / 2));
                }
            }
            if secret != world.secret.value {
                mishaps += 1;
                world.secret.write(world.secret.version, secret);
            }
            for replica in calls {
                replicas[replica].call(&mut world);
                world.check(&replicas);
            }
        }
        for _ in 0..4 {
            world.now += Duration::from_secs(60);
            for replica in 0..3 {
                replicas[replica].look(&mut world);
                world.check(&replicas);
            }
        }
        let held = Held::read(world.secret.value.as_ref().expect("a Secret"), &host());
        let certificate = held.certificate.expect("a certificate");
        for replica in &replicas {
            prop_assert!(replica.in_use.as_ref().is_some_and(|in_use| in_use.certificate.is(&certificate)));
        }
    }
}
