//! The command line over the test Hub, from the first plan to an empty store.

use crate::world::*;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

#[test]
fn a_set_is_planned_fetched_used_and_removed() {
    let world = world("cli");
    let plan = world.json(&["fetch", "--plan"]);
    assert!(plan["download_bytes"].as_u64() > Some(100_000), "{plan}");
    assert_eq!(plan["kept_bytes"], 0);
    let list = world.json(&["fetch", "--list"]);
    assert_eq!(list.as_array().unwrap().len(), 4);
    let text = world.stdout(&["fetch"]);
    assert!(
        text.contains("in the store") && text.contains("file"),
        "{text}"
    );
    let again = world.json(&["fetch"]);
    assert_eq!(again["fetched"]["received_bytes"], 0);
    let list = world.stdout(&["store", "list"]);
    assert!(
        list.contains("o/nano") && list.contains("bf16") && list.contains("file"),
        "{list}"
    );
    let parts = world.stdout(&["store", "list", "--parts"]);
    assert!(
        parts.contains("encoder.3") && parts.contains("mlp.0"),
        "{parts}"
    );
    assert!(
        world
            .stdout(&["store", "verify"])
            .contains("nothing is damaged")
    );
    if !no_gpu("a_set_is_planned_fetched_used_and_removed") {
        let [model, transcoders] =
            [MODEL, TRANSCODERS].map(|it| format!("hub:{}", world.world.repo(it)));
        let features = |model: &str, transcoders: &str| {
            let ids = ["features", "--ids", "2,74,71", "--n-ctx", "64"];
            world.json(&[&ids[..], &["--model", model, "--transcoders", transcoders]].concat())
        };
        let folders = [MODEL, TRANSCODERS].map(|it| world.world.folder.join("hub").join(it));
        let [of_model, of_transcoders] = folders.each_ref().map(|it| it.to_str().unwrap());
        assert_eq!(
            features(&model, &transcoders),
            features(of_model, of_transcoders)
        );
    }
    copies(&world);
}

/// Out of the store, away, and in again.
fn copies(world: &Cli) {
    let copy = world.path("copy");
    let copied = world.json(&["store", "export", &copy]);
    assert!(copied["n_parts"].as_u64() > Some(20), "{copied}");
    let freed = world.json(&["store", "remove", "--part", "decoder.0,decoder.1"]);
    assert!(freed["freed_bytes"].as_u64() > Some(0));
    let parts = world.stdout(&["store", "list", "--parts"]);
    assert!(
        !parts.contains("decoder.0") && parts.contains("decoder.2"),
        "{parts}"
    );
    world.json(&["store", "remove", "--all"]);
    assert!(
        !world
            .stdout(&["store", "list", "--parts"])
            .contains("mlp.0")
    );
    let back = world.json(&["store", "import", &copy]);
    assert_eq!(back["n_parts"], copied["n_parts"]);
    assert_eq!(world.json(&["fetch"])["fetched"]["received_bytes"], 0);
}

