//! Commands while the model arrives: what is answered, how far runs are, what errors name. Needs an adapter, except where that is
//! allowed.

use super::{
    arrival_bench::{Bench, IDS},
    open::Open,
    protocol::*,
};
use crate::spec::{Part, Positions, Reached, Site};

fn reached(n_layers: usize, whole: bool) -> Reached {
    Reached { n_layers, whole }
}

fn probs() -> What {
    What::Probs {
        top_k: 4,
        asked: vec![],
    }
}

fn lens() -> What {
    What::Lens {
        layers: Some(vec![1]),
        top_k: 2,
        asked: vec![],
    }
}

fn effects() -> What {
    What::Effects {
        token: 3,
        layers: None,
    }
}

fn metrics() -> What {
    What::Metrics {
        splices: vec![Splice::Layer(0)],
        pooled_with: vec![],
    }
}

fn parts_of(layer: usize) -> [Part; 5] {
    [
        Part::Attention(layer),
        Part::Vectors(layer),
        Part::Encoder(layer),
        Part::Mlp(layer),
        Part::Decoder(layer),
    ]
}

#[test]
fn a_run_goes_on_as_parts_arrive_and_ends_as_the_whole_one() {
    let (Some(mut whole), Some(mut bench)) = (Bench::whole(), Bench::awaiting()) else {
        return;
    };
    let want = [Site::ResidPost(0), Site::ResidPost(3), Site::Logits];
    let (key, ..) = whole.run(&want).expect("a run");
    let expected = whole.features(&key, None);
    let failure = bench.run(&[]).expect_err("nothing is there");
    assert_eq!(failure.what, "The table of tokens has not arrived yet.");
    bench.add(&[Part::Opening, Part::Attention(0)]);
    assert_eq!(
        bench.run(&want),
        Ok((key.clone(), false, reached(1, false)))
    );
    assert_eq!(bench.run(&want), Ok((key.clone(), true, reached(1, false))));
    assert_eq!(bench.features(&key, None), []);
    bench.add(&[Part::Vectors(0), Part::Encoder(0), Part::Encoder(2)]);
    // Asked without running it again: the encoder looks at what is kept.
    let n_submits = |it: &Bench| it.engine.gpu.as_ref().map_or(0, |it| it.n_submits());
    assert_eq!(bench.features(&key, None), expected[..1]);
    let before = n_submits(&bench);
    assert_eq!(bench.features(&key, None), expected[..1]);
    assert_eq!(
        n_submits(&bench),
        before,
        "what was listed is told from the book"
    );
    let readiness = bench.engine.readiness().expect("a model");
    assert!(readiness.opening && !readiness.embedding && !readiness.whole);
    assert_eq!((readiness.n_layers, &readiness.encoders[..]), (1, &[0][..]));
    let next = [
        Part::Embedding(0),
        Part::Mlp(0),
        Part::Decoder(0),
        Part::Attention(1),
    ];
    assert_eq!(readiness.missing[..4], next);
    assert!(!readiness.missing.contains(&Part::Encoder(2)));
    assert!(readiness.missing.contains(&Part::Vectors(2)));
    bench.add(&[Part::Mlp(0)]);
    bench.add(&parts_of(1));
    assert_eq!(
        bench.run(&want),
        Ok((key.clone(), false, reached(2, false)))
    );
    assert_eq!(bench.features(&key, None), expected[..2]);
    bench.add(&parts_of(2));
    bench.add(&parts_of(3));
    bench.add(&[Part::Embedding(0), Part::Decoder(0)]);
    let readiness = bench.engine.readiness().expect("a model");
    assert!(readiness.whole && readiness.missing.is_empty());
    assert_eq!(bench.run(&want), Ok((key.clone(), false, reached(4, true))));
    assert_eq!(bench.run(&want), Ok((key.clone(), true, reached(4, true))));
    assert_eq!(bench.features(&key, None), expected);
    same_answers(&mut bench, &mut whole, &key);
}

/// A model that has arrived tells what one tells that was opened whole.
fn same_answers(bench: &mut Bench, whole: &mut Bench, key: &RunKey) {
    let sites = What::Site(vec![Site::ResidPost(0), Site::Logits]);
    for what in [sites, probs(), lens(), effects()] {
        let got = bench.partials(key, what.clone());
        assert_eq!(got, whole.partials(key, what));
    }
    let [got, expected] = [bench, whole].map(|it| match it.derive(key) {
        Ok(Outcome::Ran { run, .. }) => (it.features(&run, None), it.partials(&run, probs())),
        other => panic!("{other:?}"),
    });
    assert_eq!(got, expected);
}

