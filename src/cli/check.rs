//! `vigla check`: judges files, or what a cluster holds, as admission would.

mod cluster;
mod value;

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use annotate_snippets::Renderer;
use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;
use jiff::tz::Offset;

use super::access::Access;
use super::files::{self, Source};
use super::namespaces::{self, Known};
use super::output::{self, Color, Format};
use super::report::{Report, text};
use super::sources::{self, Sources};
use super::{Exit, Failure};
use crate::engine::{Phase, decide};
use crate::manifest::{self, Content, Defaults, Item, transitions};
use crate::object::TextIndex;
use crate::rule::{Operation, User};

/// Judge files, folders, standard input or what a cluster holds, as admission would.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// Files, folders (all *.yaml, *.yml and *.json below them) or `-` for standard input.
    paths: Vec<PathBuf>,

    /// Judge what exists in a cluster instead of files: the one that kubectl would talk to.
    #[arg(long, env = "VIGLA_CLUSTER", value_parser = FalseyValueParser::new())]
    cluster: bool,

    #[command(flatten)]
    access: Access,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t, env = "VIGLA_OUTPUT")]
    output: Format,

    #[command(flatten)]
    sources: Sources,

    /// The labels of a namespace; `NS:` for none, `*:` for none of all not named; may be repeated.
    #[arg(
        long,
        value_name = "NS:k=v,…",
        value_parser = namespaces::parse,
        env = "VIGLA_NAMESPACE_LABELS",
        value_delimiter = ' '
    )]
    namespace_labels: Vec<Known>,

    /// What is done to the objects.
    #[arg(long, value_parser = value::operations(), ignore_case = true, default_value = "CREATE", env = "VIGLA_OPERATION")]
    operation: Operation,

    /// The namespace of objects that name none [default: default]; with --cluster the one that is judged [default: all]
    #[arg(short, long, env = "VIGLA_NAMESPACE")]
    namespace: Option<String>,

    /// The user who asks.
    #[arg(long = "as", value_name = "USER", env = "VIGLA_AS")]
    user: Option<String>,

    /// A group of the user who asks; may be repeated, and the variable has one a line.
    #[arg(long = "as-group", value_name = "GROUP", requires = "user", env = "VIGLA_AS_GROUP", value_delimiter = '\n')]
    groups: Vec<String>,

    /// The day on which it is judged, in UTC [default: today]
    #[arg(long, value_name = "DATE", value_parser = value::day, env = "VIGLA_NOW")]
    now: Option<Timestamp>,

    /// The state before: an object on both sides is an UPDATE, one that is only there a DELETE.
    #[arg(long, value_name = "PATH", conflicts_with = "operation", env = "VIGLA_OLD")]
    old: Vec<PathBuf>,

    /// Count documents that are no Kubernetes objects as errors.
    #[arg(long, env = "VIGLA_STRICT", value_parser = FalseyValueParser::new())]
    strict: bool,

    /// Let warnings fail the run too.
    #[arg(long, env = "VIGLA_DENY_WARNINGS", value_parser = FalseyValueParser::new())]
    deny_warnings: bool,
}

/// What was read from one file.
struct Read<'s> {
    source: &'s Source,
    index: TextIndex<'s>,
    items: Vec<Item<'s>>,
}

impl Check {
    pub(super) fn run(&self, color: Color) -> Result<Exit, Failure> {
        let started = Instant::now();
        let today = self.now.map_or_else(sources::today, |now| Offset::UTC.to_datetime(now).date());
        let set = self.sources.load(today)?;
        let now = self.now.unwrap_or_else(Timestamp::now);
        self.check_usage()?;
        if self.cluster {
            let report = self.judge_cluster(&set, now)?;
            self.print(&report, color, 0, started)?;
            return Ok(self.exit(&report));
        }
        let (sources, unread) = files::read_all(&self.paths);
        let (old_sources, old_unread) = files::read_all(&self.old);
        let mut report = Report::default();
        // Beside another state nothing is a state too: all was deleted, or is new.
        let has_states = !self.old.is_empty() && (!sources.is_empty() || !old_sources.is_empty());
        for file in unread.iter().chain(&old_unread) {
            if has_states && file.is_empty {
                output::note(&format!("note: `{}` holds no manifests: an empty state", file.name.escape_debug()));
            } else {
                report.unread(Some(&file.name), file.message.clone());
            }
        }
        let mut files: Vec<Read<'_>> = sources.iter().map(|source| self.read(source, &mut report)).collect();
        let old_files: Vec<Read<'_>> = old_sources.iter().map(|source| self.read(source, &mut report)).collect();
        report.summary.files = files.len();
        report.summary.skipped += old_files.iter().flat_map(|file| &file.items).filter(|old| old.recorded).count();
        let deleted = pair(&mut files, old_files);
        files.extend(deleted);

        let snapshot = namespaces::snapshot(files.iter().flat_map(|file| &file.items));
        let snapshot = namespaces::overrule(snapshot, &self.namespace_labels);
        for Read { source, index, items } in &files {
            report.summary.documents += items.len();
            for item in items {
                for judged in decide(&set, &item.request, &snapshot, now, Phase::Mended).outcome() {
                    report.add(Some((source, index)), item, judged);
                }
            }
        }
        let assumed = files.iter().flat_map(|file| &file.items).filter(|item| item.assumed_namespace).count();
        self.print(&report, color, assumed, started)?;
        Ok(self.exit(&report))
    }

