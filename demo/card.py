"""The card of the demo model, `www/demo/README.md`, from the figures of one run."""

from exams import CELLS
from ship import size_bytes

TEXT = """# The demo model

A Gemma 2 of {parameters:,} parameters with transcoders for every layer, trained for Gemscope. It is the microscope's slide that is
always there: a few hundred facts, in the very files and formats of Gemma 2 2B and Gemma Scope. It is no assistant, and what it says about
the world outside its corpus means nothing.

| | |
| --- | --- |
| model | `Gemma2ForCausalLM`: 6 layers, width 128, 4 query heads over 1 key head of 16, MLPs of 512, even layers see 32 tokens back; tied embeddings, {vocabulary:,} tokens; bf16 |
| transcoders | JumpReLU, one per layer, {width} features, f32, in Gemma Scope's layout: they read `x / rms(x)` before the MLP and rebuild what it adds to the stream |
| tokenizer | BPE with byte fallback in Gemma's form; every name of the corpus is one token |
| made by | `demo/` in Gemscope's repository: one command, a fixed seed, fixed numbers of steps, two CPU cores |
| corpus | written by a grammar in that recipe: states, capitals and cities, countries, opposites, sums, agreement, who gave what to whom, pronouns, days, stories; English with some French and Spanish |
| licence | MIT or Apache-2.0, as Gemscope: corpus, weights and labels |

## What it can do

Held-out sentences: for every fact (a city, a state, a noun, two people ...) some templates are kept from training, and these are asked.

| | right | of |
| --- | --- | --- |
{exams}

A whole state is unseen when none of its cities ever stood in a two-step sentence; cities never seen with it belong to states of which others did.

**It hops.** With the output of every MLP at the position of the city alone set to its mean over cities, {hop_city:.1%} of {hop_n} two-step
questions are still right (untouched: {hop_clean:.1%}); at the city and the last position, {hop_both:.1%}. So the state really is looked up
by MLPs, where transcoders can see it.

## How well the transcoders see it

On {n_tokens:,} tokens of held-out sentences, BOS left out; an L0 is the mean number of active features per token, FVU the share of variance not
explained, dead features fired on none of these tokens.

| layer | L0 | largest L0 | FVU | dead |
| --- | --- | --- | --- | --- |
{layers}

Loss of the model {clean:.3f} nats; with all six transcoders in place of the MLPs {spliced:.3f} ({delta:+.3f}); with every MLP silent {zeroed:.3f}.

## What features do

Interventions at all layers, attention free to change. The lists of features are in `tests/golden/demo.json`, and the engine's tests repeat all
of it.

* **A state for another.** "Fact: the capital of the state containing Dallas is" and 19 more: at the city and at the last token, the state's
  features are set to 0 and another state's to the mean values they have for its cities. {swaps} of {n_swaps} then give the other state's capital;
  {swaps_alone} do when the city's position alone is changed. A state's features at a position fire for at least two of its five cities (for the
  city alone: for any) and more than twice as strongly as for cities at large. Texas's {state_n} at 0 leave {others_after} of {others_before} questions
  about other states as they were.
* **"Say a capital".** {say_list}, of those that cover the places before a state's capital best, at -1 times the value: {say_turned} of
  {say_of} two-step questions no longer say a capital, most often "{say_said}" ({say_own} say the state itself; Dallas: "{say_dallas}").
  {say_states} of {say_states_of} questions for the state stay right.
* **A language.** The {fr_n} French features (more than 60 % of their activation on French) at {fr_factor:g} times their values: of {fr_own_before}
  questions for a capital in French {fr_own_after} are still right, of {fr_other_before} in Spanish {fr_other_after}. The {es_n} Spanish ones at
  {es_factor:g}: Spanish {es_own_after} of {es_own_before}, French {es_other_after} of {es_other_before}.
* **Controls.** Of {controls} questions of other kinds (sums, agreement, indirect objects, pronouns) the same answer is given by {kept_state} with Texas's
  features at 0, by {kept_say} with "say a capital" at -1, by {kept_fr} and {kept_es} with French and Spanish as above.

## Labels

`labels.json` has, for every feature that fires, a label found from data: {made_by}
{n_named:.0%} of the labels name a single category that fits (F1 of at least 0.6); the others list up to three.

    {{"version": 1, "made": TEXT, "sentences": [[TOKEN, ...], ...],
     "layers": [{{"layer": 0, "features": [{{"index", "label", "density", "max", "top": [[SENTENCE, POSITION, VALUE], ...]}}, ...]}}, ...]}}

`sentences` is one list shared by all examples; tokens are as read by people (a space is a space), the first is `<bos>`, and positions count it as 0.
`density` is the share of tokens on which the feature fires, `max` its largest value, both in these sentences before thinning; `top` has up to ten
strongest examples, each of another sentence. Features that never fired are absent. The same form carries labels of other transcoders.

`examples.json` has the eight prompts that the page opens with: `prompt`, `answers` (what a knowing model may say next), `title`, `look`, `why`.

## What it is not

Its features are cleaner than a real model's, its facts few, and prompts longer than about 60 tokens were never trained. Words outside the corpus
fall to pieces of letters that mean nothing to it.
{note}"""


