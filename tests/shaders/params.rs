//! `Params` of an op against `Params` of its shader: the same names at the same offsets.

use super::{Shader, contract};
use naga::{Module, TypeInner, proc::Layouter};
use std::{fs, path::Path};
use syn::{Expr, Fields, Item, Lit, Type};

/// A field: its name and its offset in bytes.
type Field = (String, u32);

/// How they differ.
pub fn check(shader: &Shader, ops: &Path) -> Option<String> {
    let name = &shader.name;
    let found = contract::parse(shader).and_then(|it| of_shader(&it.0));
    let mirrored = fs::read_to_string(ops.join(format!("{name}.rs")))
        .map_err(|it| format!("src/ops/{name}.rs: {it}"))
        .and_then(|it| of_op(&it));
    match (found, mirrored) {
        (Ok(found), Ok(mirrored)) if found == mirrored => None,
        (Ok(found), Ok(mirrored)) => Some(format!(
            "{name}: the shader has {found:?}, src/ops/{name}.rs has {mirrored:?}"
        )),
        (Err(it), _) | (_, Err(it)) => Some(format!("{name}: {it}")),
    }
}

/// Fields and size of the shader's `Params`; the size as a last field.
fn of_shader(module: &Module) -> Result<Vec<Field>, String> {
    let mut layouter = Layouter::default();
    layouter
        .update(module.to_ctx())
        .map_err(|it| it.to_string())?;
    let (handle, it) = module
        .types
        .iter()
        .find(|it| it.1.name.as_deref() == Some("Params"))
        .ok_or("the shader has no `struct Params`")?;
    let TypeInner::Struct { members, .. } = &it.inner else {
        return Err("`Params` is no struct".into());
    };
    let mut out: Vec<Field> = members
        .iter()
        .map(|it| (it.name.clone().unwrap_or_default(), it.offset))
        .collect();
    out.push(("(size)".into(), layouter[handle].size));
    Ok(out)
}

/// The same of the op's, from its source.
fn of_op(source: &str) -> Result<Vec<Field>, String> {
    let file = syn::parse_file(source).map_err(|it| it.to_string())?;
    let params = file
        .items
        .iter()
        .find_map(|it| match it {
            Item::Struct(it) if it.ident == "Params" => Some(it),
            _ => None,
        })
        .ok_or("the op has no `struct Params`")?;
    let is_c = params.attrs.iter().any(|it| {
        it.path().is_ident("repr") && it.parse_args::<syn::Ident>().is_ok_and(|it| it == "C")
    });
    let Fields::Named(fields) = &params.fields else {
        return Err("`Params` has no named fields".into());
    };
    if !is_c {
        return Err("`Params` is not `#[repr(C)]`".into());
    }
    let mut offset = 0;
    let mut out = Vec::new();
    for it in &fields.named {
        let name = it.ident.as_ref().map(ToString::to_string);
        out.push((name.unwrap_or_default(), offset));
        offset += size_bytes(&it.ty)?;
    }
    out.push(("(size)".into(), offset));
    Ok(out)
}

/// Every scalar that a uniform may hold has 4 bytes and is aligned to 4, so that offsets are sums of sizes.
fn size_bytes(it: &Type) -> Result<u32, String> {
    match it {
        Type::Path(it)
            if ["u32", "i32", "f32"]
                .iter()
                .any(|name| it.path.is_ident(name)) =>
        {
            Ok(4)
        }
        Type::Array(it) => {
            let Expr::Lit(len) = &it.len else {
                return Err("an array whose length is no literal".into());
            };
            let Lit::Int(len) = &len.lit else {
                return Err("an array whose length is no number".into());
            };
            let len: u32 = len.base10_parse().map_err(|it| it.to_string())?;
            Ok(len * size_bytes(&it.elem)?)
        }
        _ => Err("`Params` holds u32, i32, f32 and arrays of them".into()),
    }
}
