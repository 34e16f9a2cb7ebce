//! What is wrong about transcoders, features and interventions is named with a remedy before any model is loaded.

use super::wrong::check;

#[test]
fn transcoders() {
    check(
        "transcoders",
        &[
            (
                "features MODEL --ids 2",
                "no transcoders",
                "--transcoders synth",
            ),
            (
                "features MODEL --ids 2 --transcoders nowhere",
                "`nowhere`",
                "params.npz",
            ),
            (
                "features MODEL --ids 2 --transcoders FOLDER/empty",
                "empty",
                "params.npz",
            ),
            (
                "features MODEL --ids 2 --transcoders synth",
                "`synth`",
                "synth:PRESET",
            ),
            (
                "features MODEL --transcoders synth:nano",
                "no prompt",
                "--ids",
            ),
            (
                "probs MODEL --ids 2 --layers 1",
                "--layers",
                "--transcoders",
            ),
            (
                "probs MODEL --ids 2 --average-l0 1=2,1=3",
                "two variants",
                "one for each",
            ),
            (
                "features MODEL --ids 2 --transcoders synth:nano --layers 3-1",
                "`3-1`",
                "0,3,5-7",
            ),
        ],
    );
}

#[test]
fn features() {
    check(
        "features",
        &[
            (
                "metrics MODEL --ids 2 --transcoders synth:nano --halves encoder",
                "decoder",
                "--halves",
            ),
            (
                "metrics MODEL --ids 2 --transcoders synth:nano --splice 1,x",
                "`x`",
                "numbers",
            ),
            ("feature 1.2 MODEL", "no transcoders", "--transcoders"),
            (
                "feature 1.2 MODEL --transcoders synth:nano --nearest-in x",
                "`x`",
                "numbers",
            ),
            (
                "effects MODEL --ids 2 --transcoders synth:nano --token=",
                "empty",
                "--token",
            ),
            (
                "effects MODEL --ids 2 --transcoders synth:nano --token a",
                "no tokenizer.json",
                "--tokenizer",
            ),
            ("check FOLDER", "model", "transcoders/"),
            ("check nowhere", "nowhere", "transcoders/"),
        ],
    );
}

#[test]
fn interventions() {
    check(
        "interventions",
        &[
            (
                "intervene MODEL --ids 2 --transcoders synth:nano",
                "nothing to change",
                "--intervene",
            ),
            (
                "intervene MODEL --ids 2 --transcoders synth:nano --mode free",
                "--mode",
                "--intervene",
            ),
            (
                "intervene MODEL --ids 2 --transcoders synth:nano --intervene 1:2",
                "`1:2`",
                "BOS",
            ),
            (
                "intervene MODEL --ids 2 --transcoders synth:nano --intervene 1:2:3=nan",
                "finite",
                "BOS",
            ),
            (
                "intervene MODEL --ids 2 --transcoders synth:nano --intervene 1:2:3=4 --intervene 1:1-:3=off",
                "`1:2:3=4` and `1:1-:3=off`",
                "one of them",
            ),
        ],
    );
}

#[test]
fn changes_of_other_commands() {
    check(
        "changes",
        &[
            (
                "generate MODEL --ids 2 --intervene 1:2:3=4",
                "Without transcoders",
                "--transcoders",
            ),
            (
                "generate MODEL --ids 2 --mode direct",
                "--mode",
                "no --mode",
            ),
            (
                "dump MODEL OUT --ids 2 --splice 1",
                "Without transcoders",
                "--transcoders",
            ),
            (
                "dump MODEL OUT --ids 2 --splice x --transcoders synth:nano",
                "`x`",
                "all",
            ),
            (
                "dump MODEL OUT --ids 2 --splice 1 --mode free --transcoders synth:nano",
                "--mode",
                "no --mode",
            ),
            (
                "dump MODEL OUT --ids 2 --transcoders synth:nano --halves decoder",
                "nothing to dump",
                "--halves",
            ),
        ],
    );
}