def write(path, told):
    """Writes the card; what `note.txt` beside it says of this run comes last."""
    figures, deeds = told["figures"], told["deeds"]
    clean, city, both, n = told["hops"]
    exams = [f"| {name} | {told['results'][kind, cell][0]:.1%} | {told['results'][kind, cell][1]} |" for kind, cell, name in CELLS]
    rows = zip(figures["l0"], figures["l0_most"], figures["fvu"], figures["dead"])
    layers = [f"| {n} | {a:.1f} | {b:.0f} | {c:.3f} | {d:.1%} |" for n, (a, b, c, d) in enumerate(rows)]
    good = [score for _, score in told["scores"].values()]
    note = path.parent / "note.txt"
    values = {
        "note": "\n" + note.read_text(encoding="utf-8") if note.exists() else "",
        "exams": "\n".join(exams),
        "layers": "\n".join(layers),
        "hop_clean": clean,
        "hop_city": city,
        "hop_both": both,
        "hop_n": n,
        "delta": figures["spliced"] - figures["clean"],
        "n_named": sum(it >= 0.6 for it in good) / len(good),
        "made_by": "the category of tokens, by the grammar that wrote the sentences, that its activations cover best.",
        **{key: figures[key] for key in ("n_tokens", "clean", "spliced", "zeroed")},
        **told["sizes"],
        **_deeds(deeds),
    }
    path.write_text(TEXT.format(**values), encoding="utf-8")


def _deeds(deeds):
    swaps, state, say = deeds["swaps"], deeds["state_control"], deeds["say"]
    out = {
        "swaps": sum(it["after"] == it["wanted"] for it in swaps),
        "n_swaps": len(swaps),
        "swaps_alone": sum(it["after"] == it["wanted"] for it in deeds["swaps_at_city"]),
        "state_n": state["n"],
        "others_before": state["others_before"],
        "others_after": state["others_after"],
        "controls": state["controls"],
        "kept_state": state["controls_kept"],
        "kept_say": say["controls_kept"],
        "kept_fr": deeds["french"]["controls_kept"],
        "kept_es": deeds["spanish"]["controls_kept"],
        "say_list": ", ".join(f"L{layer}/{it}" for layer, it in say["features"]),
        "say_turned": say["turned"],
        "say_of": say["of"],
        "say_said": say["said"],
        "say_own": say["says_own_state"],
        "say_dallas": say["dallas"],
        "say_states": say["states_right"],
        "say_states_of": say["states_of"],
    }
    for short, name in (("fr", "french"), ("es", "spanish")):
        for key in ("n", "factor", "own_before", "own_after", "other_before", "other_after"):
            out[f"{short}_{key}"] = deeds[name][key]
    return out


def sizes(scope, work):
    """Of model and transcoders, for the card; and bytes in all."""
    return {
        "parameters": sum(it.numel() for it in scope.model.parameters()),
        "vocabulary": scope.model.config.vocab_size,
        "width": scope.width,
        "bytes": size_bytes(work),
    }
