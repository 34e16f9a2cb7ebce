"""Runs the deeds of `deeds` and counts: what each intervention does, what it leaves alone. The golden carries them to the engine's tests."""

import torch

import label
from bars import Bar
from corpus import sentences
from deeds import (
    LANGUAGE_FACTORS,
    N_SWAPS,
    SAY_FACTOR,
    OF_CITIES,
    OF_CITIES_ALONE,
    SWAP_TEMPLATE,
    Cities,
    answers,
    capitals_of,
    controls,
    groups,
    pairs,
)
from facts import STATES
from kinds_facts import CITY

# A control may lose so many of a hundred.
CONTROLS_KEEP = 0.97


def gather(scope, tokenizer, log):
    """All deeds with their counts, as plain data."""
    text = label.Text(tokenizer)
    found = groups(label.table(scope, text), text)
    cities = Cities(scope, tokenizer)
    out = {
        "swaps": _swaps(cities, [cities.city, cities.last], OF_CITIES),
        "swaps_at_city": _swaps(cities, [cities.city], OF_CITIES_ALONE),
        "state_control": _state_control(scope, tokenizer, cities),
        "say": _say(scope, tokenizer, [(layer, it) for _, layer, it in found["say"]]),
        "french": _language(scope, tokenizer, found["French"], "fr", "es"),
        "spanish": _language(scope, tokenizer, found["Spanish"], "es", "fr"),
    }
    log(f"say a capital: {found['say']}")
    for it in out["swaps"]:
        log(f"swap {it['city']} -> {it['other_city']}: {it['before']} -> {it['after']} (wanted {it['wanted']}; {it['n']} changes)")
    for name in ("swaps", "swaps_at_city"):
        log(f"{name}: {_done(out[name])} of {len(out[name])}")
    for name in ("state_control", "say", "french", "spanish"):
        log(f"{name}: " + ", ".join(f"{key} {it}" for key, it in out[name].items() if key != "features" and "questions" not in key))
    return out


def _done(swaps):
    """How many swaps gave the capital that was wanted."""
    return sum(it["after"] == it["wanted"] for it in swaps)


def _swaps(cities, places, of_cities):
    out = []
    for (state, city), (other_state, other_city) in pairs():
        pair = ((state, city), (other_state, other_city))
        before, after, changes = cities.swap(pair, places, of_cities)
        out.append({
            "city": city,
            "other_city": other_city,
            "prompt": SWAP_TEMPLATE.split(" {!")[0].replace("{city}", city),
            "before": before,
            "after": after,
            "wanted": STATES[other_state][0],
            "n": len(changes),
            "interventions": changes,
        })
    return out


def _state_control(scope, tokenizer, cities):
    """Texas's features off everywhere: what other states' questions and other subjects say."""
    items = [it for it in sentences()["two-step"]["train"] if it.template == SWAP_TEMPLATE]
    others = [it for it in items if it.find("city").value != "Texas"]
    both = {at: cities.of("Texas", at, OF_CITIES) for at in (cities.city, cities.last)}
    features = sorted(set(both[cities.city]) | set(both[cities.last]))
    before, said_before = answers(scope, tokenizer, others, [], 0.0)
    after, said_after = answers(scope, tokenizer, others, features, 0.0)
    return {
        "features": features,
        "n": len(features),
        "questions": _questions(others, said_before, said_after, 9),
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
        "control_questions": _questions(items, before, after, 10),
    }


def _say(scope, tokenizer, ranked):
    """The features that turn most answers round at minus one times their values and leave most questions for the state alone: one
    of the best, or the best few together."""
    two_steps = [it for it in sentences()["two-step"]["train"] if it.template == SWAP_TEMPLATE][:40]
    states = [it for it in sentences()["city"]["train"] if it.template == CITY[0]][:40]
    choices = [[it] for it in ranked] + [ranked[:n] for n in range(2, len(ranked) + 1)]
    counted = [_said_with(scope, tokenizer, two_steps, states, it) for it in choices]
    best = max(counted, key=lambda it: it["turned"] + it["states_right"] - it["n"])
    return best | _kept(scope, tokenizer, best["features"], SAY_FACTOR)


def _said_with(scope, tokenizer, two_steps, states, features):
    capitals = {capital for capital, _ in STATES.values()}
    _, before = answers(scope, tokenizer, two_steps, [], 0.0)
    _, said = answers(scope, tokenizer, two_steps, features, SAY_FACTOR)
    _, (dallas,) = answers(scope, tokenizer, [_dallas()], features, SAY_FACTOR)
    right, said_states = answers(scope, tokenizer, states, features, SAY_FACTOR)
    _, states_before = answers(scope, tokenizer, states, [], 0.0)
    return {
        "features": features,
        "n": len(features),
        "of": len(two_steps),
        "turned": sum(it not in capitals for it in said),
        "says_own_state": sum(a == it.find("city").value for a, it in zip(said, two_steps)),
        "said": max(sorted(set(said)), key=said.count),
        "dallas": dallas,
        "states_of": len(states),
        "states_right": right.sum().item(),
        "questions": _questions(two_steps, before, said, 4),
        "state_questions": _questions(states, states_before, said_states, 4),
    }


def _dallas():
    cells = sentences()["two-step"]
    return next(it for it in cells["train"] + cells["held"] if it.template == SWAP_TEMPLATE and "Dallas" in it.text)


def _language(scope, tokenizer, features, lang, other):
    """Questions for capitals in one language and the other with the group off, or, if that does not stop it, turned round."""
    for factor in LANGUAGE_FACTORS:
        out = {"features": features, "n": len(features), "factor": factor}
        for name, which in (("own", lang), ("other", other)):
            items = capitals_of(which)
            before, said_before = answers(scope, tokenizer, items, [], 0.0)
            after, said = answers(scope, tokenizer, items, features, factor)
            out[f"{name}_questions"] = _questions(items, said_before, said, 2)
            out |= {f"{name}_before": before.sum().item(), f"{name}_after": (after & before).sum().item()}
        if 2 * out["own_after"] <= out["own_before"]:
            break
    return out | _kept(scope, tokenizer, features, out["factor"])


def bars_of(deeds):
    """The bars of what features do."""
    swaps, control, say = deeds["swaps"], deeds["state_control"], deeds["say"]
    out = [
        Bar("state swaps that give the other capital", _done(swaps) / len(swaps), 0.5, N_SWAPS, True),
        Bar(
            "other states' questions kept with Texas off",
            control["others_after"] / max(1, control["others_before"]), CONTROLS_KEEP, control["others_before"], True,
        ),
        Bar('"say a capital" at -1: answers that are no capital', say["turned"] / say["of"], 0.5, say["of"], True),
    ]  # fmt: skip
    french = deeds["french"]
    stopped, kept = (french[f"{it}_after"] / max(1, french[f"{it}_before"]) for it in ("own", "other"))
    out += [
        Bar("French stopped: its questions still answered", stopped, 0.5, french["own_before"], False),
        Bar("French stopped: Spanish questions still answered", kept, 0.9, french["other_before"], True),
    ]
    for name in ("state_control", "say", "french"):
        it = deeds[name]
        out.append(Bar(f"{name}: control questions kept", it["controls_kept"] / it["controls"], CONTROLS_KEEP, it["controls"], True))
    return out
