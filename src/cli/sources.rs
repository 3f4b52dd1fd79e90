//! The flags that say which policies are in force, the same for every command that judges.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::files::{self, Source};
use super::{Failure, output};
use crate::mesh;
use crate::policy::{self, Notice, PolicySet, Profile, Text};

/// Policies of one's own, Settings, the profile.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Sources {
    /// Policies beside the built-in ones: a file, or a folder with files; may be repeated, and the last one wins
    #[arg(long = "policies", value_name = "PATH", env = "VIGLA_POLICIES", value_delimiter = ',')]
    policies: Vec<PathBuf>,

    /// The file with the Settings
    #[arg(long, value_name = "FILE", env = "VIGLA_SETTINGS")]
    settings: Option<PathBuf>,

    /// The built-in policies that are in force [default: that of Settings, else baseline]
    #[arg(long, value_name = "NAME", value_parser = profiles(), env = "VIGLA_PROFILE")]
    profile: Option<Profile>,

    /// The namespace that Vigla runs in: core kinds there are not judged [default: that of its Pod]
    #[arg(long, value_name = "NAMESPACE", value_parser = namespace, env = "VIGLA_OWN_NAMESPACE")]
    pub(super) own_namespace: Option<String>,
}

/// Where the kubelet tells a Pod its namespace.
/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api>
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The day on which this runs, in UTC.
pub(super) fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}

fn profiles() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::ALL.map(Profile::as_str))
        .try_map(|word| Profile::ALL.into_iter().find(|profile| profile.as_str() == word).ok_or("no profile"))
}

fn namespace(name: &str) -> Result<String, &'static str> {
    let expected = "expected the name of a namespace: lower-case letters, digits and `-`";
    mesh::is_dns_label(name).then(|| name.to_owned()).ok_or(expected)
}

impl Sources {
    /// The files and folders that they name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.policies.iter().chain(&self.settings)
    }

    /// Reads the files; whether what stands in them makes sense is for loading to say.
    pub(super) fn read(&self) -> Result<policy::Sources, Failure> {
        let mut unread = Vec::new();
        let mut texts = |path: &Path| {
            let (sources, more) = files::read_all(&[path.to_owned()]);
            unread.extend(more.into_iter().map(|file| format!("{}: {}", file.name, file.message)));
            sources.into_iter().map(Text::from).collect()
        };
        let policies: Vec<Vec<Text>> = self.policies.iter().map(|path| texts(path)).collect();
        let mut settings: Vec<Text> = self.settings.iter().flat_map(|path| texts(path)).collect();
        if !unread.is_empty() {
            return Err(Failure::bad_input(unread.join("\nerror: ")));
        }
        if settings.len() > 1 {
            return Err(Failure::bad_input("--settings takes one file, not a folder of several"));
        }
        // Outside a Pod there is no such file, and no namespace of our own.
        let pod = || fs::read_to_string(POD_NAMESPACE).ok().map(|name| name.trim().to_owned());
        let own_namespace = self.own_namespace.clone().or_else(pod);
        Ok(policy::Sources { policies, settings: settings.pop(), profile: self.profile, own_namespace })
    }

    /// Loads what they name.
    pub(super) fn load(&self, today: Date) -> Result<PolicySet, Failure> {
        load(&self.read()?, today)
    }
}

/// Loads what was read; standard input can be read but once. What somebody should know goes to standard error.
pub(super) fn load(sources: &policy::Sources, today: Date) -> Result<PolicySet, Failure> {
    let (set, notices) = PolicySet::load(sources, today).map_err(Failure::bad_input)?;
    for Notice(notice) in notices {
        output::note(&format!("warning: {notice}"));
    }
    Ok(set)
}

impl From<Source> for Text {
    fn from(source: Source) -> Self {
        Self::new(source.name, source.text)
    }
}
