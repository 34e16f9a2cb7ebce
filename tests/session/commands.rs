//! Every command, as it is meant.

use crate::asking::*;
use gemscope::session::Client;
use gemscope::session::protocol::*;
use gemscope::spec::{Positions, Precision, Site};

#[test]
fn every_command_in_turn() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    let Outcome::Planned(planned) = done(&mut client, CommandBody::Plan(nano())) else {
        panic!("a plan")
    };
    let Outcome::Opened {
        config,
        plan,
        fingerprint,
        declared_l0,
    } = done(&mut client, open(nano()))
    else {
        panic!("opened")
    };
    assert!(declared_l0.is_empty(), "no transcoders were asked for");
    assert_eq!(
        (planned, config.d_vocab, fingerprint.len()),
        (plan.clone(), 512, 64)
    );
    let (run, tokens, kept) = ran(&mut client, prompt(&IDS, &[Site::Embed]));
    assert_eq!(tokens.iter().map(|it| it.id).collect::<Vec<_>>(), IDS);
    assert!(!kept && tokens[0].special && !tokens[1].special);
    let about = described(&mut client);
    assert_eq!(
        about.open.map(|it| (it.plan, it.runs)),
        Some((plan, vec![run.clone()]))
    );
    assert!(about.gpu_bytes > 0 && about.n_submits > 0);
    let probs = distributions(&mut client, &run, Positions::All);
    assert_eq!(
        probs.iter().map(|it| it.pos).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
    for it in &probs {
        assert!(it.top.windows(2).all(|two| two[0].logit >= two[1].logit));
        assert_eq!(it.asked.iter().map(|it| it.id).collect::<Vec<_>>(), [7, 3]);
        let sum: f32 = it.top.iter().map(|it| it.probability).sum();
        assert!(sum > 0.0 && sum < 1.0, "{sum}");
    }
    let next = probs[4].top[0].id;
    assert_eq!(
        continued(&mut client, &run)[0].id,
        next,
        "the greedy token is the most probable one"
    );
    done(&mut client, CommandBody::Drop { run: run.clone() });
    fails(&mut client, ask_probs(&run, Positions::All), &run.0);
    done(&mut client, CommandBody::ResetGpu);
    assert!(
        !ran(&mut client, prompt(&IDS, &[])).2,
        "a reset keeps the model, the run was dropped"
    );
    done(&mut client, CommandBody::Close);
    fails(&mut client, prompt(&IDS, &[]), "Open");
}

fn continued(client: &mut Client, run: &RunKey) -> Vec<Token> {
    let (told, Outcome::Generated { tokens, text, .. }) = watched(client, generate(run, 12)) else {
        panic!("tokens")
    };
    assert_eq!(told, tokens);
    assert!((1..=12).contains(&tokens.len()) && text.is_empty());
    tokens
}

#[test]
fn the_same_run_is_computed_once() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let (first, _, kept) = ran(&mut client, prompt(&IDS, &[Site::Embed]));
    assert!(!kept);
    let before = n_submits(&mut client);
    let (again, _, kept) = ran(&mut client, prompt(&IDS, &[Site::Embed]));
    assert_eq!(
        (again, kept, n_submits(&mut client)),
        (first.clone(), true, before)
    );
    let (more, _, kept) = ran(&mut client, prompt(&IDS, &[Site::MlpOut(1)]));
    assert!(
        !kept && more == first,
        "another site is computed and kept beside the first"
    );
    let before = n_submits(&mut client);
    activations(
        &mut client,
        &first,
        &[Site::Embed, Site::MlpOut(1)],
        Positions::All,
    );
    assert_eq!(n_submits(&mut client), before, "kept sites need no pass");
    done(&mut client, open(nano()));
    assert!(
        ran(&mut client, prompt(&IDS, &[])).2,
        "what is open stays open"
    );
    let write = Write {
        site: Site::MlpOut(0),
        positions: Positions::All,
        change: Change::Add(vec![1.0; 64]),
    };
    let written = CommandBody::Run {
        input: Input::Ids(IDS.into()),
        want: vec![],
        writes: vec![write],
    };
    let (other, _, _) = ran(&mut client, written);
    assert_ne!(other, first);
    let (of_first, of_other) = (
        distributions(&mut client, &first, Positions::From(4)),
        distributions(&mut client, &other, Positions::From(4)),
    );
    assert_ne!(of_first, of_other, "each question is about its own run");
    assert_eq!(
        of_first,
        distributions(&mut client, &first, Positions::From(4))
    );
}

#[test]
fn a_site_is_the_same_kept_or_computed_and_in_pieces() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let ids: Vec<u32> = (0..70).map(|it| 2 + (it * 37) % 500).collect();
    let sites = [Site::Pattern(1), Site::ResidPost(3), Site::Logits];
    let (run, ..) = ran(&mut client, prompt(&ids, &[]));
    let computed = activations(&mut client, &run, &sites, Positions::All);
    ran(&mut client, prompt(&ids, &sites));
    let kept = activations(&mut client, &run, &sites, Positions::All);
    assert_eq!(computed, kept);
    assert_eq!(kept[&Site::Logits].len(), 70 * 512);
    let some = activations(&mut client, &run, &sites, Positions::Span(63, 65));
    assert_eq!(
        some[&Site::ResidPost(3)],
        kept[&Site::ResidPost(3)][63 * 64..66 * 64]
    );
    let rows = |head: usize| head * 70 * 70 + 63 * 70..head * 70 * 70 + 66 * 70;
    let pattern: Vec<f32> = (0..4)
        .flat_map(|it| kept[&Site::Pattern(1)][rows(it)].to_vec())
        .collect();
    assert_eq!(some[&Site::Pattern(1)], pattern);
    for (at, row) in pattern.chunks(70).enumerate() {
        let sum: f32 = row.iter().sum();
        assert!((sum - 1.0).abs() < 1e-3, "row {at} sums to {sum}");
    }
}

#[test]
fn a_small_budget_forgets_and_computes_again() {
    let options = gemscope::session::EngineOptions {
        kept_bytes: Some(2000),
        ..Default::default()
    };
    let Some(mut client) = client(options) else {
        return;
    };
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[Site::Embed, Site::Logits]));
    let sites = activations(
        &mut client,
        &run,
        &[Site::Logits, Site::Embed],
        Positions::All,
    );
    assert_eq!(
        (sites[&Site::Logits].len(), sites[&Site::Embed].len()),
        (5 * 512, 5 * 64)
    );
    let (second, ..) = ran(&mut client, prompt(&[2, 9, 9, 9], &[Site::Embed]));
    let about = described(&mut client);
    assert_eq!(about.open.map(|it| it.runs), Some(vec![second]));
}

#[test]
fn opening_another_closes_the_first() {
    let Some(mut client) = client(Default::default()) else {
        return;
    };
    done(&mut client, open(nano()));
    let (run, ..) = ran(&mut client, prompt(&IDS, &[]));
    let compact = OpenRequest {
        precision: Precision::Compact,
        ..nano()
    };
    done(&mut client, open(compact));
    fails(&mut client, ask_probs(&run, Positions::All), &run.0);
    assert_ne!(
        ran(&mut client, prompt(&IDS, &[])).0,
        run,
        "the precision is part of the name"
    );
    let unknown = OpenRequest {
        model: synth("tiny"),
        ..nano()
    };
    fails(&mut client, open(unknown), "tiny");
    fails(&mut client, prompt(&IDS, &[]), "No model is open");
}
