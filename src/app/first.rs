//! The page before any program runs: a recorded run as HTML, laid out by the same functions as the views and with their words and
//! classes, so that nothing moves when the program takes over. Leaves putting it into the site to `xtask build`.

use super::{
    desk::{Atlas, Desk},
    map::{self, Grid},
    options::{Group, Metric, Options, Sort},
    panels::Widths,
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
const N_ROWS: usize = 26;
const INK: [u8; 3] = [0xe0, 0x82, 0x14];
const GROUND: [u8; 3] = [0xff, 0xff, 0xff];

/// The HTML of a recording's first run; nothing where there is none.
pub fn first_picture(recording: &Recording) -> String {
    let desk = Desk::new(String::new(), recording.opening());
    let Some(shown) = &desk.shown else {
        return String::new();
    };
    let record = &shown.record;
    [
        bar(record),
        strip_panel(record),
        format!(
            "<main class=\"explore\" data-maximised=\"none\" style=\"--columns: {}\">",
            Widths::default().columns()
        ),
        map_panel(record),
        "<div class=\"divider\"></div>".into(),
        list_panel(record, &desk.atlas),
        "<div class=\"divider\"></div>".into(),
        card_panel(),
        "</main>".into(),
        end(record, &desk.atlas),
    ]
    .concat()
}

/// A button as the views have it; nothing can be pressed before the program is there.
fn button(class: &str, text: &str) -> String {
    format!("<button type=\"button\" class=\"{class}\">{text}</button>")
}

fn select(all: impl Iterator<Item = &'static str>) -> String {
    let options: String = all.map(|it| format!("<option>{it}</option>")).collect();
    format!("<select>{options}</select>")
}

/// The top bar and the session bar.
fn bar(record: &Record) -> String {
    let menu = |name: &str| format!("<details class=\"menu\"><summary>{name}</summary></details>");
    [
        format!(
            "<header class=\"bar\"><h1>Gemscope</h1><p class=\"pitch\">{}</p><p class=\"engine\">{}</p>",
            words::PITCH,
            words::STARTING
        ),
        button("", words::MODEL),
        button("", words::PALETTE),
        button("", words::SHARE),
        button("", words::ABOUT),
        button("", words::THEME_SYSTEM),
        button("", "?"),
        format!(
            "</header><form class=\"session\"><label>{0}</label><textarea rows=\"1\" readonly aria-label=\"{0}\">{1}</textarea><span class=\"faint\">{2}</span>",
            words::PROMPT,
            escaped(&record.prompt),
            words::count(record.n_pos(), "token")
        ),
        button("main", words::RUN),
        button("", words::STOP),
        menu(words::EXAMPLES),
        menu(words::HISTORY),
        "<p class=\"wait\"></p></form>".into(),
    ]
    .concat()
}

fn strip_panel(record: &Record) -> String {
    format!(
        "<section class=\"strip\" aria-label=\"Tokens\"><h2 class=\"unseen\">Tokens</h2><div id=\"tokens\" class=\"tokens\" dir=\"auto\">{}</div>{}\
         <p class=\"faint legend\">{}</p></section>",
        tokens(record),
        candidates(record),
        words::NO_LEGEND
    )
}

fn map_panel(record: &Record) -> String {
    format!(
        "<section class=\"panel map\"><div class=\"head\"><h2>{}</h2><label>{}{}</label><label><input type=\"checkbox\">{}</label>{}</div>\
         <p class=\"faint\"></p>{}<p class=\"faint told\">{}</p></section>",
        words::MAP,
        words::SHADE,
        select(Metric::ALL.iter().map(|it| it.words())),
        words::LOG,
        button("large", "⤢"),
        picture(record),
        words::NOTHING_SELECTED
    )
}

fn list_panel(record: &Record, atlas: &Atlas) -> String {
    let list = rows::list(record, &Kept::default(), &Options::default(), atlas);
    let label = |it: FeatureId| atlas.labels.get(&it)?.label.clone();
    let rows: String = list
        .rows()
        .take(N_ROWS)
        .map(|it| row(it, label(it.feature)))
        .collect();
    let hidden = match list.n_hidden_common {
        0 => String::new(),
        it => format!(
            "<span>{}</span>{}",
            words::hidden(it),
            button("", words::SHOW)
        ),
    };
    format!(
        "<section class=\"panel list\"><div class=\"head\"><h2>{}</h2><label>{}{}</label><label>{}{}</label>{}</div>\
         <input id=\"filter\" type=\"search\" placeholder=\"{}\" aria-label=\"Filter the features\"><p class=\"faint\">{}</p>\
         <p class=\"counts\"><span>{}</span>{hidden}<span></span><span></span></p><p class=\"faint\"></p><div class=\"rows\" id=\"rows\">{rows}</div></section>",
        words::FEATURES,
        words::SORT,
        select(Sort::ALL.iter().map(|it| it.words())),
        words::GROUP,
        select(Group::ALL.iter().map(|it| it.words())),
        button("large", "⤢"),
        words::FILTER,
        words::NOTHING_SELECTED,
        words::count(list.n_rows, "feature"),
    )
}

fn card_panel() -> String {
    let buttons = ["‹", "›"].map(|it| button("", it)).concat();
    format!(
        "<section class=\"panel card\"><div class=\"head\"><h2>{}</h2>{buttons}{}</div><form class=\"go\"><label>{to}</label>\
         <input placeholder=\"{}\" aria-label=\"{to}\">{}<span class=\"alarm\"></span></form><p class=\"faint\">{}</p></section>",
        words::FEATURE,
        button("large", "⤢"),
        words::GO_HINT,
        button("", words::GO),
        words::NO_CARD,
        to = words::GO_TO,
    )
}

/// What is below the panels.
fn end(record: &Record, atlas: &Atlas) -> String {
    let list = rows::list(record, &Kept::default(), &Options::default(), atlas);
    format!(
        "<section aria-label=\"How it is explained\"><details class=\"explain\"><summary>{}</summary></details></section>\
         <footer class=\"status\"><span>{}</span><span>{}</span><span></span>{}</footer>",
        words::EXPLAIN,
        words::RECORDED,
        words::activations(record.n_active(), list.n_hidden_common),
        button("", words::COPY_REPORT)
    )
}

fn tokens(record: &Record) -> String {
    let token = |(pos, it): (usize, strip::Shown)| {
        let class = match (pos, it.joined) {
            (0, _) => "token bos",
            (_, true) => "token joined",
            _ => "token",
        };
        button(class, &escaped(&it.text)) + if it.breaks { "<br>" } else { "" }
    };
    let all = strip::shown(&record.tokens, false);
    all.into_iter().enumerate().map(token).collect()
}

fn candidates(record: &Record) -> String {
    let top = record.next.get(&record.last()).map(|it| it.top.as_slice());
    let aimed = top.and_then(|it| it.first()).map(|it| it.id);
    let candidate = |it: &crate::session::protocol::Probability| {
        format!(
            "<span class=\"candidate{}\">{}<span class=\"share\">{}</span>{}</span>",
            if aimed == Some(it.id) { " aimed" } else { "" },
            button("token", &escaped(&strip::name(it.id, &it.piece))),
            strip::percent(it.probability),
            button("aim", "◎")
        )
    };
    let all: String = top
        .unwrap_or_default()
        .iter()
        .take(N_CANDIDATES)
        .map(candidate)
        .collect();
    format!(
        "<div class=\"next\" id=\"next\"><span class=\"faint\">{}</span>{all}{}<span class=\"tokens\"></span></div>",
        words::NEXT,
        button("", words::CONTINUE)
    )
}

/// The map: squares of one colour each between the names of layers and tokens, and the bars of both.
fn picture(record: &Record) -> String {
    let grid = map::grid(record, Metric::Count, None, &[]);
    let layout = map::Layout::fit(grid.n_pos, grid.n_layers, map::ROOM_PX);
    let (layers, columns, bars) = (
        layer_names(&grid, &layout),
        column_names(record, &layout),
        column_bars(&grid, &layout),
    );
    let size = format!("width:{}px;height:{}px", layout.width(), layout.height());
    format!(
        "<div class=\"scroll map-scroll\"><div class=\"map-grid\">{layers}<div class=\"map-body\">{columns}<div class=\"map-cells\" style=\"{size}\">{}</div>{bars}</div></div></div>",
        squares(&grid, &layout)
    )
}

fn squares(grid: &Grid, layout: &map::Layout) -> String {
    let pixels = map::pixels(grid, INK, GROUND, false);
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

fn layer_names(grid: &Grid, layout: &map::Layout) -> String {
    let shares = map::layer_shares(grid);
    let name = |layer: usize| {
        let share = &shares[layer];
        format!(
            "<button type=\"button\" class=\"layer\" style=\"--share: {share}\">L{layer}</button>"
        )
    };
    let all: String = (0..shares.len()).rev().map(name).collect();
    let height = layout.cell_height;
    format!("<div class=\"layers\" style=\"--cell: {height}px\">{all}</div>")
}

fn column_names(record: &Record, layout: &map::Layout) -> String {
    let all = strip::shown(&record.tokens, false);
    let name = |(pos, it): (usize, strip::Shown)| {
        let text = if layout.names(pos) {
            it.text.trim()
        } else {
            ""
        };
        button(
            "column",
            &format!("<span dir=\"auto\">{}</span>", escaped(text)),
        )
    };
    let all: String = all.into_iter().enumerate().map(name).collect();
    let width = layout.cell_width;
    format!("<div class=\"columns\" style=\"--cell: {width}px\">{all}</div>")
}

fn column_bars(grid: &Grid, layout: &map::Layout) -> String {
    let bar = |it: String| format!("<span style=\"--share: {it}\"></span>");
    let all: String = map::token_shares(grid).into_iter().map(bar).collect();
    let width = layout.cell_width;
    format!("<div class=\"bars\" aria-hidden=\"true\" style=\"--cell: {width}px\">{all}</div>")
}

fn row(it: &Row, label: Option<String>) -> String {
    format!(
        "<div class=\"row\"><span>{}</span><span class=\"name\"><button type=\"button\" class=\"feature\"><span class=\"id\">L{}/{}</span>\
         <span class=\"label\">{}</span></button></span><span class=\"number\">{}</span><span class=\"number\">{:.0} %</span></div>",
        button("pin", "○"),
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
