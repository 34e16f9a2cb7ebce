//! Reading and writing at sites: what is put in place is what goes on, and nothing else changes.

#[path = "common/compare.rs"]
mod compare;
#[path = "common/model.rs"]
mod model;

use compare::Tensors;
use gemscope::{
    gpu::GpuOptions,
    model::{Model, ModelError, PlanRequest},
    spec::{Change, Positions, Site, Write},
    sys::{Stop, block_on},
    weights::synth::Preset,
};

/// Two ways of the same sum differ by rounding only.
const ROUNDING: f32 = 2e-5;

fn prompt(n: u32) -> Vec<u32> {
    (0..n)
        .map(|it| if it == 0 { 2 } else { 3 + it * 37 % 500 })
        .collect()
}

fn every_site() -> Vec<Site> {
    Site::all(4)
}

fn apart(a: &Tensors, b: &Tensors, site: Site) -> f32 {
    let (a, b) = (&a[&site.to_string()].values, &b[&site.to_string()].values);
    let largest = b.iter().fold(1e-30_f32, |it, v| it.max(v.abs()));
    let farthest = a
        .iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    farthest / largest
}

fn write(site: Site, positions: Positions, change: Change) -> Write {
    Write {
        site,
        positions,
        change,
    }
}

fn failing(model: &mut Model, ids: &[u32], want: &[Site], writes: &[Write]) -> ModelError {
    let (mut sink, stop) = (|_| (), Stop::default());
    block_on(model.run(ids, want, writes, &mut sink, &stop)).expect_err("it must fail")
}

/// What one run computed, put into another, makes it go on as the first.
#[test]
fn a_replaced_stream_goes_on_as_the_run_it_is_of() {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
        let ids = prompt(40);
        let of_a = model::run(&mut nano, &ids, &every_site(), &[]);
        let other: Vec<u32> = ids.iter().map(|it| (it * 7 + 1) % 512).collect();
        let stream = of_a[&Site::ResidPre(2).to_string()].values.clone();
        let writes = [write(
            Site::ResidPre(2),
            Positions::All,
            Change::Replace(stream),
        )];
        let of_b = model::run(&mut nano, &other, &every_site(), &writes);
        assert!(
            apart(&of_b, &of_a, Site::ResidPost(0)) > 0.1,
            "{way}: the prompts differ before"
        );
        for site in Site::of_layer(2)
            .into_iter()
            .chain(Site::of_layer(3))
            .chain([Site::Logits])
        {
            assert!(apart(&of_b, &of_a, site) == 0.0, "{way}: {site}");
        }
        let last = ids.len() - 1;
        let stop = Stop::default();
        let told = block_on(nano.probs(last..last + 1, 1, &[], &stop)).expect("a distribution");
        let logits = &of_a["logits"].values[last * 512..];
        assert_eq!(
            told[0].top[0].1,
            logits.iter().copied().fold(f32::MIN, f32::max),
            "{way}"
        );
    }
}

/// Every site but the logits takes what it gave, and nothing after it changes beyond rounding.
#[test]
fn a_site_replaced_by_itself_changes_nothing() {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
        let ids = prompt(40);
        let clean = model::run(&mut nano, &ids, &every_site(), &[]);
        for site in [Site::Embed].into_iter().chain(Site::of_layer(1)) {
            let own = clean[&site.to_string()].values.clone();
            let writes = [write(site, Positions::All, Change::Replace(own))];
            let written = model::run(&mut nano, &ids, &every_site(), &writes);
            for after in every_site() {
                let apart = apart(&written, &clean, after);
                assert!(
                    apart < ROUNDING,
                    "{way}: {site} written, {after} differs by {apart:.1e}"
                );
            }
        }
    }
}

