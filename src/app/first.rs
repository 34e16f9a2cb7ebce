//! The page before any program runs: a recorded run as HTML, laid out by the same functions as the views and with their words and
//! classes, so that nothing moves when the program takes over. Leaves putting it into the site to `xtask build`.

use super::{
    desk::Desk,
    map,
    options::{Metric, Options},
    record::Record,
    recorded::Recording,
    rows::{self, Row},
    selection::Kept,
    strip, words,
};
use crate::session::protocol::FeatureId;
use std::fmt::Write;

/// Candidates and rows that are in view.
const N_CANDIDATES: usize = 5;
const N_ROWS: usize = 16;
const INK: [u8; 3] = [0xe0, 0x82, 0x14];
const GROUND: [u8; 3] = [0xff, 0xff, 0xff];

/// The HTML of a recording's first run; nothing where there is none.
pub fn first_picture(recording: &Recording) -> String {
    let desk = Desk::new(String::new(), recording.opening());
    let Some(shown) = &desk.shown else {
        return String::new();
    };
    let record = &shown.record;
    let list = rows::list(record, &Kept::default(), &Options::default(), &*desk.atlas);
    let label = |it: FeatureId| desk.atlas.labels.get(&it)?.label.clone();
    let n = words::count(list.n_rows, "feature");
    let rows: String = list
        .rows()
        .take(N_ROWS)
        .map(|it| row(it, label(it.feature)))
        .collect();
    format!(
        "<header class=\"bar\"><h1>Gemscope</h1><p class=\"pitch\">{}</p><p class=\"engine\">The engine is starting.</p></header>\
         <div class=\"session\"><label>Prompt</label><textarea rows=\"1\" readonly aria-label=\"Prompt\">{}</textarea>\
         <span class=\"faint\">{}</span></div>\
         <section class=\"strip\" aria-label=\"Tokens\"><div id=\"tokens\" class=\"tokens\" dir=\"auto\">{}</div>{}</section>\
         <main class=\"explore\"><section class=\"panel map\"><div class=\"head\"><h2>Layers by tokens</h2></div>{}</section>\
         <section class=\"panel list\"><div class=\"head\"><h2>Features</h2></div><p class=\"faint\">{}</p><p class=\"counts\">{n}</p>\
         <div class=\"rows\" id=\"rows\">{rows}</div></section>\
         <section class=\"panel card\"><div class=\"head\"><h2>Feature</h2></div><p class=\"faint\">{}</p></section></main>\
         <footer class=\"status\"><span>{}</span></footer>",
        words::PITCH,
        escaped(&record.prompt),
        words::count(record.n_pos(), "token"),
        tokens(record),
        candidates(record),
        picture(record),
        words::NOTHING_SELECTED,
        words::NO_CARD,
        words::RECORDED,
    )
}

fn tokens(record: &Record) -> String {
    let token = |it: strip::Shown| format!("<span class=\"token\">{}</span>", escaped(&it.text));
    strip::shown(&record.tokens, false)
        .into_iter()
        .map(token)
        .collect()
}

fn candidates(record: &Record) -> String {
    let top = record.next.get(&record.last()).map(|it| it.top.as_slice());
    let candidate = |it: &crate::session::protocol::Probability| {
        format!(
            "<span class=\"candidate\"><span class=\"token\">{}</span><span class=\"share\">{}</span><span class=\"aim\">◎</span></span>",
            escaped(&strip::name(it.id, &it.piece)),
            strip::percent(it.probability)
        )
    };
    let all: String = top
        .unwrap_or_default()
        .iter()
        .take(N_CANDIDATES)
        .map(candidate)
        .collect();
    format!("<div class=\"next\" id=\"next\"><span class=\"faint\">Next</span>{all}</div>")
}

/// The map as squares of one colour each.
fn picture(record: &Record) -> String {
    let grid = map::grid(record, Metric::Count, None, &[]);
    let layout = map::Layout::fit(grid.n_pos, grid.n_layers, map::ROOM_PX);
    let pixels = map::pixels(&grid, INK, GROUND, false);
    let mut out = format!(
        "<svg width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"How many features fire, layers by tokens\">",
        layout.width(),
        layout.height()
    );
    for (at, it) in pixels.as_chunks::<4>().0.iter().enumerate() {
        let layer = grid.n_layers - 1 - at / grid.n_pos;
        let (x, y, width, height) = layout.cell(layer, at % grid.n_pos);
        let [red, green, blue, _] = it;
        // Writing into a string does not fail.
        let _ = write!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/>"
        );
    }
    out + "</svg>"
}

fn row(it: &Row, label: Option<String>) -> String {
    format!(
        "<div class=\"row\"><span class=\"pin\">○</span><span class=\"name feature\"><span class=\"id\">L{}/{}</span><span class=\"label\">{}</span></span>\
         <span class=\"number\">{}</span><span class=\"number\">{:.0} %</span></div>",
        it.feature.layer,
        it.feature.index,
        escaped(&label.unwrap_or_else(|| "—".into())),
        strip::number(it.activation),
        100.0 * it.share
    )
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(it),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that `cargo xtask record` wrote, and the runs it was made from.
    const FIRST: &str = include_str!("../../www/first.html");
    const RECORDED: &str = include_str!("../../www/recorded.json");

    #[test]
    fn what_the_site_carries_is_what_the_views_would_show_now() {
        let recording = Recording::read(RECORDED);
        assert_eq!(recording.runs.len(), 8);
        let picture = first_picture(&recording);
        assert!(picture.contains("Dallas") && picture.contains("Austin"));
        assert!(
            picture == FIRST.trim_end(),
            "`cargo xtask record --html-only` writes it anew"
        );
    }

    #[test]
    fn text_is_never_html() {
        assert_eq!(escaped("<b a=\"&\">"), "&lt;b a=&quot;&amp;&quot;&gt;");
        assert!(first_picture(&Recording::default()).is_empty());
    }
}