#[test]
fn a_lost_device_takes_nothing_of_what_has_arrived() {
    let (Some(mut whole), Some(mut bench)) = (Bench::whole(), Bench::awaiting()) else {
        return;
    };
    let (key, ..) = whole.run(&[]).expect("a run");
    let expected = whole.features(&key, None);
    bench.add(&[Part::Opening]);
    bench.add(&parts_of(0));
    bench.add(&parts_of(1));
    bench.run(&[]).expect("a run");
    // What is there is loaded again, the run made again from its tokens.
    let open = bench.engine.open.take();
    let without = |it| Open {
        model: None,
        scope: None,
        ..it
    };
    (bench.engine.gpu, bench.engine.open) = (None, open.map(without));
    assert_eq!(bench.features(&key, None), expected[..2]);
    bench.add(&parts_of(2));
    assert_eq!(bench.run(&[]), Ok((key.clone(), false, reached(3, false))));
    let two = bench.features(&key, Some(vec![2, 0]));
    assert_eq!(two, [expected[2].clone(), expected[0].clone()]);
}

#[test]
fn what_needs_more_than_is_there_names_it() {
    let Some(mut bench) = Bench::awaiting() else {
        return;
    };
    bench.add(&[Part::Opening, Part::Attention(0), Part::Mlp(0)]);
    bench.add(&[Part::Attention(1), Part::Encoder(1)]);
    let (key, ..) = bench.run(&[]).expect("a run");
    let run = || key.clone();
    let mlp = "Layer 1's MLP has not arrived yet; layer 0 can be asked about.";
    let vectors = "What layer 1's transcoder has besides its matrices has not arrived yet; of the encoders there are: none.";
    let dense = |part| What::Dense {
        layers: Some(vec![1]),
        parts: vec![part],
    };
    let features = |layer| What::Features {
        layers: Some(vec![layer]),
    };
    let site = |it| What::Site(vec![it]);
    let cases = [
        (probs(), mlp),
        (effects(), mlp),
        (metrics(), mlp),
        (dense(DensePart::Out), mlp),
        (site(Site::ResidPost(1)), mlp),
        (site(Site::Logits), mlp),
        (dense(DensePart::Acts), vectors),
        (features(1), vectors),
        (
            lens(),
            "The table of tokens has not arrived yet; layers 0 to 1 can be asked about.",
        ),
    ];
    for (what, expected) in cases {
        let failure = bench.ask(&run(), what.clone()).expect_err("too early");
        assert_eq!(failure.what, expected, "{what:?}");
        assert!(failure.remedy.contains("Wait"), "{}", failure.remedy);
    }
    let failure = bench.derive(&run()).expect_err("too early");
    assert_eq!(failure.what, mlp);
    assert!(failure.remedy.contains("layer 1 first"));
    let generate = CommandBody::Generate {
        run: run(),
        n: 1,
        sampling: Sampling::GREEDY,
        watch: false,
    };
    assert_eq!(bench.command(generate).expect_err("too early").what, mlp);
}

#[test]
fn what_can_be_told_is_told() {
    let Some(mut bench) = Bench::awaiting() else {
        return;
    };
    bench.add(&[Part::Opening, Part::Attention(0), Part::Mlp(0)]);
    bench.add(&[Part::Attention(1), Part::Encoder(1)]);
    let (run, ..) = bench.run(&[]).expect("a run");
    let acts = || What::Dense {
        layers: None,
        parts: vec![DensePart::Pre, DensePart::Acts],
    };
    assert!(bench.partials(&run, acts()).is_empty());
    let sites = What::Site(vec![Site::ResidPost(0), Site::ResidMid(1)]);
    assert_eq!(bench.partials(&run, sites).len(), 2);
    bench.add(&[Part::Vectors(1), Part::Decoder(1)]);
    assert_eq!(bench.features(&run, None).len(), 1);
    assert_eq!(bench.partials(&run, acts()).len(), 2);
    // A run with writes goes as far as it can, too, and is made again as there is more.
    let written = |bench: &mut Bench| {
        let ran = bench.command(CommandBody::Run {
            input: Input::Ids(IDS.to_vec()),
            want: vec![Site::ResidMid(1)],
            writes: vec![Write {
                site: Site::ResidMid(0),
                positions: Positions::All,
                change: Change::Add(vec![0.25; 64]),
            }],
        });
        match ran {
            Ok(Outcome::Ran { kept, reached, .. }) => (kept, reached),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(written(&mut bench), (false, reached(2, false)));
    assert_eq!(written(&mut bench), (true, reached(2, false)));
    bench.add(&[Part::Mlp(1)]);
    bench.add(&[Part::Attention(2)]);
    assert_eq!(written(&mut bench), (false, reached(3, false)));
    assert_eq!(
        bench.ask(&run, probs()).expect_err("too early").what,
        "Layer 2's MLP has not arrived yet; layers 0 to 1 can be asked about."
    );
}
