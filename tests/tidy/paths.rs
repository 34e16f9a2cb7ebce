//! Every path that a file names, wherever it names it: use trees, expressions, types, patterns, macros.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    File, Ident, ItemExternCrate, ItemMod, ItemUse, MetaList, UseTree, Visibility, visit::Visit,
};

/// A path as written, and where its first segment leads.
pub struct Named {
    /// Segments as written, without a leading `::`.
    pub segments: Vec<String>,
    /// Segments from the root of the crate, where the path begins with `crate`, `self`, `super`.
    pub from_root: Option<Vec<String>>,
    /// Whether it comes from a `use`, where the first segment is a crate or something in scope.
    pub in_use: bool,
    /// Whether the root itself is given a name, or all of it is taken: `use crate as x`, `use crate::*`.
    pub takes_root: bool,
    /// Where.
    pub span: Span,
}

/// The paths that a file names; `module` is its own path from the root, such as `["gpu", "player"]`.
pub fn named(file: &File, module: Vec<String>) -> Vec<Named> {
    let mut visitor = Paths {
        module,
        out: Vec::new(),
    };
    visitor.visit_file(file);
    visitor.out
}

struct Paths {
    module: Vec<String>,
    out: Vec<Named>,
}

impl Paths {
    fn push(&mut self, segments: Vec<String>, in_use: bool, span: Span) {
        if segments.is_empty() {
            return;
        }
        let from_root = resolve(&self.module, &segments);
        self.out.push(Named {
            segments,
            from_root,
            in_use,
            takes_root: false,
            span,
        });
    }

    fn use_tree(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |it: &Ident| [prefix, &[it.to_string()]].concat();
        match tree {
            UseTree::Path(it) => self.use_tree(&with(&it.ident), &it.tree),
            UseTree::Group(it) => it.items.iter().for_each(|it| self.use_tree(prefix, it)),
            UseTree::Name(it) => self.push(with(&it.ident), true, it.ident.span()),
            UseTree::Rename(it) => {
                self.push(with(&it.ident), true, it.ident.span());
                self.note_root();
            }
            UseTree::Glob(it) => {
                self.push(prefix.to_vec(), true, it.star_token.spans[0]);
                self.note_root();
            }
        }
    }

    /// Marks the last path if it is the root itself.
    fn note_root(&mut self) {
        if let Some(it) = self.out.last_mut() {
            it.takes_root = it.from_root.as_ref().is_some_and(Vec::is_empty);
        }
    }

    /// In a macro only the shape `a::b::c` is known.
    fn macro_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut span = Span::call_site();
        for tree in tokens {
            match tree {
                TokenTree::Ident(it) => {
                    if colons != 2 {
                        self.flush(&mut segments, span);
                        span = it.span();
                    }
                    segments.push(it.to_string());
                    colons = 0;
                }
                TokenTree::Punct(it) if it.as_char() == ':' => colons += 1,
                TokenTree::Group(it) => {
                    // `crate::{a, b}` within a macro
                    let prefix = (colons == 2).then(|| segments.clone());
                    self.flush(&mut segments, span);
                    colons = 0;
                    match prefix {
                        Some(prefix) => self.macro_group(&prefix, it.stream(), it.span()),
                        None => self.macro_tokens(it.stream()),
                    }
                }
                _ => {
                    self.flush(&mut segments, span);
                    colons = 0;
                }
            }
        }
        self.flush(&mut segments, span);
    }

    fn macro_group(&mut self, prefix: &[String], tokens: TokenStream, span: Span) {
        for tree in tokens.clone() {
            if let TokenTree::Ident(it) = tree {
                self.push([prefix, &[it.to_string()]].concat(), false, span);
            }
        }
        self.macro_tokens(tokens);
    }

    fn flush(&mut self, segments: &mut Vec<String>, span: Span) {
        if segments.len() > 1 {
            self.push(segments.clone(), false, span);
        }
        segments.clear();
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, it: &'ast ItemUse) {
        self.use_tree(&[], &it.tree);
    }

    fn visit_item_extern_crate(&mut self, it: &'ast ItemExternCrate) {
        let root = it.ident == "self";
        let name = if root {
            "crate".into()
        } else {
            it.ident.to_string()
        };
        self.push(vec![name], true, it.ident.span());
        self.note_root();
    }

    fn visit_item_mod(&mut self, it: &'ast ItemMod) {
        self.module.push(it.ident.to_string());
        syn::visit::visit_item_mod(self, it);
        self.module.pop();
    }

    fn visit_path(&mut self, it: &'ast syn::Path) {
        let segments = it.segments.iter().map(|it| it.ident.to_string()).collect();
        if it.segments.len() > 1 {
            self.push(segments, false, it.segments[0].ident.span());
        }
        syn::visit::visit_path(self, it);
    }

    fn visit_macro(&mut self, it: &'ast syn::Macro) {
        syn::visit::visit_macro(self, it);
        self.macro_tokens(it.tokens.clone());
    }

    fn visit_meta_list(&mut self, it: &'ast MetaList) {
        syn::visit::visit_meta_list(self, it);
        self.macro_tokens(it.tokens.clone());
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {} // `pub(in crate::x)` uses nothing of x
}

/// Segments from the root of the crate; none for a path that begins elsewhere.
fn resolve(module: &[String], segments: &[String]) -> Option<Vec<String>> {
    let mut base: Vec<String> = match segments[0].as_str() {
        "crate" | "gemscope" => Vec::new(),
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    let mut rest = segments;
    if matches!(rest[0].as_str(), "crate" | "gemscope" | "self") {
        rest = &rest[1..];
    }
    while rest.first().is_some_and(|it| it == "super") {
        base.pop();
        rest = &rest[1..];
    }
    if rest.last().is_some_and(|it| it == "self") {
        rest = &rest[..rest.len() - 1];
    }
    base.extend(rest.iter().cloned());
    Some(base)
}
