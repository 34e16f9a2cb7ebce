"""Runs the deeds of `deeds` and counts: what each intervention does, what it leaves alone. The golden carries them to the engine's tests."""

import torch

import label
from bars import Bar
from corpus import sentences
from deeds import (
    LANGUAGE_FACTOR,
    N_SWAPS,
    SAY_FACTOR,
    SWAP_TEMPLATE,
    answers,
    capitals_of,
    controls,
    groups,
    pairs,
    swap,
)
from facts import STATES
from kinds_facts import CITY

# A control may lose so many of a hundred.
CONTROLS_KEEP = 0.97


def gather(scope, tokenizer, log):
    """All deeds with their counts, as plain data."""
    text = label.Text(tokenizer)
    found = groups(list(label.table(scope, text)), text, scope)
    out = {"swaps": _swaps(scope, tokenizer, found["states"])}
    out["state_control"] = _state_control(scope, tokenizer, found["states"])
    out["say"] = _say(scope, tokenizer, [(layer, it) for _, layer, it in found["say"]])
    out["french"] = _language(scope, tokenizer, found["French"], "fr", "es")
    out["spanish"] = _language(scope, tokenizer, found["Spanish"], "es", "fr")
    log(f"groups: states {sum(map(len, found['states'].values()))}, say {found['say']}")
    for it in out["swaps"]:
        log(f"swap {it['city']} -> {it['other_city']}: {it['before']} -> {it['after']} (wanted {it['wanted']}; {it['n']} changes)")
    for name in ("state_control", "say", "french", "spanish"):
        log(f"{name}: " + ", ".join(f"{key} {it}" for key, it in out[name].items() if key != "features" and "questions" not in key))
    return out


def _swaps(scope, tokenizer, states):
    out = []
    for (state, city), (other_state, other_city) in pairs():
        before, after, changes = swap(scope, tokenizer, states, ((state, city), (other_state, other_city)))
        out.append({
            "city": city,
            "other_city": other_city,
            "prompt": SWAP_TEMPLATE.split(" {!")[0].replace("{city}", city),
            "before": before,
            "after": after,
            "wanted": STATES[other_state][0],
            "n": len(changes),
            "interventions": [[a, p, b, round(v, 5)] for a, b, p, v in changes],
        })
    return out


def _state_control(scope, tokenizer, states):
    """Texas's features off: what other states' questions and other subjects say."""
    items = [it for it in sentences()["two-step"]["train"] if it.template == SWAP_TEMPLATE]
    others = [it for it in items if it.find("city").value != "Texas"]
    features = states.get("Texas", [])
    before, said_before = answers(scope, tokenizer, others, [], 0.0)
    after, said_after = answers(scope, tokenizer, others, features, 0.0)
    return {
        "features": features,
        "questions": _questions(others, said_before, said_after, 4),
        "others_before": before.sum().item(),
        "others_after": (after & before).sum().item(),
        **_kept(scope, tokenizer, features, 0.0),
    }


def _questions(items, before, after, every):
    """`[prompt, said before, said after]` of every so many: the engine's tests ask them again."""
    rows = [[it.prompt, a, b] for it, a, b in zip(items, before, after)]
    return rows[::every]


def _kept(scope, tokenizer, features, factor):
    """How many control questions keep their answer."""
    items = controls()
    _, before = answers(scope, tokenizer, items, [], 0.0)
    _, after = answers(scope, tokenizer, items, features, factor)
    return {
        "controls": len(items),
        "controls_kept": sum(a == b for a, b in zip(before, after)),
        "control_questions": _questions(items, before, after, 5),
    }


def _say(scope, tokenizer, ranked):
    """The smallest number of "say a capital" features that turns most answers round, at minus one times their values."""
    items = [it for it in sentences()["two-step"]["train"] if it.template == SWAP_TEMPLATE][:40]
    capitals = {capital for capital, _ in STATES.values()}
    _, before = answers(scope, tokenizer, items, [], 0.0)
    best = None
    for n in range(1, len(ranked) + 1):
        _, said = answers(scope, tokenizer, items, ranked[:n], SAY_FACTOR)
        turned = sum(it not in capitals for it in said)
        own = sum(a == it.find("city").value for a, it in zip(said, items))
        if best is None or turned > best["turned"] + 2:
            best = {"features": ranked[:n], "n": n, "turned": turned, "says_own_state": own, "of": len(items)}
            best["said"] = max(sorted(set(said)), key=said.count)
            best["questions"] = _questions(items, before, said, 3)
            _, (dallas,) = answers(scope, tokenizer, [_dallas(items)], ranked[:n], SAY_FACTOR)
            best["dallas"] = dallas
    states = [it for it in sentences()["city"]["train"] if it.template == CITY[0]][:40]
    good, _ = answers(scope, tokenizer, states, best["features"], SAY_FACTOR)
    best["states_right"] = good.sum().item()
    return best | _kept(scope, tokenizer, best["features"], SAY_FACTOR)


def _dallas(items):
    every = [it for it in sentences()["two-step"]["train"] + sentences()["two-step"]["held"] if it.template == SWAP_TEMPLATE]
    return next(it for it in every if "Dallas" in it.text)


def _language(scope, tokenizer, features, lang, other):
    """Questions for capitals in one language and the other, with the group turned round."""
    out = {"features": features, "n": len(features)}
    for name, which in (("own", lang), ("other", other)):
        items = capitals_of(which)
        before, said_before = answers(scope, tokenizer, items, [], 0.0)
        after, said = answers(scope, tokenizer, items, features, LANGUAGE_FACTOR)
        out[f"{name}_questions"] = _questions(items, said_before, said, 1)
        out |= {f"{name}_before": before.sum().item(), f"{name}_after": (after & before).sum().item(), f"{name}_of": len(items)}
    return out | _kept(scope, tokenizer, features, LANGUAGE_FACTOR)


def bars_of(deeds):
    """The bars of what features do."""
    swaps, control, say = deeds["swaps"], deeds["state_control"], deeds["say"]
    done = sum(it["after"] == it["wanted"] for it in swaps)
    out = [
        Bar("state swaps that give the other capital", done / len(swaps), 0.5, N_SWAPS, True),
        Bar(
            "other states' questions kept with Texas off",
            control["others_after"] / max(1, control["others_before"]), CONTROLS_KEEP, control["others_before"], True,
        ),
        Bar('"say a capital" at -1: answers that are no capital', say["turned"] / say["of"], 0.5, say["of"], True),
    ]  # fmt: skip
    for name in ("french", "spanish"):
        it = deeds[name]
        out += [
            Bar(f"{name} group at -1: its own questions still answered", it["own_after"] / max(1, it["own_before"]), 0.5, it["own_before"], False),
            Bar(f"{name} group at -1: the other language's kept", it["other_after"] / max(1, it["other_before"]), 0.9, it["other_before"], True),
        ]
    for name in ("state_control", "say", "french", "spanish"):
        it = deeds[name]
        out.append(Bar(f"{name}: control questions kept", it["controls_kept"] / it["controls"], CONTROLS_KEEP, it["controls"], True))
    return out
