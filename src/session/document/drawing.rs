//! A picture as a list of marks on a sheet with title, legend, caption and link, written as SVG. Plain geometry; leaves what is drawn to
//! `map` and `charts`.

use crate::spec::{map_colour, map_shade, visible};
use std::fmt::Write;

/// Of a line of text, and of a letter at most.
pub const LINE: f32 = 15.0;
pub const LETTER: f32 = 6.6;
/// Around everything.
const MARGIN: f32 = 16.0;
/// Between a title and its picture.
const TITLE_GAP: f32 = 7.0;
/// Letters of a title's or caption's line.
const MOST_LETTERS: usize = 96;
/// Of the legend's bar.
const BAR: (f32, f32) = (120.0, 10.0);

/// A picture and what is written around it.
pub struct Sheet<'a> {
    /// Above it.
    pub title: &'a str,
    /// The picture.
    pub body: Body,
    /// What its shades and lengths tell.
    pub legend: Legend,
    /// Below it, a line each.
    pub caption: &'a [String],
    /// Opens the same view.
    pub link: Option<&'a str>,
    /// Whether it is drawn on a dark ground.
    pub dark: bool,
}

/// A picture without its frame.
#[derive(Debug, Default)]
pub struct Body {
    /// Room that it takes.
    pub width: f32,
    pub height: f32,
    /// What is drawn, from its own corner, the lowest first.
    pub marks: Vec<Mark>,
}

/// Something that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A filled box: left, top, width, height.
    Box([f32; 4], Fill),
    /// Its outline.
    Outline([f32; 4]),
    /// A level line: left, height, length.
    Level([f32; 3]),
    /// Text at a place.
    Text([f32; 2], Align, String),
}

/// What a box is filled with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// From the ground, 0, to the ink, 1.
    Shade(f32),
    /// Of what is not known.
    Unknown,
}

/// How text lies to its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Align {
    Start,
    Middle,
    End,
    /// It rises from it.
    Aslant,
}

/// What shades and lengths tell.
#[derive(Debug, Default)]
pub struct Legend {
    /// A bar of shades from 0 to a value, and whether they are logarithmic.
    pub shades: Option<(f32, bool)>,
    /// In words.
    pub words: String,
}

/// Colours as hexadecimal digits.
struct Colours {
    ground: [u8; 3],
    ink: [u8; 3],
    text: &'static str,
    faint: &'static str,
}

const LIGHT: Colours = Colours {
    ground: [255, 255, 255],
    ink: [224, 130, 20],
    text: "#1d1e22",
    faint: "#6b6d75",
};
const DARK: Colours = Colours {
    ground: [22, 23, 27],
    ink: [253, 174, 97],
    text: "#e9e7e3",
    faint: "#9a9ca5",
};

impl Sheet<'_> {
    /// The picture as an SVG.
    pub fn svg(&self) -> String {
        let colours = if self.dark { DARK } else { LIGHT };
        let (title, caption) = (lines(self.title), self.caption_lines());
        let legend = self.legend.text();
        let letters = |it: &[String]| {
            let most = it.iter().map(|it| it.chars().count()).max();
            most.unwrap_or(0) as f32 * LETTER
        };
        let text = letters(&caption).max(letters(&title) * 1.2);
        let bar = self.legend.shades.map_or(0.0, |_| BAR.0 + 6.0);
        let legend_width = bar + legend.chars().count() as f32 * LETTER;
        let inside = self.body.width.max(text).max(legend_width);
        let top = MARGIN + LINE * title.len() as f32 + TITLE_GAP;
        let below = top + self.body.height;
        let width = (2.0 * MARGIN + inside).ceil();
        let height = (below + 3.0 * LINE + LINE * caption.len() as f32 + MARGIN).ceil();
        let mut out = self.begun((width, height), &caption, &colours);
        // Writing into a String can't fail.
        for (at, it) in title.iter().enumerate() {
            let y = MARGIN + LINE * (at as f32 + 0.8);
            let _ = writeln!(
                out,
                "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"13\" font-weight=\"600\">{}</text>",
                escaped(it)
            );
        }
        for it in &self.body.marks {
            put(&mut out, it, (MARGIN, top), &colours);
        }
        for it in self.legend.marks(legend) {
            put(&mut out, &it, (MARGIN, below + LINE), &colours);
        }
        self.put_caption(&mut out, &caption, below);
        out.push_str("</svg>\n");
        out
    }

    fn begun(&self, (width, height): (f32, f32), caption: &[String], colours: &Colours) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"{}\">",
            colours.text
        );
        let _ = writeln!(out, "<title>{}</title>", escaped(self.title));
        let _ = writeln!(out, "<desc>{}</desc>", escaped(&caption.join("; ")));
        let _ = writeln!(
            out,
            "<defs><pattern id=\"unknown\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <path d=\"M0 0V6\" stroke=\"{}\"/></pattern></defs>",
            colours.faint
        );
        let _ = writeln!(
            out,
            "<rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
            hex(colours.ground)
        );
        out
    }

    fn caption_lines(&self) -> Vec<String> {
        let all = self.caption.iter().map(String::as_str).chain(self.link);
        all.flat_map(lines).collect()
    }

    /// The caption; its lines of the link open it, if it is one.
    fn put_caption(&self, out: &mut String, caption: &[String], below: f32) {
        let link = self.link.filter(|it| is_address(it));
        let n_link = self.link.map_or(0, |it| lines(it).len());
        for (n, it) in caption.iter().enumerate() {
            let y = below + LINE * (n as f32 + 3.6);
            let text = format!("<text x=\"{MARGIN}\" y=\"{y}\">{}</text>", escaped(it));
            let _ = match link.filter(|_| n + n_link >= caption.len()) {
                Some(link) => writeln!(out, "<a href=\"{}\">{text}</a>", escaped(link)),
                None => writeln!(out, "{text}"),
            };
        }
    }
}

