//! The picture of the map: what must be in it, what must not, and what it refuses.

use super::*;

fn map() -> MapPicture {
    MapPicture {
        title: "The <capital> & \"more\"".into(),
        tokens: ["⟨bos⟩", " The", " a token that is far too long", "\n"]
            .map(String::from)
            .into(),
        n_layers: 2,
        cells: vec![
            Some(90.0),
            Some(0.0),
            Some(1.5),
            None,
            Some(0.0),
            Some(3.0),
            Some(0.0),
            Some(0.75),
        ],
        legend: "strongest activation".into(),
        caption: vec!["Gemma 2 2B, precise".into(), "llvmpipe".into()],
        link: Some("https://example.org/#/x?t=1&l=2".into()),
        ..MapPicture::default()
    }
}

fn n(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

#[test]
fn it_holds_map_legend_caption_and_link() {
    let svg = svg(&map()).expect("a picture");
    for part in [
        "The &lt;capital&gt; &amp; &quot;more&quot;",
        "strongest activation",
        "0 to 3 ·",
        "Gemma 2 2B, precise",
        "llvmpipe",
        "<a href=\"https://example.org/#/x?t=1&amp;l=2\">",
        ">L0</text>",
        ">L1</text>",
        "> a token that…</text>",
        ">↵</text>",
    ] {
        assert!(svg.contains(part), "{part}: {svg}");
    }
    // Four cells say something, one is not known; the strongest has the ink itself.
    assert_eq!(n(&svg, "height=\"16\""), 5);
    assert_eq!(n(&svg, "fill=\"url(#unknown)\""), 1);
    assert_eq!(
        n(&svg, "height=\"16\" fill=\"#e08214\""),
        2,
        "the first token's is cut off at the scale"
    );
    assert_eq!(n(&svg, "<text"), n(&svg, "</text>"));
}

#[test]
fn the_highest_layer_is_on_top() {
    let of = |cells: Vec<Option<f32>>| {
        let it = svg(&MapPicture {
            tokens: vec!["a".into()],
            n_layers: 2,
            cells,
            ..MapPicture::default()
        })
        .expect("a picture");
        let at = it.find("height=\"16\"").expect("a cell");
        let start = it[..at].rfind(" y=\"").expect("a place") + 4;
        let end = it[start..].find('"').expect("an end");
        it[start..start + end].parse::<f32>().expect("a number")
    };
    let (low, high) = (
        of(vec![Some(1.0), Some(0.0)]),
        of(vec![Some(0.0), Some(1.0)]),
    );
    assert_eq!(low - high, 16.0);
}

#[test]
fn hostile_text_stays_text() {
    let hostile = MapPicture {
        link: Some("javascript:alert(1)".into()),
        caption: vec!["</text><script>alert(1)</script>".into()],
        tokens: ["\u{0}", "\u{fffe}", "]]>", "<a>"].map(String::from).into(),
        ..map()
    };
    let svg = svg(&hostile).expect("a picture");
    assert!(
        !svg.contains("<script")
            && !svg.contains("href")
            && !svg.contains('\u{fffe}')
            && !svg.contains('\u{0}'),
        "{svg}"
    );
}

#[test]
fn empty_and_odd_maps() {
    assert!(svg(&MapPicture::default()).is_ok());
    let nan = MapPicture {
        cells: vec![Some(f32::NAN), Some(f32::INFINITY), Some(-1.0), None],
        tokens: vec!["a".into(); 4],
        n_layers: 1,
        ..MapPicture::default()
    };
    assert!(!svg(&nan).expect("a picture").contains("NaN"));
    let short = MapPicture {
        cells: vec![None],
        ..map()
    };
    assert!(matches!(svg(&short), Err(DocumentTrouble::Cells { .. })));
    let vast = MapPicture {
        n_layers: usize::MAX,
        ..map()
    };
    assert!(matches!(svg(&vast), Err(DocumentTrouble::Cells { .. })));
    let n_pos = MOST_CELLS / 2 + 1;
    let large = MapPicture {
        tokens: vec![String::new(); n_pos],
        cells: vec![None; 2 * n_pos],
        ..map()
    };
    assert!(matches!(svg(&large), Err(DocumentTrouble::TooLarge { .. })));
}
