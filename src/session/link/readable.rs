//! The readable form, `/x?p=The%20capital&t=8`: keys that people can write, stable for ever. Leaves long views to `packed`.

use super::{
    features::number,
    notes::{Notes, quoted},
    packed, route,
};
use crate::spec::{Input, LinkedIntervention, MapWords, OwnLabel, Pin, View};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What no program turns into something else when it finds an address in a text.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Keys of lenses that are not there, and of what links never hold.
const ELSEWHERE: [(&str, &str); 10] = [
    ("g", "generation"),
    ("tg", "circuits"),
    ("keep", "circuits"),
    ("edge", "circuits"),
    ("dens", "circuits"),
    ("sn", "circuits"),
    ("steer", "steering"),
    ("mode", "steering"),
    ("bos", "prompts without BOS"),
    ("logitDiff", "circuits"),
];

/// The path and keys of a view.
pub fn write(view: &View) -> String {
    let pairs: Vec<String> = pairs(view)
        .into_iter()
        .filter(|it| !it.1.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let path = route::path(view.route);
    match pairs.is_empty() {
        true => path,
        false => format!("{path}?{}", pairs.join("&")),
    }
}

/// Puts what the text says into the view; whether it has any key that is understood.
pub fn read(text: &str, view: &mut View, notes: &mut Notes) -> bool {
    let (path, keys) = text.split_once('?').unwrap_or((text, ""));
    match route::parse(path) {
        // A packed view has said its screen itself.
        Some(it) if !path.is_empty() => view.route = it,
        Some(_) => (),
        None => notes.add(format!(
            "There is no screen {}; Explore is shown in its place.",
            quoted(path)
        )),
    }
    let mut any = false;
    for pair in keys.split('&').filter(|it| !it.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match take(view, key, value) {
            Ok(()) => any = true,
            Err(it) => notes.add(it),
        }
    }
    any
}

/// What a key may be unread for, as a note.
type Unread = String;

fn pairs(view: &View) -> Vec<(&'static str, String)> {
    let (text, ids) = match &view.prompt {
        Some(Input::Text(it)) => (escaped(it), String::new()),
        Some(Input::Ids(it)) => (String::new(), joined(it, ".")),
        None => (String::new(), String::new()),
    };
    let some = |it: Option<usize>| it.map_or_else(String::new, |it| it.to_string());
    let word = |it: &Option<String>| it.as_deref().map_or_else(String::new, escaped);
    let off = |it: bool| if it { "0".into() } else { String::new() };
    let embed = &view.embed;
    vec![
        ("p", text),
        ("ids", ids),
        ("run", word(&view.example)),
        ("src", word(&view.source)),
        ("t", some(view.token)),
        ("l", some(view.layer)),
        (
            "f",
            view.feature.map_or_else(String::new, |it| it.to_string()),
        ),
        ("pin", joined(view.pins.iter().map(pin), ",")),
        (
            "i",
            joined(view.interventions.iter().map(intervention), ","),
        ),
        ("lb", joined(view.labels.iter().map(label), ",")),
        ("v", map_words(&view.map)),
        (
            "m",
            view.model
                .as_ref()
                .map_or_else(String::new, |it| escaped(&it.to_string())),
        ),
        ("graph", word(&view.graph)),
        (
            "w",
            view.witness
                .as_ref()
                .map_or_else(String::new, packed::write_witness),
        ),
        ("plots", off(embed.no_plots)),
        ("examples", off(embed.no_examples)),
        ("head", off(embed.no_head)),
        ("theme", word(&embed.theme)),
    ]
}

fn take(view: &mut View, key: &str, raw: &str) -> Result<(), Unread> {
    let elsewhere = ELSEWHERE.iter().find(|it| it.0 == key);
    if let Some((_, what)) = elsewhere {
        return Err(format!(
            "`{key}` is about {what}, which is not there yet; it was left out."
        ));
    }
    let text = || unescaped(raw).ok_or_else(|| unread(key, raw));
    match key {
        // Tokens say more exactly what was meant.
        "p" if matches!(view.prompt, Some(Input::Ids(_))) => (),
        "p" => view.prompt = Some(Input::Text(text()?)),
        "ids" => {
            view.prompt = Some(Input::Ids(list(key, raw, &['.', ','], |it| {
                it.parse().ok()
            })?))
        }
        "run" => view.example = Some(text()?),
        "src" => view.source = Some(text()?),
        "graph" => view.graph = Some(text()?),
        "t" => view.token = Some(number(raw).ok_or_else(|| unread(key, raw))?),
        "l" => view.layer = Some(number(raw).ok_or_else(|| unread(key, raw))?),
        "f" => view.feature = Some(text()?.parse().map_err(|_| unread(key, raw))?),
        "pin" => view.pins = list(key, raw, &[','], read_pin)?,
        "i" => view.interventions = list(key, raw, &[','], read_intervention)?,
        "lb" => view.labels = labels(key, raw)?,
        "v" => view.map = read_map_words(&text()?),
        "m" => view.model = Some(text()?.parse().map_err(|_| unread(key, raw))?),
        "w" => view.witness = Some(packed::read_witness(raw).ok_or_else(|| unread(key, raw))?),
        "plots" => view.embed.no_plots = raw == "0",
        "examples" => view.embed.no_examples = raw == "0",
        "head" => view.embed.no_head = raw == "0",
        "theme" => view.embed.theme = Some(text()?),
        _ => {
            return Err(format!(
                "{} is not known here; it was left out.",
                quoted(key)
            ));
        }
    }
    Ok(())
}

fn unread(key: &str, raw: &str) -> Unread {
    format!("`{key}` can't be {}; it was left out.", quoted(raw))
}

fn pin(it: &Pin) -> String {
    match it.pos {
        Some(pos) => format!("{}@{pos}", it.feature),
        None => it.feature.to_string(),
    }
}

fn read_pin(text: &str) -> Option<Pin> {
    let (feature, pos) = match text.split_once('@') {
        Some((feature, pos)) => (feature, Some(number(pos)?)),
        None => (text, None),
    };
    let feature = feature.parse().ok()?;
    Some(Pin { feature, pos })
}

/// In the grammar of commands; `~` at its end says that it rests.
fn intervention(it: &LinkedIntervention) -> String {
    let rests = if it.paused { "~" } else { "" };
    format!("{}{rests}", it.intervention)
}

fn read_intervention(text: &str) -> Option<LinkedIntervention> {
    let active = text.strip_suffix('~');
    Some(LinkedIntervention {
        intervention: active.unwrap_or(text).parse().ok()?,
        paused: active.is_some(),
    })
}

fn label(it: &OwnLabel) -> String {
    format!("{}:{}", it.feature, escaped(&it.text))
}

/// Split before it is unescaped: a label may hold commas.
fn labels(key: &str, raw: &str) -> Result<Vec<OwnLabel>, Unread> {
    let one = |it: &str| {
        let (feature, text) = it.split_once(':')?;
        let (feature, text) = (feature.parse().ok()?, unescaped(text)?);
        Some(OwnLabel { feature, text })
    };
    let parts = raw.split(',').filter(|it| !it.is_empty());
    parts
        .map(|it| one(it).ok_or_else(|| unread(key, it)))
        .collect()
}

fn map_words(it: &MapWords) -> String {
    let words = [&it.metric, &it.sort, &it.group].map(|it| it.as_deref().unwrap_or_default());
    words.join(",").trim_end_matches(',').into()
}

fn read_map_words(text: &str) -> MapWords {
    let mut words = text
        .splitn(3, ',')
        .map(|it| (!it.is_empty()).then(|| it.to_string()));
    let mut next = || words.next().flatten();
    MapWords {
        metric: next(),
        sort: next(),
        group: next(),
    }
}

/// A list of things without free text in them; also where a program has escaped what stands between them.
fn list<T>(
    key: &str,
    raw: &str,
    between: &[char],
    one: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Unread> {
    let text = unescaped(raw).ok_or_else(|| unread(key, raw))?;
    let parts = text.split(between).filter(|it| !it.is_empty());
    parts
        .map(|it| one(it).ok_or_else(|| unread(key, it)))
        .collect()
}

fn joined(parts: impl IntoIterator<Item = impl ToString>, between: &str) -> String {
    let parts: Vec<String> = parts.into_iter().map(|it| it.to_string()).collect();
    parts.join(between)
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// None where it is no text.
fn unescaped(raw: &str) -> Option<String> {
    let text = percent_decode_str(raw).decode_utf8().ok()?;
    Some(text.into_owned())
}
