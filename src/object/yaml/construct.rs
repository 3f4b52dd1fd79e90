//! From nodes as they are written to the arena: aliases copied, merge keys resolved, keys made strings.

use super::compose::{Kind, Raw, children, pairs};
use super::scalar::Scalar;
use super::{Document, keys, too_deep};
use crate::object::builder::Builder;
use crate::object::place::Place;
use crate::object::{Content, MAX_DEPTH, ReadError, Span, Text, Tree};

/// Nodes that the aliases of one document may copy. A string counts once more for each [`LONG_TEXT`] bytes.
///
/// A guard against a small text that means a huge object. Real documents copy a few hundred.
pub(super) const ALIAS_BUDGET: usize = 100_000;

/// See [`ALIAS_BUDGET`].
const LONG_TEXT: usize = 1024;

/// Builds the tree of a document.
pub(super) fn construct<'a>(
    document: Document<'a>,
    nodes: &[Raw<'a>],
    builder: Builder<'a>,
) -> Result<Tree<'a>, ReadError> {
    let mut constructor = Constructor { document, nodes, builder, depth: 0, alias: None, copied: 0 };
    constructor.add(0, None, None)?;
    Ok(constructor.builder.finish())
}

struct Constructor<'n, 'a> {
    document: Document<'a>,
    nodes: &'n [Raw<'a>],
    builder: Builder<'a>,
    /// Lists, maps and merges that are open.
    depth: usize,
    /// The outermost alias that is open: what is added meanwhile is a copy.
    alias: Option<Span>,
    /// What has been copied; see [`ALIAS_BUDGET`].
    copied: usize,
}

impl<'n, 'a> Constructor<'n, 'a> {
    fn node(&self, index: usize) -> Option<&'n Raw<'a>> {
        self.nodes.get(index)
    }

    /// Adds the node at `index`; `alias` is the place of the alias that stands for it.
    ///
    /// Recursion is bounded by [`Constructor::deeper`].
    fn add(&mut self, index: usize, key: Option<(Text<'a>, Span)>, alias: Option<Span>) -> Result<(), ReadError> {
        let Some(node) = self.node(index) else {
            return Ok(());
        };
        let span = alias.unwrap_or(node.span);
        if let Kind::Alias(target) = node.kind {
            return self.through_alias(span, |this| this.add(target, key, Some(span)));
        }
        self.spend(1)?;
        self.builder.place(Place { key: key.map(|(_, span)| span), value: span });
        let key = key.map(|(text, _)| text);
        match node.kind {
            Kind::Scalar(scalar) | Kind::Merge(scalar) => {
                let content = self.content(scalar, span)?;
                self.builder.leaf(key, content);
                Ok(())
            }
            Kind::List => self.deeper(span, |this| {
                let open = this.builder.open(key, Content::List);
                children(this.nodes, index).try_for_each(|item| this.add(item, None, None))?;
                this.builder.close(open, 0);
                Ok(())
            }),
            Kind::Map | Kind::Alias(_) => self.deeper(span, |this| {
                let open = this.builder.open(key, Content::Map);
                let members = this.members(index)?;
                this.builder.close(open, members);
                Ok(())
            }),
        }
    }

    /// Adds the members of the map at `index` to the map that is open, and says how many.
    ///
    /// What comes later wins, explicit or merged, as in `yaml/v2`; the arena shadows the earlier one.
    fn members(&mut self, index: usize) -> Result<usize, ReadError> {
        keys::check(self.document, self.nodes, index, &self.builder)?;
        let mut members = 0;
        for (key, value) in pairs(self.nodes, index) {
            let Some(node) = self.node(key) else { break };
            if matches!(node.kind, Kind::Merge(_)) {
                members += self.merge(value)?;
                continue;
            }
            let text = keys::text(self.nodes, node, &mut self.builder)?;
            self.add(value, Some((text, node.span)), None)?;
            members += 1;
        }
        Ok(members)
    }

    /// Adds what `<<` merges: a map, or a list of maps of which the first wins and so is added last.
    fn merge(&mut self, value: usize) -> Result<usize, ReadError> {
        let Some(node) = self.node(value) else {
            return Ok(0);
        };
        if !matches!(node.kind, Kind::List) {
            return self.merge_map(value);
        }
        let mut maps: Vec<_> = children(self.nodes, value).collect();
        maps.reverse();
        let mut members = 0;
        for map in maps {
            self.spend(1)?;
            members += self.merge_map(map)?;
        }
        Ok(members)
    }

    fn merge_map(&mut self, index: usize) -> Result<usize, ReadError> {
        let Some(node) = self.node(index) else {
            return Ok(0);
        };
        let target = match node.kind {
            Kind::Alias(target) => self.node(target).map(|node| (target, node)),
            _ => Some((index, node)),
        };
        let Some((map, _)) = target.filter(|(_, node)| matches!(node.kind, Kind::Map)) else {
            return Err(ReadError::at(
                node.span.start as usize,
                "`<<` merges a map or a list of maps; this is neither",
            ));
        };
        self.spend(1)?;
        self.deeper(node.span, |this| {
            if map == index { this.members(map) } else { this.through_alias(node.span, |this| this.members(map)) }
        })
    }

    fn content(&mut self, scalar: Scalar<'a>, span: Span) -> Result<Content<'a>, ReadError> {
        if let Scalar::Text(text) = scalar {
            self.spend(self.builder.tree.text(&text).len() / LONG_TEXT)?;
        }
        scalar.content().ok_or_else(|| {
            ReadError::at(span.start as usize, "JSON has no such number; put it in quotes if a string is meant")
        })
    }

    fn through_alias<T>(
        &mut self,
        span: Span,
        add: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let outer = self.alias;
        self.alias = outer.or(Some(span));
        let added = add(self);
        self.alias = outer;
        added
    }

    fn deeper<T>(&mut self, span: Span, add: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep(self.alias.unwrap_or(span).start as usize));
        }
        self.depth += 1;
        let added = add(self);
        self.depth -= 1;
        added
    }

    /// Counts what is done on behalf of an alias.
    fn spend(&mut self, nodes: usize) -> Result<(), ReadError> {
        let Some(alias) = self.alias else {
            return Ok(());
        };
        self.copied += nodes;
        if self.copied > ALIAS_BUDGET {
            return Err(ReadError::at(
                alias.start as usize,
                format!(
                    "the aliases of this document copy more than {ALIAS_BUDGET} nodes; write out what they stand for"
                ),
            ));
        }
        Ok(())
    }
}
