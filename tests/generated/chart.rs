//! What the Helm chart takes from the code.

use std::path::Path;

use schemars::schema_for;
use serde_json::{Map, Value, json};
use vigla::policy::{Profile, SettingsDocument};

use crate::common::cli::vigla;
use crate::{check_text, path};

/// A chart cannot run `vigla manifests`: what it prints for each profile lies in it.
#[test]
fn the_webhook_configurations_of_the_chart_are_fresh() {
    for profile in Profile::ALL.map(Profile::as_str) {
        let arguments = ["manifests", "--service", "own-namespace/own-service", "--profile", profile, "-o", "json"];
        let printed = vigla(Path::new("."), &arguments).succeeds().out;
        check_text(&format!("manifests/chart/generated/{profile}.json"), &printed);
    }
}

/// Settings in the chart's values are what they are in a file, without the two lines that say what they are.
#[test]
fn the_settings_in_the_schema_of_the_chart_are_fresh() {
    let file = "manifests/chart/values.schema.json";
    let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path(file)).expect(file)).expect("JSON");
    let mut settings = serde_json::to_value(schema_for!(SettingsDocument)).expect("JSON");
    schema["$defs"] = settings["$defs"].take();
    let members = settings["properties"].as_object().expect("properties").clone();
    let members: Map<_, _> =
        members.into_iter().filter(|(name, _)| !["apiVersion", "kind"].contains(&&**name)).collect();
    schema["properties"]["settings"] = json!({"type": "object", "additionalProperties": false, "properties": members});
    check_text(file, &(serde_json::to_string_pretty(&schema).expect("JSON") + "\n"));
}