impl Legend {
    fn text(&self) -> String {
        let words = visible(&self.words);
        match self.shades {
            Some((most, log)) => {
                let kind = if log { ", logarithmic" } else { "" };
                format!("0 to {} · {words}{kind}", rounded(most))
            }
            None => words,
        }
    }

    fn marks(&self, text: String) -> Vec<Mark> {
        const N_STEPS: usize = 12;
        let mut out = Vec::new();
        let mut x = 0.0;
        if let Some((_, log)) = self.shades {
            let step = BAR.0 / N_STEPS as f32;
            for n in 0..N_STEPS {
                let depth = map_shade((n + 1) as f32, N_STEPS as f32, log);
                let place = [step * n as f32, 0.0, step, BAR.1];
                out.push(Mark::Box(place, Fill::Shade(depth)));
            }
            x = BAR.0 + 6.0;
        }
        out.push(Mark::Text([x, BAR.1 - 1.0], Align::Start, text));
        out
    }
}

/// A number as it is read on a picture.
pub fn rounded(it: f32) -> String {
    match it {
        it if it == it.trunc() => it.to_string(),
        it if it.abs() < 0.1 => format!("{it:.4}"),
        it => format!("{it:.2}"),
    }
}

/// A token as a picture shows it, cut to so many letters.
pub fn name(token: &str, most: usize) -> String {
    let shown = visible(token);
    match shown.chars().count() > most {
        true => shown.chars().take(most - 1).chain(['…']).collect(),
        false => shown,
    }
}

fn put(out: &mut String, mark: &Mark, (left, top): (f32, f32), colours: &Colours) {
    let of_box = |[x, y, width, height]: [f32; 4]| {
        let (x, y) = (x + left, y + top);
        format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
    };
    let line = match mark {
        Mark::Box(_, Fill::Shade(0.0)) => return,
        Mark::Box(it, Fill::Shade(depth)) => {
            format!(
                "{} fill=\"{}\"/>",
                of_box(*it),
                hex(map_colour(colours.ground, colours.ink, *depth))
            )
        }
        Mark::Box(it, Fill::Unknown) => format!("{} fill=\"url(#unknown)\"/>", of_box(*it)),
        Mark::Outline(it) => format!(
            "{} fill=\"none\" stroke=\"{}\"/>",
            of_box(*it),
            colours.faint
        ),
        Mark::Level([x, y, width]) => {
            let (x, y) = (x + left, y + top);
            format!(
                "<path d=\"M{x} {y}h{width}\" stroke=\"{}\"/>",
                colours.faint
            )
        }
        Mark::Text([x, y], align, text) => {
            let (x, y, text) = (x + left, y + top, escaped(text));
            let how = match align {
                Align::Start => String::new(),
                Align::Middle => " text-anchor=\"middle\"".into(),
                Align::End => " text-anchor=\"end\"".into(),
                Align::Aslant => format!(" transform=\"rotate(-45 {x} {y})\""),
            };
            format!("<text x=\"{x}\" y=\"{y}\"{how}>{text}</text>")
        }
    };
    out.push_str(&line);
    out.push('\n');
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A text in lines of so many letters.
fn lines(text: &str) -> Vec<String> {
    let letters: Vec<char> = visible(text).chars().collect();
    letters
        .chunks(MOST_LETTERS)
        .map(|it| it.iter().collect())
        .collect()
}

fn is_address(link: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|it| link.starts_with(it))
}

/// Text as XML has it; characters that it can't hold are marked.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in visible(text).chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(it),
        }
    }
    out
}
