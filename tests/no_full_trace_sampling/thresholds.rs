//! The thresholds, written down a second time: in whole thousandths of a percent, without floats.

use proptest::prelude::*;
use serde_json::json;
use vigla::engine::Effect;

use crate::objects::{Spelling, config_map, control_plane, envoy_filter, istiod, telemetry};
use crate::{created, policy, verdict};

/// Thousandths of a percent in a percent.
const ONE: u64 = 1000;

/// Half of what Envoy counts in.
const HALF: u64 = 5;

/// What a share leads to that counts as it stands.
fn expected(share: u64, deny: u64, warn: u64) -> Option<Effect> {
    if share + HALF >= deny {
        Some(Effect::Deny)
    } else if share + HALF >= warn {
        Some(Effect::Warn)
    } else {
        None
    }
}

/// The decimal digits of so many thousandths.
fn decimal(thousandths: u64) -> String {
    format!("{}.{:03}", thousandths / ONE, thousandths % ONE)
}

/// Shares where something may go wrong, and all others.
fn shares() -> impl Strategy<Value = u64> {
    let near = |around: u64| around.saturating_sub(7)..around + 8;
    prop_oneof![near(100 * ONE), near(10 * ONE), near(50 * ONE), 0..8_u64, 0..=150 * ONE]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn shares_are_judged_as_the_second_implementation_does(
        share in shares(),
        deny in prop_oneof![Just(100 * ONE), Just(50 * ONE), (1..=100_u64).prop_map(|percent| percent * ONE)],
        warn in prop_oneof![Just(10 * ONE), (1..=100_u64).prop_map(|percent| percent * ONE)],
    ) {
        let set = policy(&format!("{{deny: {}, warn: {}}}", decimal(deny), decimal(warn))).expect("a policy");
        let number: serde_json::Value = serde_json::from_str(&decimal(share)).expect("a number");
        let counts = expected(share, deny, warn);
        let too_much = share > 100 * ONE;

        let entry = json!([{"randomSamplingPercentage": number}]);
        prop_assert_eq!(created(&set, &telemetry(&entry)), counts);

        let patch = |apply_to: &str, value: serde_json::Value| {
            envoy_filter(&json!([{"applyTo": apply_to, "patch": {"operation": "MERGE", "value": value}}]))
        };
        let manager = json!({"typed_config": {"tracing": {"random_sampling": {"value": number}}}});
        prop_assert_eq!(created(&set, &patch("NETWORK_FILTER", manager)), counts);
        // A fraction holds what a hundred percent holds at most.
        let fraction = json!({"tracing": {"random_sampling": {"numerator": share * 10, "denominator": "MILLION"}}});
        prop_assert_eq!(created(&set, &patch("HTTP_ROUTE", fraction)), expected(share.min(100 * ONE), deny, warn));
        let hundredths: serde_json::Value = serde_json::from_str(&decimal(share * 100)).expect("a number");
        prop_assert_eq!(created(&set, &control_plane(&hundredths)), counts);

        // Istio takes 1 for what is above 100, and mesh config's 0 for unset.
        let replaced = if too_much { Some(Effect::Warn) } else { counts };
        prop_assert_eq!(created(&set, &istiod(&decimal(share))), replaced);
        let unset = if share == 0 { None } else { replaced };
        let mesh = format!("defaultConfig:\n  tracing:\n    sampling: {}\n", decimal(share));
        prop_assert_eq!(verdict(&set, &config_map(&mesh, Spelling::Block)), unset);

        // A runtime value has no fraction, and none above 100.
        let whole = expected((share / ONE * ONE).min(100 * ONE), deny, warn);
        let mesh = format!("defaultConfig:\n  runtimeValues:\n    tracing.random_sampling: \"{}\"\n", decimal(share));
        prop_assert_eq!(verdict(&set, &config_map(&mesh, Spelling::Block)), whole);
    }
}