#[test]
fn a_vector_is_added_where_it_is_asked_for() {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
        let ids = prompt(40);
        let clean = model::run(&mut nano, &ids, &every_site(), &[]);
        let row: Vec<f32> = (0..64).map(|it| (it as f32 * 0.7).sin() * 5.0).collect();
        for site in [
            Site::AttnOut(1),
            Site::ResidMid(1),
            Site::MlpOut(1),
            Site::ResidPost(1),
            Site::Ln2Normalized(1),
        ] {
            let writes = [write(
                site,
                Positions::Span(20, 29),
                Change::Add(row.clone()),
            )];
            let written = model::run(&mut nano, &ids, &every_site(), &writes);
            let (got, was) = (
                &written[&site.to_string()].values,
                &clean[&site.to_string()].values,
            );
            for (i, (got, was)) in got.iter().zip(was).enumerate() {
                let added = if (20..30).contains(&(i / 64)) {
                    row[i % 64]
                } else {
                    0.0
                };
                assert!(
                    (got - was - added).abs() < 1e-4,
                    "{way}: {site} at {i}: {was} + {added} = {got}"
                );
            }
            assert!(
                apart(&written, &clean, Site::ResidPost(2)) > 1e-3,
                "{way}: {site} reaches what follows"
            );
        }
    }
}

/// A pattern that looks at one's own position only: attention's output is then that of the values alone.
#[test]
fn a_replaced_pattern_decides_where_heads_look() {
    let checkpoint = model::checkpoint(Preset::Nano);
    for (way, options) in model::ways(16 << 10) {
        let Some(gpu) = model::open(&options) else {
            return;
        };
        let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
        let ids = prompt(40);
        let own: Vec<f32> = (0..4 * 40 * 40)
            .map(|it| f32::from(u8::from(it / 40 % 40 == it % 40)))
            .collect();
        let writes = [write(
            Site::Pattern(0),
            Positions::All,
            Change::Replace(own.clone()),
        )];
        let written = model::run(&mut nano, &ids, &every_site(), &writes);
        assert_eq!(
            written[&Site::Pattern(0).to_string()].values,
            own,
            "{way}: the pattern told is the one written"
        );
        // A prompt of that token alone looks nowhere else either.
        for pos in [1, 17, 39] {
            let alone = model::run(&mut nano, &ids[pos..pos + 1], &[Site::AttnOut(0)], &[]);
            let expected = &alone[&Site::AttnOut(0).to_string()].values;
            let got = &written[&Site::AttnOut(0).to_string()].values[pos * 64..][..64];
            let far = got
                .iter()
                .zip(expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(far < 1e-4, "{way}: position {pos} differs by {far}");
        }
    }
}

#[test]
fn writes_that_make_no_sense_are_refused_before_anything_runs() {
    let checkpoint = model::checkpoint(Preset::Nano);
    let Some(gpu) = model::open(&GpuOptions::default()) else {
        return;
    };
    let mut nano = model::load(&gpu, &checkpoint, PlanRequest::default());
    let ids = prompt(5);
    let before = gpu.n_submits();
    let row = Change::Add(vec![0.0; 64]);
    let refused = [
        write(Site::Logits, Positions::All, row.clone()),
        write(Site::Pattern(0), Positions::All, row.clone()),
        write(Site::MlpOut(0), Positions::All, Change::Add(vec![0.0; 63])),
        write(
            Site::MlpOut(0),
            Positions::All,
            Change::Replace(vec![0.0; 64]),
        ),
        write(
            Site::MlpOut(0),
            Positions::All,
            Change::Add(vec![f32::NAN; 64]),
        ),
    ];
    for it in refused {
        let error = failing(&mut nano, &ids, &[], std::slice::from_ref(&it));
        assert!(matches!(error, ModelError::Write { .. }), "{it:?}: {error}");
    }
    let beyond = write(Site::MlpOut(0), Positions::Span(3, 5), row.clone());
    assert!(matches!(
        failing(&mut nano, &ids, &[], &[beyond]),
        ModelError::Positions(_)
    ));
    let no_layer = write(Site::MlpOut(4), Positions::All, row);
    assert!(matches!(
        failing(&mut nano, &ids, &[], &[no_layer]),
        ModelError::Site(_)
    ));
    assert!(matches!(
        failing(&mut nano, &ids, &[Site::ResidPost(4)], &[]),
        ModelError::Site(_)
    ));
    assert!(matches!(
        failing(&mut nano, &[], &[], &[]),
        ModelError::EmptyPrompt
    ));
    assert!(matches!(
        failing(&mut nano, &[2, 512], &[], &[]),
        ModelError::Id {
            id: 512,
            d_vocab: 512
        }
    ));
    assert!(matches!(
        failing(&mut nano, &prompt(8193), &[], &[]),
        ModelError::TooLong { .. }
    ));
    assert_eq!(gpu.n_submits(), before);
}
