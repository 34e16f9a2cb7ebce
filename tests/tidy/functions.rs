//! Rules about functions: how long, how many parameters, what they call, which attributes.

use super::fault::Fault;
use proc_macro2::{TokenStream, TokenTree};
use std::path::Path;
use syn::{
    Attribute, Block, File, FnArg, ImplItemFn, ItemFn, ItemMod, LitInt, Signature, TraitItemFn,
    Type, spanned::Spanned, visit::Visit,
};

const MAX_LINES: usize = 60;
const MAX_PARAMETERS: usize = 7;
/// Sizes of Gemma 2 2B that are nothing else: they stand in `src/spec` alone.
const GEMMA_NUMBERS: &[&str] = &["2304", "9216", "256000"];

/// Faults in the functions of a file.
pub fn check(path: &Path, file: &File) -> Vec<Fault> {
    let mut visitor = Functions {
        path,
        in_tests: path.starts_with("tests") || path.starts_with("benches"),
        numbers_allowed: !path.starts_with("src") || path.starts_with("src/spec"),
        out: Vec::new(),
    };
    visitor.visit_file(file);
    visitor.out
}

struct Functions<'a> {
    path: &'a Path,
    in_tests: bool,
    numbers_allowed: bool,
    out: Vec<Fault>,
}

impl Functions<'_> {
    fn fault(&mut self, rule: &'static str, span: proc_macro2::Span, what: String) {
        self.out.push(Fault::at(rule, self.path, span, what));
    }

    fn signature(&mut self, it: &Signature) {
        let typed: Vec<&Type> = it
            .inputs
            .iter()
            .filter_map(|it| match it {
                FnArg::Typed(it) => Some(&*it.ty),
                FnArg::Receiver(_) => None,
            })
            .collect();
        let n_bools = typed.iter().filter(|it| is_bool(it)).count();
        if n_bools > 1 {
            let what = format!("`{}` takes {n_bools} bools; one at most", it.ident);
            self.fault("bools", it.span(), what);
        }
        if typed.len() > MAX_PARAMETERS {
            let what = format!(
                "`{}` takes {} parameters; {MAX_PARAMETERS} at most, then a named struct",
                it.ident,
                typed.len()
            );
            self.fault("parameters", it.span(), what);
        }
    }

    fn body(&mut self, it: &Signature, block: &Block) {
        let lines = block.span().end().line - it.span().start().line + 1;
        if lines > MAX_LINES {
            let what = format!("`{}` has {lines} lines; at most {MAX_LINES}", it.ident);
            self.fault("function_length", it.span(), what);
        }
    }

    /// Visits what may be code of tests, where `unwrap` and plain numbers are fine.
    fn nested(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.in_tests;
        self.in_tests |= attributes.iter().any(marks_test);
        visit(self);
        self.in_tests = before;
    }

    fn macro_tokens(&mut self, tokens: TokenStream) {
        let mut last_dot = false;
        for tree in tokens {
            match &tree {
                TokenTree::Ident(it) if last_dot && it == "unwrap" && !self.in_tests => {
                    self.fault("unwrap", it.span(), "`unwrap` in a macro".into());
                }
                TokenTree::Group(it) => self.macro_tokens(it.stream()),
                _ => (),
            }
            last_dot = matches!(&tree, TokenTree::Punct(it) if it.as_char() == '.');
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, it: &'ast ItemFn) {
        self.signature(&it.sig);
        self.body(&it.sig, &it.block);
        self.nested(&it.attrs, |this| syn::visit::visit_item_fn(this, it));
    }

    fn visit_impl_item_fn(&mut self, it: &'ast ImplItemFn) {
        self.signature(&it.sig);
        self.body(&it.sig, &it.block);
        self.nested(&it.attrs, |this| syn::visit::visit_impl_item_fn(this, it));
    }

    fn visit_trait_item_fn(&mut self, it: &'ast TraitItemFn) {
        self.signature(&it.sig);
        if let Some(block) = &it.default {
            self.body(&it.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, it);
    }

    fn visit_item_mod(&mut self, it: &'ast ItemMod) {
        self.nested(&it.attrs, |this| syn::visit::visit_item_mod(this, it));
    }

    fn visit_expr_method_call(&mut self, it: &'ast syn::ExprMethodCall) {
        if it.method == "unwrap" && !self.in_tests {
            self.fault(
                "unwrap",
                it.method.span(),
                "`unwrap` outside tests; say why it can't fail with `expect`, or pass the error on"
                    .into(),
            );
        }
        syn::visit::visit_expr_method_call(self, it);
    }

    fn visit_macro(&mut self, it: &'ast syn::Macro) {
        self.macro_tokens(it.tokens.clone());
        syn::visit::visit_macro(self, it);
    }

    fn visit_lit_int(&mut self, it: &'ast LitInt) {
        if !self.in_tests && !self.numbers_allowed && GEMMA_NUMBERS.contains(&it.base10_digits()) {
            let what = format!("{it} is Gemma's; it stands in src/spec alone");
            self.fault("gemma_numbers", it.span(), what);
        }
    }

    fn visit_attribute(&mut self, it: &'ast Attribute) {
        for name in ["ignore", "should_panic"] {
            if it.path().is_ident(name) {
                self.fault("test_attributes", it.span(), format!("`#[{name}]`"));
            }
        }
    }
}

fn is_bool(it: &Type) -> bool {
    matches!(it, Type::Path(it) if it.path.is_ident("bool"))
}

/// Whether an attribute marks code that runs in tests only: `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, ..))]`.
fn marks_test(it: &Attribute) -> bool {
    if it.path().is_ident("test") {
        return true;
    }
    let syn::Meta::List(list) = &it.meta else {
        return false;
    };
    it.path().is_ident("cfg")
        && !mentions(list.tokens.clone(), "not")
        && mentions(list.tokens.clone(), "test")
}

/// Whether a word stands anywhere in tokens.
pub fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|it| match it {
        TokenTree::Ident(it) => it == word,
        TokenTree::Group(it) => mentions(it.stream(), word),
        _ => false,
    })
}
