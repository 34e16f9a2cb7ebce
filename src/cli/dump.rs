//! `gemscope dump`: activations of a prompt, written to a safetensors file as they come.

use super::args::{Dump, Global};
use super::dump_dense::{self, Dense};
use super::open::{self, Opened, Ran};
use super::report::{Report, failure};
use super::session::Session;
use super::table::{bytes, table};
use super::tensor_in;
use super::tensor_out::{Draft, Entry, TensorFile};
use super::{grammar, scope};
use crate::session::protocol::{Array, Change, CommandBody, Failure, Partial, What, Write};
use crate::spec::{Config, DType, Positions, Site};
use serde_json::json;

/// Bytes of every number that a dump holds.
const NUMBER_BYTES: usize = 4;

/// `gemscope dump`. With interventions or a splice it is of the run with these.
pub fn run(args: &Dump, global: &Global) -> Result<Report, Failure> {
    let variation = scope::variation(&args.changes, args.splice.as_deref(), &args.model.scope)?;
    let request = match variation {
        Some(_) => scope::request(&args.model, &scope::BOTH)?,
        None => open::request(&args.model)?,
    };
    let dense = dump_dense::wanted(&request)?;
    let input = open::prompt(&args.prompt, &request.model)?;
    let sites = args.sites.as_deref().map(grammar::sites).transpose()?;
    let writes = writes(args)?;
    let draft = Draft::new(&args.out)?;
    let mut session = Session::start(global)?;
    let model = open::open(&mut session, request)?;
    let sites = within(sites, &model.config)?;
    let dense = dense.within(&model);
    let want = match variation {
        Some(_) => vec![],
        None => sites.clone(),
    };
    let mut ran = open::run(&mut session, input, want, writes)?;
    if let Some(it) = &variation {
        ran.run = scope::derive(&mut session, ran.run, it, sites.clone())?;
    }
    let mut entries = entries(&sites, &model.config, ran.tokens.len());
    entries.extend(dense.entries(ran.tokens.len()));
    let file = draft.with_tensors(entries.clone(), &metadata(&model, args))?;
    let size_bytes = fill(&mut session, file, &ran, (sites, dense))?;
    Ok(report(args, &ran, &entries, size_bytes))
}

/// Asks for the sites and the dense arrays, and puts what comes into the file.
fn fill(
    session: &mut Session,
    mut file: TensorFile,
    ran: &Ran,
    (sites, dense): (Vec<Site>, Dense),
) -> Result<u64, Failure> {
    let ids: Vec<u8> = ran
        .tokens
        .iter()
        .flat_map(|it| it.id.to_le_bytes())
        .collect();
    file.put("ids", 0, &ids)?;
    let n_pos = ran.tokens.len();
    let questions = [Some(What::Site(sites)), dense.question()];
    for what in questions.into_iter().flatten() {
        let body = CommandBody::Ask {
            run: ran.run.clone(),
            what,
            positions: Positions::All,
        };
        session.call_with(body, &mut |it, parts| {
            let (name, first, array) = match it {
                Partial::Site { site, first, array } => (site.to_string(), first, array),
                Partial::Dense {
                    layer,
                    dense,
                    first,
                    array,
                } => (dump_dense::name(layer, dense), first, array),
                _ => return Ok(()),
            };
            let bytes = parts.get(array.part).map_or(&[][..], Vec::as_slice);
            put(&mut file, (&name, first, n_pos), &array, bytes)
        })?;
    }
    file.finish()
}

