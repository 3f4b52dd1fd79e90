//! Reads one source file with `syn`.

use super::source::{Declaration, Mention, Source, Use, module_of};
use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree, token_stream::IntoIter};
use std::{iter::Peekable, mem};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

impl Source {
    /// Reads one file.
    pub(crate) fn read(path: &str, text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let module = module_of(path);
        let mut reader = Reader {
            test: file.attrs.iter().any(is_cfg_test),
            source: Self {
                path: path.to_owned(),
                lines: text.lines().count(),
                modules: vec![module.clone()],
                module: module.clone(),
                ..Self::default()
            },
            module,
        };
        reader.visit_file(&file);
        Ok(reader.source)
    }
}

/// Walks over a file and notes what it says.
struct Reader {
    module: Vec<String>,
    test: bool,
    source: Source,
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    let argument = attribute.path().is_ident("cfg").then(|| attribute.parse_args::<Ident>());
    matches!(argument, Some(Ok(word)) if word == "test")
}

fn segments_of(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| text_of(&segment.ident)).collect()
}

fn text_of(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn line_of(path: &syn::Path) -> usize {
    path.segments.first().map_or(0, |segment| segment.ident.span().start().line)
}

impl Reader {
    fn note(&mut self, segments: Vec<String>, what: Use, line: usize) {
        let (module, test) = (self.module.clone(), self.test);
        self.source.mentions.push(Mention { segments, what, module, line, test });
    }

    fn use_tree(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let below = |ident: &Ident| -> Vec<String> {
            let name = text_of(ident);
            let is_prefix = name == "self" && !prefix.is_empty();
            prefix.iter().cloned().chain((!is_prefix).then_some(name)).collect()
        };
        match tree {
            syn::UseTree::Path(path) => self.use_tree(&path.tree, &below(&path.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.use_tree(item, prefix)),
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans.first().map_or(0, |span| span.start().line);
                self.note(prefix.to_vec(), Use::Glob, line);
            }
            syn::UseTree::Name(name) => {
                let segments = below(&name.ident);
                let bound = segments.last().cloned().unwrap_or_default();
                self.note(segments, Use::Import(bound), name.ident.span().start().line);
            }
            syn::UseTree::Rename(rename) => {
                let line = rename.ident.span().start().line;
                self.note(below(&rename.ident), Use::Import(text_of(&rename.rename)), line);
            }
        }
    }

    /// Notes the paths in a macro's tokens: names joined by `::`, with the braces of a `use` that follow them.
    fn tokens(&mut self, stream: TokenStream, prefix: &[String]) {
        let mut trees = stream.into_iter().peekable();
        let mut starts = true;
        while let Some(tree) = trees.next() {
            let comma = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == ',');
            match tree {
                TokenTree::Group(group) => self.tokens(group.stream(), &[]),
                TokenTree::Ident(first) => {
                    let prefix = if starts { prefix } else { &[] };
                    self.token_path(&first, prefix, &mut trees);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            starts = comma;
        }
    }

    fn token_path(&mut self, first: &Ident, prefix: &[String], trees: &mut Peekable<IntoIter>) {
        let mut segments = [prefix, &[text_of(first)]].concat();
        let line = first.span().start().line;
        let mut what = Use::Path;
        while trees.next_if(|tree| is_punct(tree, ':', Some(Spacing::Joint))).is_some() {
            if trees.next_if(|tree| is_punct(tree, ':', None)).is_none() {
                break;
            }
            match trees.peek() {
                Some(TokenTree::Ident(ident)) => segments.push(text_of(ident)),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let stream = Group::stream(group);
                    trees.next();
                    return self.tokens(stream, &segments);
                }
                Some(tree) if is_punct(tree, '*', None) => what = Use::Glob,
                _ => break,
            }
            trees.next();
        }
        if trees.peek().is_some_and(|tree| is_punct(tree, '!', Some(Spacing::Alone))) {
            what = Use::Macro;
        }
        if segments.len() > 1 || what != Use::Path {
            self.note(segments, what, line);
        }
    }
}

fn is_punct(tree: &TokenTree, sign: char, spacing: Option<Spacing>) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign && spacing.is_none_or(|is| punct.spacing() == is))
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let module = [self.module.as_slice(), &[text_of(&item.ident)]].concat();
        let test = self.test || item.attrs.iter().any(is_cfg_test);
        if item.content.is_none() {
            let has_path = item.attrs.iter().any(|attribute| attribute.path().is_ident("path"));
            let line = item.ident.span().start().line;
            return self.source.declarations.push(Declaration { module, line, test, has_path });
        }
        self.source.modules.push(module.clone());
        let outer = (mem::replace(&mut self.module, module), mem::replace(&mut self.test, test));
        visit::visit_item_mod(self, item);
        (self.module, self.test) = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &[]);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let name = if item.ident == "self" { "crate".to_owned() } else { text_of(&item.ident) };
        let bound = item.rename.as_ref().map_or_else(|| name.clone(), |(_, rename)| text_of(rename));
        self.note(vec![name], Use::Import(bound), item.ident.span().start().line);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if let syn::Type::Path(target) = item.ty.as_ref() {
            self.note(segments_of(&target.path), Use::Import(text_of(&item.ident)), line_of(&target.path));
        }
        visit::visit_item_type(self, item);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = &item.ident
            && item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
        {
            self.source.exported.push(text_of(name));
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.note(segments_of(&call.path), Use::Macro, line_of(&call.path));
        self.tokens(call.tokens.clone(), &[]);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        visit::visit_attribute(self, attribute);
        let syn::Meta::List(list) = &attribute.meta else { return };
        self.tokens(list.tokens.clone(), &[]);
        for tree in list.tokens.clone() {
            // serde takes paths as strings: `#[serde(with = "…")]`
            if let Ok(text) = syn::parse2::<syn::LitStr>(tree.into())
                && let Ok(path) = text.parse::<syn::Path>()
                && path.segments.len() > 1
            {
                self.note(segments_of(&path), Use::Path, text.span().start().line);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.note(segments_of(path), Use::Path, line_of(path));
        visit::visit_path(self, path);
    }

    fn visit_expr_path(&mut self, expression: &'ast syn::ExprPath) {
        // `<Timestamp>::now()` is `Timestamp::now()`
        if let Some(qself) = &expression.qself
            && let syn::Type::Path(target) = qself.ty.as_ref()
            && qself.position == 0
        {
            let segments = [segments_of(&target.path), segments_of(&expression.path)].concat();
            self.note(segments, Use::Path, line_of(&target.path));
        }
        visit::visit_expr_path(self, expression);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(super)` and its like name a module without using it
    }
}
