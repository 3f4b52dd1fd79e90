//! From the parser's events to nodes in document order, aliases and merge keys not yet resolved.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span as Marks, StructureStyle, Tag};

use super::scalar::{self, Scalar};
use super::{Document, syntax, too_deep};
use crate::object::builder::Builder;
use crate::object::{MAX_DEPTH, ReadError, Span};

/// One node of a document as it is written.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) span: Span,
    /// One past the last node below this one. 0 while the list or map is open.
    pub(super) end: usize,
}

/// What a node of a document is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Scalar(Scalar<'a>),
    /// `<<`: merges where it is a key, and is a string everywhere else.
    Merge(Scalar<'a>),
    /// Its items follow.
    List,
    /// Its keys and values follow in turn.
    Map,
    /// The node that is meant.
    Alias(usize),
}

/// The nodes directly below the one at `index`.
pub(super) fn children(nodes: &[Raw<'_>], index: usize) -> impl Iterator<Item = usize> {
    let end = nodes.get(index).map_or(0, |node| node.end);
    std::iter::successors(Some(index + 1), |&at| Some(nodes.get(at)?.end)).take_while(move |&at| at < end)
}

/// The keys and values of the map at `index`.
pub(super) fn pairs(nodes: &[Raw<'_>], index: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut children = children(nodes, index);
    std::iter::from_fn(move || Some((children.next()?, children.next()?)))
}

/// The nodes of a document, the root first.
pub(super) fn compose<'a>(document: Document<'a>, builder: &mut Builder<'a>) -> Result<Vec<Raw<'a>>, ReadError> {
    let mut composer =
        Composer { document, builder, nodes: Vec::new(), open: Vec::new(), with_colon: None, anchors: HashMap::new() };
    let mut options = Options::default();
    options.emit_anchor_events = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    for event in Parser::new_from_str_with_options(document.text(), options) {
        let (event, marks) = event.map_err(|error| syntax::error(document, &error))?;
        composer.event(event, &marks)?;
    }
    Ok(composer.nodes)
}

/// A list or map that is open.
struct Open {
    index: usize,
    style: StructureStyle,
    /// No bracket or brace of its own: a block, or a pair in a flow list.
    unmarked: bool,
}

struct Composer<'b, 'a> {
    document: Document<'a>,
    builder: &'b mut Builder<'a>,
    nodes: Vec<Raw<'a>>,
    /// The lists and maps that are open, outermost first.
    open: Vec<Open>,
    /// The last scalar that got a colon from [`Composer::extent`].
    with_colon: Option<usize>,
    /// The node that each anchor names, by the parser's number.
    anchors: HashMap<usize, usize>,
}

impl<'a> Composer<'_, 'a> {
    fn event(&mut self, event: Event<'a>, marks: &Marks) -> Result<(), ReadError> {
        let span = self.span(marks)?;
        let in_block = self.open.last().is_none_or(|open| open.style == StructureStyle::Block);
        if in_block && event.is_node() {
            syntax::check_indentation(self.document, span)?;
        }
        match event {
            Event::DocumentStart(..) if !self.nodes.is_empty() => Err(ReadError::at(
                span.start as usize,
                "a second document starts here; put `---` on a line of its own between them",
            )),
            Event::Anchor(_, name) => syntax::check_anchor(&name, span),
            Event::Scalar(text, style, anchor, tag) => {
                // The parser puts an empty value with a tag at the next node, which may be lines away.
                let tagged = marks.tag_span().filter(|_| span.start == span.end);
                let span = tagged.map_or(Ok(span), |marks| self.span(&marks))?;
                let (text, span) = self.extent(text, style, anchor, span)?;
                let kind = self.scalar(text, style, tag.as_deref(), span)?;
                self.leaf(kind, anchor, span);
                Ok(())
            }
            Event::SequenceStart(style, anchor, _) => self.open(Kind::List, style, anchor, span),
            Event::MappingStart(style, anchor, _) => self.open(Kind::Map, style, anchor, span),
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    /// Bytes of the document as bytes of the whole text.
    fn span(&self, marks: &Marks) -> Result<Span, ReadError> {
        let start = self.document.start();
        let range = marks.byte_range().unwrap_or_default();
        let whole = |at: usize| {
            u32::try_from(start + at).map_err(|_| ReadError::at(start, "the text is longer than 4 GiB; split it"))
        };
        Ok(Span { start: whole(range.start)?, end: whole(range.end)? })
    }

    /// A scalar's text and where it ends, both as YAML 1.1 has them.
    fn extent(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        mut span: Span,
    ) -> Result<(Cow<'a, str>, Span), ReadError> {
        let in_flow = matches!(self.open.last(), Some(open) if open.style == StructureStyle::Flow);
        match style {
            ScalarStyle::Plain if in_flow && syntax::takes_colon(self.document, span)? => {
                if anchor != 0 {
                    return Err(syntax::colon_error(span.end as usize));
                }
                span.end += 1;
                self.with_colon = Some(self.nodes.len());
                Ok((Cow::Owned(format!("{text}:")), span))
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                span.end = syntax::without_line_ends(self.document, span);
                Ok((text, span))
            }
            _ => Ok((text, span)),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Kind<'a>, ReadError> {
        let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
        let plain = style == ScalarStyle::Plain;
        let merge = text == "<<"
            && match tag.as_deref() {
                None => plain,
                Some(tag) => tag == "!" || tag == "tag:yaml.org,2002:merge",
            };
        let scalar = scalar::resolve(text, plain, tag.as_deref(), self.builder)
            .map_err(|message| ReadError::at(span.start as usize, message))?;
        Ok(if merge { Kind::Merge(scalar) } else { Kind::Scalar(scalar) })
    }

    fn leaf(&mut self, kind: Kind<'a>, anchor: usize, span: Span) {
        let end = self.nodes.len() + 1;
        self.push(kind, anchor, span, end);
    }

    fn push(&mut self, kind: Kind<'a>, anchor: usize, span: Span, end: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, self.nodes.len());
        }
        self.nodes.push(Raw { kind, span, end });
    }

    fn open(&mut self, kind: Kind<'a>, style: StructureStyle, anchor: usize, span: Span) -> Result<(), ReadError> {
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep(span.start as usize));
        }
        self.open.push(Open { index: self.nodes.len(), style, unmarked: span.start == span.end });
        self.push(kind, anchor, span, 0);
        Ok(())
    }

    fn close(&mut self, span: Span) {
        let Some(open) = self.open.pop() else {
            return;
        };
        let key = open.index + 1;
        let pair = open.style == StructureStyle::Flow && open.unmarked;
        if pair && self.with_colon == Some(key) && self.nodes.len() == key + 2 {
            // To the parser `[a:]` holds a map without braces and `a` was its key; see `syntax::takes_colon`.
            self.nodes.truncate(key + 1);
            self.nodes.swap_remove(open.index);
            if let Some(scalar) = self.nodes.get_mut(open.index) {
                scalar.end = key;
            }
            return;
        }
        // The parser notices the end of a block at the next token, which may be lines away.
        let last = match open.style {
            StructureStyle::Block => self.nodes.last().map_or(span.end, |node| node.span.end),
            StructureStyle::Flow => span.end,
        };
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(open.index) {
            node.end = end;
            node.span.end = last.max(node.span.start);
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), ReadError> {
        let target = self.anchors.get(&anchor).copied();
        let closed = target.filter(|&at| self.nodes.get(at).is_some_and(|node| node.end != 0));
        let Some(target) = closed else {
            return Err(ReadError::at(
                span.start as usize,
                "an alias inside its own anchor would never end; write the value out",
            ));
        };
        self.leaf(Kind::Alias(target), 0, span);
        Ok(())
    }
}
