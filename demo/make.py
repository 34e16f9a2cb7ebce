"""One command that makes the demo model and everything shipped with it, and checks every bar: `python demo/make.py`.

Stages keep what they made in `target/demo` and are not repeated while it is there (`--fresh` starts anew). What is shipped goes to
`www/demo` and `tests/golden` only when every bar is cleared. Exit code 1 names the bars that were missed.
"""

import os

# Idle threads sleep instead of spinning, so that the recipe shares two cores well.
os.environ["OMP_WAIT_POLICY"] = "passive"

import argparse  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402

import bars  # noqa: E402
import card  # noqa: E402
import exams  # noqa: E402
import golden  # noqa: E402
import label  # noqa: E402
import model as models  # noqa: E402
import proofs  # noqa: E402
import tokenizer as tokenizers  # noqa: E402
import transcoders  # noqa: E402
from corpus import Stream  # noqa: E402
from scope import Scope, measure  # noqa: E402
from ship import ship  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
HELD_SEQUENCES = 600
HELD_SEED = 22


def main():
    """Runs the stages; returns the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--fresh", action="store_true", help="forget what earlier runs made")
    arguments.add_argument("--work", default=str(ROOT / "target/demo"), help="where stages keep what they made")
    options = arguments.parse_args()
    torch.set_num_threads(2)
    work = Path(options.work)
    if options.fresh:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "log.txt", "a", encoding="utf-8") as log_file:

        def log(line, *_):
            print(line, flush=True)
            print(line, file=log_file, flush=True)

        model, tokenizer = _model(work, log)
        _transcoders(work, model, tokenizer, log)
        return _check(work, Scope(model, work / "transcoders"), tokenizer, log)


def _model(work, log):
    """The first stage: tokenizer and model."""
    folder, start = work / "model", time.monotonic()
    if not (folder / "model.safetensors").exists():
        text = tokenizers.build()
        tokenizer = tokenizers.load(text)
        tokenizers.check(tokenizer)
        trained = models.train(tokenizer, log)
        models.save(trained, text, folder)
        log(f"model: {time.monotonic() - start:.0f} s in all")
    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    return models.load(folder), tokenizers.load(text)


def _transcoders(work, model, tokenizer, log):
    """The second stage; the files' names tell the L0 on held-out text."""
    folder, start = work / "transcoders", time.monotonic()
    if folder.exists():
        return
    trained = transcoders.train(model, tokenizer, log)
    x, _ = transcoders.collect(model, _held_out(tokenizer)[:200])
    l0s = [
        ((x[n] @ torch.from_numpy(it["W_enc"]) + torch.from_numpy(it["b_enc"])) > torch.from_numpy(it["threshold"]))
        .float().sum(-1).mean().item()
        for n, it in enumerate(trained)
    ]  # fmt: skip
    transcoders.save(trained, l0s, folder)
    log(f"transcoders: {time.monotonic() - start:.0f} s in all")


def _held_out(tokenizer):
    """Sequences of held-out sentences alone."""
    return torch.from_numpy(Stream(tokenizer, "held", HELD_SEED).batch(HELD_SEQUENCES))


def _check(work, scope, tokenizer, log):
    """The last stages: figures, bars, labels, proofs; ships if all is well."""
    results = exams.sit(scope.model, tokenizer)
    for kind, cell, told in exams.CELLS:
        log(f"exam: {told}: {results[kind, cell][0]:.3f} of {results[kind, cell][1]}")
    hops = exams.hops(scope.model, tokenizer)
    log("hop: right {:.3f}, MLPs at the city at their mean {:.3f}, at city and last {:.3f}; {} questions".format(*hops))
    figures = measure(scope, _held_out(tokenizer))
    log("scope: " + ", ".join(f"{key} {it}" for key, it in figures.items() if key != "density"))
    labels, scores = label.label(scope, tokenizer)
    label.write(labels, work / "labels.json")
    deeds = proofs.gather(scope, tokenizer, log)
    golden.write(scope, tokenizer, str(work / "golden"), deeds)
    every = bars.exam_bars(results) + bars.hop_bars(hops) + bars.scope_bars(figures) + proofs.bars_of(deeds)
    sizes = card.sizes(scope, work)
    every += bars.size_bar(sizes["bytes"])
    told = {"results": results, "hops": hops, "figures": figures, "deeds": deeds, "scores": scores, "sizes": sizes}
    card.write(work / "README.md", told)
    for it in every:
        log(it.line())
    missed = [it for it in every if not it.met]
    if missed:
        log(f"{len(missed)} of {len(every)} bars are missed; nothing is shipped")
        return 1
    ship(work, ROOT)
    log(f"all {len(every)} bars are cleared; shipped to www/demo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
