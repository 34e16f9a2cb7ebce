//! `cargo xtask record`: runs the examples on the demo model as the page does, and writes what the page carries: the recorded runs, and
//! the page's own HTML with the first of them.

use anyhow::{Context, Result, anyhow};
use gemscope::{
    app::{Desk, Hint, Parts, Prompt, Purpose, Question, Recording, first_picture},
    session::{
        Client, EngineOptions, Told,
        protocol::{Event, EventBody},
    },
};
use std::{collections::VecDeque, fs, path::Path};
use xtask::place;

/// Candidates kept of each position.
const N_KEPT: usize = 5;

/// Arguments of `record`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only the page's HTML anew, from the runs that are there.
    #[arg(long)]
    html_only: bool,
}

#[derive(serde::Deserialize)]
struct Examples {
    examples: Vec<Hint>,
}

/// Records.
pub fn run(arguments: &Arguments) -> Result<()> {
    let demo = place::root().join("www/demo");
    let path = place::root().join("www/recorded.json");
    let recording = match arguments.html_only {
        true => serde_json::from_slice(&fs::read(&path)?)?,
        false => recorded(&demo)?,
    };
    fs::write(&path, serde_json::to_string(&recording)? + "\n")?;
    fs::write(
        place::root().join("www/first.html"),
        first_picture(&recording) + "\n",
    )?;
    println!("{}: {} runs", path.display(), recording.runs.len());
    Ok(())
}

fn recorded(demo: &Path) -> Result<Recording> {
    let examples: Examples = serde_json::from_slice(&fs::read(demo.join("examples.json"))?)?;
    let mut client = Client::start(EngineOptions::default()).map_err(|it| anyhow!("{it:?}"))?;
    let base = demo.parent().context("the folder of the site")?;
    let mut desk = Desk::new(base.display().to_string(), None);
    let first = desk.start();
    answer(&mut client, &mut desk, first)?;
    let mut out = Recording {
        made: desk.atlas.made.clone(),
        examples: examples.examples,
        ..Recording::default()
    };
    for hint in &out.examples {
        let prompt = Prompt {
            text: hint.prompt.clone(),
            ids: None,
        };
        let questions = desk.run(prompt, 0.0).1;
        answer(&mut client, &mut desk, questions)?;
        let shown = desk.shown.clone().context("a run")?;
        let mut record = (*shown.record).clone();
        for it in record.next.values_mut() {
            it.top.truncate(N_KEPT);
        }
        out.runs.push(record);
    }
    let fired = out.runs.iter().flat_map(|it| &it.firings);
    let mut fired: Vec<_> = fired.map(|it| it.feature()).collect();
    fired.sort_unstable();
    fired.dedup();
    let label = |it| Some((it, desk.atlas.labels.get(&it)?.clone()));
    out.labels = fired.into_iter().filter_map(label).collect();
    Ok(out)
}

/// Asks, and asks what follows from the answers, until nothing does.
fn answer(client: &mut Client, desk: &mut Desk, questions: Vec<Question>) -> Result<()> {
    let mut waiting: VecDeque<Question> = questions.into();
    let mut id = 0;
    while let Some(Question { purpose, body }) = waiting.pop_front() {
        id += 1;
        desk.posted(id, purpose.clone());
        let mut fold = |body: EventBody, parts: Vec<Vec<u8>>| {
            waiting.extend(desk.fold(Event { id, seq: 0, body }, &Parts(parts), 0.0));
        };
        let outcome = client.call(body, &mut |it| {
            if let Told::Partial(it, parts) = it {
                fold(EventBody::Partial(it), parts);
            }
        });
        match outcome {
            Ok(it) => fold(EventBody::Done(it), vec![]),
            Err(it) if purpose == Purpose::Describe => return Err(anyhow!("{it:?}")),
            Err(it) => return Err(anyhow!("{purpose:?}: {it:?}")),
        }
    }
    Ok(())
}