/// Puts a piece of an array into its place: rows of one block, or of one block per head for a pattern.
fn put(
    file: &mut TensorFile,
    (name, first, n_pos): (&str, usize, usize),
    array: &Array,
    bytes: &[u8],
) -> Result<(), Failure> {
    let (n_outer, n_rows, width) = match array.shape[..] {
        [n_outer, n_rows, width] => (n_outer, n_rows, width),
        [n_rows, width] => (1, n_rows, width),
        _ => (0, 0, 0),
    };
    let n_bytes = [n_outer, n_rows, width].iter().product::<usize>() * NUMBER_BYTES;
    if array.dtype != DType::F32 || n_bytes != bytes.len() || n_bytes == 0 {
        let what = format!("The engine told `{name}` in a form that is none of the protocol.");
        return Err(failure(what, "Please report this."));
    }
    let row_bytes = width * NUMBER_BYTES;
    for (outer, block) in bytes.chunks(n_rows * row_bytes).enumerate() {
        let at = (outer * n_pos + first) * row_bytes;
        file.put(name, at as u64, block)?;
    }
    Ok(())
}

/// The sites asked for, or all, if the model has them.
fn within(sites: Option<Vec<Site>>, config: &Config) -> Result<Vec<Site>, Failure> {
    let Some(sites) = sites else {
        return Ok(Site::all(config.n_layers));
    };
    let within = |it: Site| {
        let site = it.within(config.n_layers);
        site.map_err(|it| {
            failure(
                format!("There is no such site: {it}."),
                "`gemscope sites --model DIR` lists them.",
            )
        })
    };
    sites.into_iter().map(within).collect()
}

/// What the arguments write into the pass.
fn writes(args: &Dump) -> Result<Vec<Write>, Failure> {
    let add = args.add.iter().map(|it| write(it, Change::Add));
    let replace = args.replace.iter().map(|it| write(it, Change::Replace));
    add.chain(replace).collect()
}

fn write(text: &str, change: fn(Vec<f32>) -> Change) -> Result<Write, Failure> {
    let it = grammar::write(text)?;
    Ok(Write {
        site: it.site,
        positions: it.positions,
        change: change(tensor_in::read(&it.file, &it.tensor)?),
    })
}

/// What the file will hold; tensors are named by their TransformerLens paths.
fn entries(sites: &[Site], config: &Config, n_pos: usize) -> Vec<Entry> {
    let shape = |site: Site| match site {
        Site::Pattern(_) => vec![config.n_heads, n_pos, n_pos],
        Site::Logits => vec![n_pos, config.d_vocab],
        _ => vec![n_pos, config.d_model],
    };
    let ids = Entry {
        name: "ids".into(),
        dtype: DType::I32,
        shape: vec![n_pos],
    };
    let sites = sites.iter().map(|it| Entry {
        name: it.to_string(),
        dtype: DType::F32,
        shape: shape(*it),
    });
    std::iter::once(ids).chain(sites).collect()
}

/// Values are strings, as the format has it.
fn metadata(model: &Opened, args: &Dump) -> serde_json::Value {
    let mut out = json!({
        "producer": concat!("gemscope ", env!("CARGO_PKG_VERSION")),
        "precision": model.plan.precision.to_string(),
        "fingerprint": model.fingerprint,
    });
    if !args.changes.intervene.is_empty() {
        out["interventions"] = args.changes.intervene.join(" ").into();
        out["mode"] = args.changes.mode.unwrap_or_default().to_string().into();
    }
    if let Some(it) = &args.splice {
        out["splice"] = it.clone().into();
    }
    out
}

fn report(args: &Dump, ran: &Ran, entries: &[Entry], size_bytes: u64) -> Report {
    let out = args.out.display().to_string();
    let shape = |it: &Entry| {
        let sizes: Vec<String> = it.shape.iter().map(usize::to_string).collect();
        format!("[{}]", sizes.join(", "))
    };
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|it| vec![it.name.clone(), shape(it)])
        .collect();
    let tensors = entries
        .iter()
        .map(|it| json!({ "name": it.name, "dtype": it.dtype, "shape": it.shape }));
    let text = format!(
        "{}\n{} tensors of {} positions, {}, in {out}\n",
        table(&["tensor", "shape"], &rows),
        entries.len(),
        ran.tokens.len(),
        bytes(size_bytes)
    );
    let tensors: Vec<serde_json::Value> = tensors.collect();
    Report {
        text,
        json: json!({ "out": out, "size_bytes": size_bytes, "tokens": ran.tokens, "tensors": tensors }),
    }
}
