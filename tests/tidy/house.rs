//! Rules about what stands where: rooms in order, nothing but declarations in `mod.rs`, exports in the programs alone.

use super::{fault::Fault, functions::mentions, walls::ROOMS};
use std::path::Path;
use syn::{Attribute, File, ImplItemFn, Item, Meta, spanned::Spanned, visit::Visit};

/// Faults of place in a file.
pub fn check(path: &Path, file: &File) -> Vec<Fault> {
    let mut out = Vec::new();
    if path == Path::new("src/lib.rs") {
        out.extend(rooms_order(path, file));
    }
    if path.starts_with("src") && path.file_name().is_some_and(|it| it == "mod.rs") {
        out.extend(mod_logic(path, file));
    }
    if path.starts_with("src") && !path.starts_with("src/bin") {
        let mut exports = Exports {
            path,
            out: Vec::new(),
        };
        exports.visit_file(file);
        out.extend(exports.out);
    }
    out
}

/// `lib.rs` declares rooms alone, in the order in which data travels.
fn rooms_order(path: &Path, file: &File) -> Option<Fault> {
    let mut last = 0;
    for item in &file.items {
        let Item::Mod(it) = item else { continue };
        let place = ROOMS.iter().position(|(room, _)| it.ident == *room);
        match place {
            None => {
                let what = format!("`{}` is not a room of the architecture", it.ident);
                return Some(Fault::at("rooms_order", path, it.ident.span(), what));
            }
            Some(place) if place < last => {
                let what = format!("`{}` stands after a room that it comes before", it.ident);
                return Some(Fault::at("rooms_order", path, it.ident.span(), what));
            }
            Some(place) => last = place,
        }
    }
    None
}

/// `mod.rs` declares and re-exports.
fn mod_logic(path: &Path, file: &File) -> Option<Fault> {
    let logic = file.items.iter().find(|it| match it {
        Item::Use(_) | Item::Type(_) => false,
        Item::Mod(it) => it.content.is_some(),
        _ => true,
    })?;
    Some(Fault::at(
        "mod_logic",
        path,
        logic.span(),
        "`mod.rs` holds declarations and re-exports alone",
    ))
}

/// Exports of wasm-bindgen in the library would be kept in every program that links it. Imports (`extern` blocks) are fine.
struct Exports<'a> {
    path: &'a Path,
    out: Vec<Fault>,
}

impl Exports<'_> {
    fn attributes(&mut self, attributes: &[Attribute]) {
        for it in attributes {
            let names_it = it
                .path()
                .segments
                .last()
                .is_some_and(|it| it.ident == "wasm_bindgen");
            let wraps_it = it.path().is_ident("cfg_attr")
                && matches!(&it.meta, Meta::List(list) if mentions(list.tokens.clone(), "wasm_bindgen"));
            if names_it || wraps_it {
                self.out.push(Fault::at(
                    "exports",
                    self.path,
                    it.span(),
                    "`#[wasm_bindgen]` exports stand in src/bin alone",
                ));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Exports<'_> {
    fn visit_item(&mut self, it: &'ast Item) {
        match it {
            Item::Fn(it) => self.attributes(&it.attrs),
            Item::Struct(it) => self.attributes(&it.attrs),
            Item::Enum(it) => self.attributes(&it.attrs),
            Item::Impl(it) => self.attributes(&it.attrs),
            Item::Const(it) => self.attributes(&it.attrs),
            _ => (),
        }
        syn::visit::visit_item(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast ImplItemFn) {
        self.attributes(&it.attrs);
        syn::visit::visit_impl_item_fn(self, it);
    }
}
