//! Commands about features, on a small synthetic model with its transcoders.

use super::{Scratch, failure, gemscope, json, no_gpu, numbers};
use gemscope::weights::synth::{self, Preset, Synthetic};
use safetensors::SafeTensors;
use serde_json::Value;

const NANO: &[&str] = &["--model", "synth:nano", "--transcoders", "synth"];
const PROMPT: &[&str] = &["--ids", "2,17,300,5,41"];
const N_POS: usize = 5;
const D_MODEL: usize = 64;

#[test]
fn a_dump_with_a_splice_holds_reconstructions_where_mlps_were() {
    if no_gpu("splice") {
        return;
    }
    let folder = Scratch::new("splice");
    let dump = |name: &str, more: &[&str]| {
        let out = folder.join(name);
        let sites = "blocks.2.hook_mlp_out,logits";
        let out = out.to_str().unwrap();
        json(
            &[
                &["dump"],
                NANO,
                PROMPT,
                &["--sites", sites, "--out", out],
                more,
            ]
            .concat(),
        );
        std::fs::read(out).unwrap()
    };
    let (clean, spliced) = (dump("clean", &[]), dump("spliced", &["--splice", "2"]));
    let same = dump("same", &["--intervene", "1:1-:9=x1", "--mode", "free"]);
    let [clean, spliced, same] = [&clean, &spliced, &same].map(|it| tensors(it));
    let of = |file: &SafeTensors<'_>, name: &str| numbers(file.tensor(name).unwrap().data());
    let (mlp_out, out) = ("blocks.2.hook_mlp_out", "blocks.2.transcoder.out");
    assert_eq!(
        of(&spliced, mlp_out)[D_MODEL..],
        of(&spliced, out)[D_MODEL..]
    );
    assert_eq!(
        of(&spliced, mlp_out)[..D_MODEL],
        of(&clean, mlp_out)[..D_MODEL]
    );
    assert_ne!(of(&spliced, "logits"), of(&clean, "logits"));
    assert_eq!(
        of(&same, "logits"),
        of(&clean, "logits"),
        "a change of nothing changes nothing"
    );
    assert_eq!(clean.len(), 3 + 4 * 3);
    let (pre, acts) = (
        of(&clean, "blocks.3.transcoder.pre"),
        of(&clean, "blocks.3.transcoder.acts"),
    );
    assert!(pre.len() == acts.len() && acts.len() == N_POS * 256);
    assert!(
        pre.iter()
            .zip(&acts)
            .all(|(pre, act)| *act == 0.0 || act == pre)
    );
}

#[test]
fn features_are_listed_and_changed() {
    if no_gpu("features") {
        return;
    }
    let all = json(&[&["features"], NANO, PROMPT, &["--top", "0"]].concat());
    let list = all["features"].as_array().unwrap();
    let n = |key: &str| all[key].as_u64().unwrap() as usize;
    assert_eq!(
        (list.len(), n("n_not_shown")),
        (n("n_active") + n("n_active_bos"), 0)
    );
    assert_eq!(all["layers"].as_array().unwrap().len(), 4);
    let strengths: Vec<f64> = list
        .iter()
        .map(|it| it["activation"].as_f64().unwrap())
        .collect();
    assert!(strengths.is_sorted_by(|a, b| a >= b));
    // Switch a feature off that is active in a low layer, beyond BOS.
    let low = |it: &&Value| it["layer"] == 1 && it["pos"].as_u64() > Some(0);
    let feature = list.iter().find(low).unwrap();
    let change = format!("1:{}:{}=off", feature["pos"], feature["feature"]);
    let told = json(
        &[
            &["intervene"],
            NANO,
            PROMPT,
            &["--intervene", &change, "--top-k", "3"],
        ]
        .concat(),
    );
    assert_eq!(told["interventions"], serde_json::json!([change]));
    assert_eq!(
        (&told["mode"], &told["pos"]),
        (&Value::from("frozen"), &Value::from(4))
    );
    let set = &told["set"].as_array().unwrap()[..];
    assert_eq!((set.len(), &set[0]["applied"]), (1, &Value::from(0.0)));
    assert_eq!(set[0]["clean"], feature["activation"]);
    let next = told["next"].as_array().unwrap();
    assert!((3..=6).contains(&next.len()), "{next:?}");
    let moved = next.iter().any(|it| it["before"] != it["after"]);
    assert!(moved || told["n_changed"] == 0, "{told}");
}

