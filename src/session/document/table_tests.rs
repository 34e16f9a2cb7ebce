//! Tables as text: free text stays one value, nothing is left out or becomes a formula, numbers keep their digits.

use super::*;
use crate::spec::{LabelsAbout, Precision};

fn origin() -> Origin {
    Origin {
        model: "a/b".into(),
        model_sha256: "ab".into(),
        transcoders_sha256: None,
        precision: Precision::Reference,
        adapter: "an adapter".into(),
        build: "1".into(),
        run: None,
        labels: Some(LabelsAbout {
            made: "by hand".into(),
            date: "2026-01-02".into(),
            ..LabelsAbout::default()
        }),
        link: Some("https://here/#/x".into()),
    }
}

fn written(form: DocumentForm) -> String {
    let origin = origin();
    let table = Table {
        form,
        origin: &origin,
        about: vec![("feature", "1.2".into())],
        tokens: &[],
        name: "things",
        columns: vec!["n", "share", "sum", "word"],
    };
    let rows = [
        vec![
            Cell::Count(7),
            Cell::Single(0.1),
            Cell::Double(0.1),
            Cell::text(" a,\"b\""),
        ],
        vec![
            Cell::Count(8),
            Cell::Single(f32::NAN),
            Cell::known(None),
            Cell::text(""),
        ],
    ];
    let [first, second] = &rows;
    let mut out = table.head();
    out.push_str(&table.rows(std::slice::from_ref(first), true));
    out.push_str(&table.rows(std::slice::from_ref(second), false));
    out + table.tail()
}

#[test]
fn a_table_says_where_it_comes_from_in_each_form() {
    let csv = written(DocumentForm::Csv);
    assert_eq!(
        csv,
        "# model: a/b\n# model_sha256: ab\n# precision: reference\n# adapter: an adapter\n# build: gemscope 1\n\
         # labels_made: by hand\n# labels_date: 2026-01-02\n# link: https://here/#/x\n# feature: 1.2\n\
         n,share,sum,word\n7,0.1,0.1,\" a,\"\"b\"\"\"\n8,NaN,,\n"
    );
    let tsv = written(DocumentForm::Tsv);
    assert!(tsv.ends_with("n\tshare\tsum\tword\n7\t0.1\t0.1\t\" a,\"\"b\"\"\"\n8\tNaN\t\t\n"));
    let json: serde_json::Value = serde_json::from_str(&written(DocumentForm::Json)).expect("JSON");
    assert_eq!(json["origin"]["labels"]["date"], "2026-01-02");
    assert_eq!(json["feature"], "1.2");
    assert_eq!(
        json["things"],
        serde_json::json!([
            { "n": 7, "share": 0.1, "sum": 0.1, "word": " a,\"b\"" },
            { "n": 8, "share": null },
        ])
    );
}

#[test]
fn free_text_stays_one_value() {
    for (given, written) in [
        ("Texas", "Texas"),
        (" capital", "\" capital\""),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("# heading", "\"# heading\""),
        ("line\nbreak\ttab", "line↵break→tab"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("-1,5", "\"'-1,5\""),
        ("@", "'@"),
        ("", ""),
    ] {
        assert_eq!(quoted(given, ','), written);
    }
    assert_eq!(quoted("a b", '\t'), "a b");
}
