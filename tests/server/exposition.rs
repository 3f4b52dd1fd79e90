//! What `/metrics` says, read as Prometheus reads it.

use std::collections::BTreeMap;

use hyper::http::StatusCode;

use crate::common::{Door, Http};

/// A metric with its series.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All metrics, by their names without the suffixes of their samples.
#[derive(Debug)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<String, Family>,
    pub(crate) text: String,
}

impl Exposition {
    /// Asks a server.
    pub(crate) async fn of(door: &Door) -> Self {
        let answer = door.get(Http::One, "/metrics").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Self::read(answer.body)
    }

    /// Every metric is described before its samples, which stand together; the end is said.
    fn read(text: String) -> Self {
        let lines = text.strip_suffix("# EOF\n").unwrap();
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in lines.lines() {
            if let Some(described) = line.strip_prefix("# ") {
                let (what, rest) = described.split_once(' ').unwrap();
                let (name, value) = rest.split_once(' ').unwrap();
                if what == "HELP" {
                    name.clone_into(&mut current);
                    let twice = families.insert(current.clone(), Family::default());
                    assert!(twice.is_none(), "{name} twice");
                }
                assert_eq!(current, name, "{line}");
                let family = families.get_mut(name).unwrap();
                match what {
                    "HELP" => family.help = value.to_owned(),
                    "TYPE" => family.kind = value.to_owned(),
                    "UNIT" => family.unit = Some(value.to_owned()),
                    _ => panic!("{line}"),
                }
            } else {
                assert!(line.starts_with(&current), "{line} below {current}");
                families.get_mut(&current).unwrap().samples.push(Sample::read(line));
            }
        }
        Self { families, text }
    }

    /// The value of a series, given as it stands in the text.
    pub(crate) fn value(&self, series: &str) -> f64 {
        let mut lines = self.text.lines().filter_map(|line| line.rsplit_once(' '));
        lines
            .find(|(name, _)| *name == series)
            .unwrap_or_else(|| panic!("no {series} in {}", self.text))
            .1
            .parse()
            .unwrap()
    }

    /// The names of all series with their labels.
    pub(crate) fn series(&self) -> Vec<&str> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        let mut series: Vec<&str> = lines.map(|line| line.rsplit_once(' ').unwrap().0).collect();
        series.sort_unstable();
        series
    }
}

impl Sample {
    /// Values of ours hold no quote, comma or blank, or they would be split here.
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').unwrap().split(',').filter(|label| !label.is_empty());
        let label = |label: &str| {
            let (name, value) = label.split_once('=').unwrap();
            (name.to_owned(), value.strip_prefix('"').unwrap().strip_suffix('"').unwrap().to_owned())
        };
        Self { name: name.to_owned(), labels: labels.map(label).collect(), value: value.parse().unwrap() }
    }
}
