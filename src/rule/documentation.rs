//! Doc comments of rules at run time: captured once, read by rustdoc, `vigla explain` and the pages.

/// Declares a rule's type and keeps its doc comment as `DOC`.
///
/// Doc comments do not exist at run time; this repeats them as a string.
macro_rules! documented {
    (
        $(#[doc = $line:literal])+
        #[derive($($derive:tt)+)]
        $(#[serde($($serde:tt)+)])*
        $visibility:vis struct $name:ident { $($fields:tt)* }
    ) => {
        $(#[doc = $line])+
        #[derive($($derive)+)]
        $(#[serde($($serde)+)])*
        $visibility struct $name { $($fields)* }

        impl $name {
            /// The rule's doc comment.
            const DOC: &str = concat!($($line, "\n"),+);
        }
    };
}
pub(crate) use documented;

/// The parts of a rule's doc comment, by their fixed headings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documentation {
    /// The first sentence.
    pub summary: String,
    /// Headings with their text, in order.
    pub sections: Vec<(String, String)>,
}

impl Documentation {
    /// The headings that every rule has, in this order.
    pub const HEADINGS: [&str; 6] = ["What it does", "Why", "Denied", "Allowed", "Parameters", "Known limits"];

    /// Takes a doc comment apart.
    #[must_use]
    pub fn parse(doc: &str) -> Self {
        let mut summary = String::new();
        let mut sections: Vec<(String, String)> = Vec::new();
        for line in doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)) {
            match (line.strip_prefix("# "), sections.last_mut()) {
                (Some(heading), _) => sections.push((heading.to_owned(), String::new())),
                (None, Some((_, text))) => push_line(text, line),
                (None, None) => push_line(&mut summary, line),
            }
        }
        for (_, text) in &mut sections {
            text.truncate(text.trim_end().len());
        }
        Self { summary: summary.trim().to_owned(), sections }
    }

    /// The text under a heading.
    #[must_use]
    pub fn section(&self, heading: &str) -> Option<&str> {
        self.sections.iter().find(|(name, _)| name == heading).map(|(_, text)| text.as_str())
    }
}

fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}