    /// What may stand beside each other although it makes no sense: variables of the environment cannot be left out.
    fn check_usage(&self) -> Result<(), Failure> {
        let wrong = match (self.cluster, self.paths.is_empty()) {
            (true, false) => "--cluster judges what exists in a cluster; leave out the files, or --cluster",
            (true, true) if !self.old.is_empty() => "--old is the state before of files; leave it out with --cluster",
            (false, true) => "nothing to judge; name files, folders or `-`, or give --cluster",
            _ if files::name_stdin(&self.paths) && files::name_stdin(&self.old) => {
                "standard input can be read once; give a file to --old, or instead of `-`"
            }
            _ => return Ok(()),
        };
        Err(Failure::bad_input(wrong))
    }

    fn defaults(&self) -> Defaults {
        let own = |text: &String| text.clone().into();
        let user =
            self.user.as_ref().map(|name| User { name: own(name), groups: self.groups.iter().map(own).collect() });
        Defaults { operation: self.operation, namespace: self.namespace.clone(), user }
    }

    fn read<'s>(&self, source: &'s Source, report: &mut Report<'s>) -> Read<'s> {
        let defaults = self.defaults();
        let index = TextIndex::new(&source.text);
        let mut items = Vec::new();
        for content in manifest::read(&source.text, &defaults) {
            match content {
                Content::Item(item) => items.push(*item),
                Content::Foreign { offset } if self.strict => {
                    let message = "not a Kubernetes object: it has no `apiVersion` and `kind`".to_owned();
                    report.unreadable(source, &index, offset, message);
                }
                Content::Ours | Content::Foreign { .. } => report.summary.skipped += 1,
                Content::Unreadable { message, offset } => report.unreadable(source, &index, offset, message),
            }
        }
        Read { source, index, items }
    }

    fn print(&self, report: &Report<'_>, color: Color, assumed: usize, started: Instant) -> Result<(), Failure> {
        let renderer = |colored| if colored { Renderer::styled() } else { Renderer::plain() };
        match self.output {
            Format::Json => output::print_json(report)?,
            Format::Text => {
                output::print(&text::findings(report, &renderer(color.applies(&io::stdout()))))?;
                let errors = text::errors(report, &renderer(color.applies(&io::stderr())));
                errors.trim_end().lines().for_each(output::note);
            }
        }
        if assumed > 0 {
            output::note(&format!(
                "note: objects without a namespace, judged in `default`: {assumed} (--namespace names another)"
            ));
        }
        output::note(&text::summary(&report.summary, started.elapsed()));
        Ok(())
    }

    fn exit(&self, report: &Report<'_>) -> Exit {
        let summary = &report.summary;
        if summary.errors > 0 {
            Exit::BadInput
        } else if summary.denied > 0 || (self.deny_warnings && summary.warned > 0) {
            Exit::Denied
        } else {
            Exit::Clean
        }
    }
}

/// Pairs objects with their state before; what is only there is returned, each in its own file.
fn pair<'s>(files: &mut [Read<'s>], old_files: Vec<Read<'s>>) -> Vec<Read<'s>> {
    let mut items: Vec<&mut Item<'s>> = files.iter_mut().flat_map(|file| &mut file.items).collect();
    let deleted = |old: Read<'s>| Read { items: transitions(&mut items, old.items), ..old };
    old_files.into_iter().map(deleted).collect()
}