#[test]
fn metrics_effects_lens_and_generation_tell_what_they_promise() {
    if no_gpu("metrics") {
        return;
    }
    let told = json(&[&["metrics"], NANO, PROMPT, &["--splice", "1-2,all"]].concat());
    let rows = told["metrics"].as_array().unwrap();
    let splices: Vec<&str> = rows
        .iter()
        .map(|it| it["splice"].as_str().unwrap())
        .collect();
    assert_eq!(splices, ["1", "2", "all"]);
    assert!(rows[0]["l0"].is_number() && rows[2]["l0"].is_null() && rows[2]["kl"].is_number());
    let pooled = ["--splice", "1", "--with-ids", "2,7,7,7"];
    let told = json(&[&["metrics"], NANO, PROMPT, &pooled].concat());
    let more = &told["metrics"][0];
    assert!(more["n_targets"].as_u64() > rows[0]["n_targets"].as_u64());
    assert_ne!(more["kl"], rows[0]["kl"], "two prompts, pooled");
    let told = json(&[&["effects"], NANO, PROMPT, &["--token", "9", "--top", "0"]].concat());
    let effects = told["effects"].as_array().unwrap();
    let sum: f64 = effects
        .iter()
        .map(|it| it["effect"].as_f64().unwrap())
        .sum();
    assert!((sum - told["sum"].as_f64().unwrap()).abs() < 1e-5);
    assert!(
        !effects.is_empty() && effects.iter().all(|it| it["pos"] == 4),
        "{told}"
    );
    let told = json(
        &[
            &["lens"],
            NANO,
            PROMPT,
            &["--layers", "1,3", "--positions", "2-3"],
        ]
        .concat(),
    );
    let places: Vec<(u64, u64)> = (told["lens"].as_array().unwrap().iter())
        .map(|it| (it["layer"].as_u64().unwrap(), it["pos"].as_u64().unwrap()))
        .collect();
    assert_eq!(places, [(1, 2), (1, 3), (3, 2), (3, 3)]);
    let steered = ["--n", "3", "--intervene", "2:*:9=50", "--mode", "free"];
    let told = json(&[&["generate"], NANO, PROMPT, &steered].concat());
    assert!(!told["tokens"].as_array().unwrap().is_empty());
}

#[test]
fn a_feature_has_a_card() {
    if no_gpu("card") {
        return;
    }
    let arguments = [
        &["feature", "2.17"],
        NANO,
        &["--nearest-in", "0", "--tokens", "3"],
    ]
    .concat();
    let card = json(&arguments);
    assert_eq!(
        (&card["feature"], &card["n_features"]),
        (&Value::from("2.17"), &Value::from(256))
    );
    let counts = card["logits"]["histogram"]["counts"].as_array().unwrap();
    let n: u64 = counts.iter().map(|it| it.as_u64().unwrap()).sum();
    assert_eq!(
        (n, card["logits"]["top"].as_array().unwrap().len()),
        (512, 3)
    );
    let nearest = card["nearest"].as_array().unwrap();
    assert_eq!(nearest.len(), 10);
    assert!(
        nearest.iter().all(|it| it["feature"] != "2.17"),
        "{nearest:?}"
    );
    assert!(card["de_embedding"].is_null());
}

#[test]
fn labels_of_a_file_stand_beside_features() {
    let missing = ["--labels", "www/demo/no.json"];
    for command in [&["features"][..], &["feature", "2.17"]] {
        let prompt = if command.len() == 1 { PROMPT } else { &[] };
        let it = failure(&[command, NANO, prompt, &missing].concat());
        assert!(it.what.contains("no.json") && it.remedy.contains("labels.json"));
    }
    if no_gpu("labels") {
        return;
    }
    let labels = ["--labels", "www/demo/labels.json"];
    let told = json(&[&["features"], NANO, PROMPT, &labels].concat());
    let features = told["features"].as_array().unwrap();
    assert!(features.iter().any(|it| it["label"].is_string()), "{told}");
    let card = json(&[&["feature", "2.17"], NANO, &labels, &["--examples", "2"]].concat());
    assert!(card["label"]["label"].is_string(), "{}", card["label"]);
    assert_eq!(card["examples"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_model_does_not_have_is_named_and_nothing_left() {
    if no_gpu("not there") {
        return;
    }
    let folder = Scratch::new("not-there");
    let out = folder.join("never.safetensors");
    let out = ["--sites", "logits", "--out", out.to_str().unwrap()];
    for (more, what) in [
        (["--intervene", "9:1:2=3"], "layer 9"),
        (["--intervene", "1:1:256=3"], "1.256"),
        (["--intervene", "1:5:2=3"], "5"),
        (["--splice", "7"], "layer 7"),
        (["--layers", "0,9"], "layer 9"),
        (["--average-l0", "1=99"], "99"),
    ] {
        let it = failure(&[&["dump"], NANO, PROMPT, &out, &more].concat());
        assert!(
            it.what.contains(what) && !it.remedy.is_empty(),
            "{more:?}: {it:?}"
        );
    }
    assert_eq!(std::fs::read_dir(folder.text()).unwrap().count(), 0);
}

#[test]
fn a_synthetic_model_fails_the_published_figures() {
    if no_gpu("check") {
        return;
    }
    let folder = Scratch::new("check");
    let write = |it: Synthetic, name: &str| synth::write(&it, &folder.join(name), |_, _| ());
    write(Synthetic::new(Preset::Nano), "model").unwrap();
    write(Synthetic::transcoders(Preset::Nano, 4), "transcoders").unwrap();
    let output = gemscope(&["check", folder.text(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["passed"], false);
    let lines = told["lines"].as_array().unwrap();
    assert!(lines.iter().all(|it| it["passed"] == false), "{lines:?}");
    let measured = |n: usize| lines[n]["measured"].as_str().unwrap();
    assert!(measured(0).starts_with("4 layers"), "{}", measured(0));
    assert!(measured(7).contains("blocks.12"), "{}", measured(7));
}

fn tensors(bytes: &[u8]) -> SafeTensors<'_> {
    SafeTensors::deserialize(bytes).unwrap()
}