#[test]
fn damage_ends_with_1_and_is_repaired() {
    let world = world("cli-damage");
    world.stdout(&["fetch", "--halves", "encoder", "--layers", "0-1"]);
    let list = world.json(&["store", "list"]);
    let sources = list["sources"].as_array().unwrap();
    let mut parts = sources
        .iter()
        .flat_map(|it| it["parts"].as_array().unwrap());
    let part = parts.find(|it| it["part"] == "mlp.1").unwrap();
    let key = part["key"].as_str().unwrap();
    let data = world
        .world
        .store()
        .join("gemscope")
        .join(format!("{key}.data"));
    let mut bytes = fs::read(&data).unwrap();
    bytes[100] ^= 1;
    fs::write(&data, bytes).unwrap();
    let output = world.run(&["store", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("mlp.1: 1 damaged pieces"), "{text}");
    assert!(world.stdout(&["store", "repair"]).contains("forgotten"));
    let again = world.json(&["fetch", "--halves", "encoder", "--layers", "0-1"]);
    assert!(again["fetched"]["received_bytes"].as_u64() > Some(0));
    assert!(
        world
            .stdout(&["store", "verify"])
            .contains("nothing is damaged")
    );
}

#[test]
fn a_manifest_is_written_and_used() {
    let world = world("cli-manifest");
    let folder = world.path(&format!("hub/{TRANSCODERS}"));
    let out = world.path("manifest.json");
    world.stdout(&["manifest", &folder, "--out", &out]);
    let printed = world.stdout(&["manifest", &folder]);
    assert_eq!(
        printed.trim_end(),
        fs::read_to_string(&out).unwrap().trim_end()
    );
    world.stdout(&["fetch", "--manifest", &out, "--layers", "0"]);
    let parts = world.stdout(&["store", "list", "--parts"]);
    assert!(parts.lines().any(|it| it.contains("encoder.0")), "{parts}");
}

#[test]
fn what_was_fetched_of_a_feature_is_shown_with_its_caution() {
    let mut world = world("cli-hosted");
    crate::hosted::fetched(&world.world, "12.9377");
    world.world.hub_goes();
    let said = world.stdout(&["labels", "fetch", "12.9377"]);
    for it in [
        "cities <b>of</b>",
        "127.0.0.1",
        "other activations",
        "[ <i>",
    ] {
        assert!(said.contains(it), "{said}");
    }
    let json = world.json(&["labels", "fetch", "12.9377"]);
    assert_eq!(json["label"]["label"]["max"], 40.5);
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_came_and_says_how_to_go_on() {
    let world = world("cli-interrupt");
    world.world.hub().set_throttle(Some(200_000));
    let mut child = world.command(&["fetch"]);
    let child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while world
        .world
        .hub()
        .log()
        .iter()
        .map(|it| it.bytes_sent)
        .sum::<u64>()
        < 300_000
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("Stopped: ") && error.contains("are there, and stay"),
        "{error}"
    );
    assert!(error.contains("the same command again"), "{error}");
    world.world.hub().set_throttle(None);
    let plan = world.json(&["fetch", "--plan"]);
    assert!(plan["kept_bytes"].as_u64() > Some(0), "{plan}");
}

#[test]
fn a_token_comes_from_a_file_and_is_never_shown() {
    let world = world("cli-token");
    let gated = ["--model", GATED, "--transcoders", "none"];
    let fails = |more: &[&str], what: &str| {
        let output = world.run(&[&["fetch"], &gated[..], more].concat());
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(what), "{error}");
        error
    };
    fails(&[], "gated");
    let file = world.path("token");
    fails(&["--token-file", &file], "can't be read");
    fs::write(&file, "hf_wrong").unwrap();
    assert!(!fails(&["--token-file", &file], "may not read").contains("hf_wrong"));
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let text = world.stdout(&[&["fetch"], &gated[..], &["--token-file", &file]].concat());
    assert!(!text.contains(TOKEN));
    // What is meant for one server is not sent to another.
    let mut other = world.command(&[&["fetch"], &gated[..], &["--update"]].concat());
    let output = other.env("HF_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn what_is_wrong_is_named_with_a_remedy() {
    let world = world("cli-wrong");
    for (arguments, what, remedy) in [
        ("fetch --model gemma", "`gemma`", "OWNER/NAME"),
        ("fetch --model a/../b", "`a/../b`", "OWNER/NAME"),
        ("fetch --model hub:o/nano@..", "`o/nano@..`", "OWNER/NAME"),
        ("fetch --model o/nowhere", "o/nowhere", "OWNER/NAME"),
        ("fetch --model o/llama", "LlamaForCausalLM", "Gemma 2"),
        ("fetch --transcoders o/notes", "o/notes", "layer_0"),
        ("fetch --layers x", "`x`", "0,3,5-7"),
        ("fetch --l0 0=1,0=2", "two variants", "one"),
        (
            "fetch --manifest nowhere.json",
            "nowhere.json",
            "gemscope manifest",
        ),
        ("fetch --from-model nowhere", "nowhere", "huggingface-cli"),
        (
            "fetch --list --transcoders none",
            "no transcoders",
            "--transcoders",
        ),
        ("store remove", "Nothing was named", "--all"),
        ("store export Cargo.toml/x", "Cargo.toml/x", "disk"),
        ("store import nowhere", "nowhere", "folder"),
        ("store verify --layer x", "`x`", "0,3,5-7"),
        ("manifest nowhere", "nowhere", "folder"),
        ("plan --model hub:o/nano", "not kept", "fetch"),
        ("plan --model hub:x", "`x`", "OWNER/NAME"),
        (
            "plan --model hub:o/nano --tokenizer Cargo.toml",
            "its own tokenizer",
            "--tokenizer",
        ),
        ("sites --model hub:o/nano", "config.json", "folder"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = world.run(&arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(
            error.contains(what) && error.contains(remedy),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn arguments_that_are_none_of_ours_end_with_2() {
    let world = world("cli-arguments");
    for arguments in [
        "fetch --endpoint nowhere",
        "fetch --list --plan",
        "fetch --halves some",
        "store",
        "store remove --all --part mlp.0",
        "store verify --part head.1",
        "store verify --packing q4",
        "store verify --repo a",
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        assert_eq!(
            world.run(&arguments).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

/// A Hub, a store and the program.
struct Cli {
    world: World,
    program: PathBuf,
}

/// The program is another package's: a test of this one alone does not build it.
fn world(name: &str) -> Cli {
    let beside = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let program = beside.with_file_name(format!("gemscope{}", std::env::consts::EXE_SUFFIX));
    let shown = program.display();
    assert!(
        program.is_file(),
        "{shown} is not there: cargo build -p gemscope"
    );
    let world = World::new(name);
    Cli { world, program }
}

impl Cli {
    fn path(&self, name: &str) -> String {
        self.world.folder.join(name).to_str().expect("UTF-8").into()
    }

    /// The program with a store of the test's own; `fetch` asks its Hub for its sets, unless it names others.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut out = Command::new(&self.program);
        out.args(arguments).env_remove("HF_TOKEN");
        out.env("GEMSCOPE_STORE", self.world.store());
        if arguments.first() == Some(&"fetch") {
            let origin = self.world.repo(MODEL).endpoint.to_string();
            for (name, value) in [
                ("--endpoint", origin.as_str()),
                ("--model", MODEL),
                ("--transcoders", TRANSCODERS),
            ] {
                if !arguments.contains(&name) {
                    out.args([name, value]);
                }
            }
        }
        out
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.stdout(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|it| panic!("{it}: {text}"))
    }
}
