"""What features do: swap a state's for another's, turn round "say a capital", stop a language; controls beside each."""

import itertools

import torch

from corpus import sentences
from exams import Batch, right
from facts import COUNTRIES, STATES, UNSEEN_STATES
from kinds_facts import TWO_STEP, unseen_cities

SWAP_TEMPLATE = TWO_STEP[0]
N_SWAPS = 20
# A feature belongs to a state, or a language, when so much of its activation mass lies there.
OF_STATE, OF_LANGUAGE = 0.5, 0.6
# What the clean values of a group are multiplied by.
SAY_FACTOR, LANGUAGE_FACTOR = -1.0, -1.0
SAY_GROUP = 5


def to(wanted):
    """The change that sets."""
    return lambda value: torch.zeros_like(value) + wanted


def groups(tables, text, scope):
    """The groups that the deeds use, found from the same sentences as the labels.

    States: layer and feature -> the state that holds most of its mass among tokens from a place's name on. `say`: the features
    that cover "say a capital" best. `French`: those with most of their mass in French sentences.
    """
    names = text.names
    places = {state: names[f"from a place of {state} on"] for state in STATES}
    states, say, french, spanish = {}, [], [], []
    for layer, mass, hits, size, acts, _, _ in tables:
        total = acts.sum(0).clamp_min(1e-9)
        lives = acts.amax(0) > 0
        stack = torch.stack([mass[it] for it in places.values()]) / total
        best, which = stack.max(0)
        for feature in ((best > OF_STATE) & lives).nonzero().flatten().tolist():
            states.setdefault(list(places)[which[feature]], []).append((layer, feature))
        at = names["say a capital"]
        precision, recall = mass[at] / total, hits[at] / size[at]
        f1 = 2 * precision * recall / (precision + recall).clamp_min(1e-9)
        say += [(f1[it].item(), layer, it) for it in f1.topk(SAY_GROUP).indices.tolist()]
        for language, out in (("French", french), ("Spanish", spanish)):
            share = mass[names[language]] / total
            out += [(layer, it) for it in ((share > OF_LANGUAGE) & lives).nonzero().flatten().tolist()]
    say.sort(reverse=True)
    return {"states": states, "say": say[:SAY_GROUP], "French": french, "Spanish": spanish}


def pairs():
    """Twenty pairs of a city trained in two-step sentences and one of another state, Dallas and Oakland first."""
    unseen = unseen_cities()
    seen = {
        state: next(it for it in cities if it not in unseen)
        for state, (_, cities) in STATES.items()
        if state not in UNSEEN_STATES
    }
    seen |= {"Texas": "Dallas", "California": "Oakland"}
    others = [it for it in seen if it not in ("Texas", "California")]
    order = ["Texas", "California", *others]
    return [((a, seen[a]), (b, seen[b])) for a, b in itertools.islice(zip(order, order[1:] + order[:1]), N_SWAPS)]


def _item(template, role, name):
    return next(
        it
        for cells in sentences().values()
        for cell in cells.values()
        for it in cell
        if it.template == template and it.find(role) and it.text[it.find(role).start : it.find(role).end] == name
    )


def swap(scope, tokenizer, states, pair):
    """(answer before, answer after, interventions) of a swap: from the city on, one state's features for another's."""
    (state, city), (other_state, other_city) = pair
    batch = Batch(tokenizer, [_item(SWAP_TEMPLATE, "city", city), _item(SWAP_TEMPLATE, "city", other_city)])
    rows = torch.tensor([it for it in batch.prompts])
    at = batch.at(tokenizer, "city")[0].item()
    logits, acts = scope.run(rows)
    mine = states.get(state, [])
    theirs = states.get(other_state, [])
    changes = []
    for position in range(at, rows.shape[1]):
        for layer, feature in mine:
            if acts[layer, 0, position, feature] > 0:
                changes.append((layer, feature, position, 0.0))
        for layer, feature in theirs:
            value = acts[layer, 1, position, feature].item()
            if value > 0:
                changes.append((layer, feature, position, value))
    applied = [(a, b, slice(p, p + 1), to(v)) for a, b, p, v in changes]
    after, _ = scope.run(rows[:1], applied)
    said = lambda it: tokenizer.decode([it[-1].argmax().item()]).strip()  # noqa: E731
    return said(logits[0]), said(after[0]), changes


def answers(scope, tokenizer, items, features, factor):
    """Which questions are answered when features are held at multiples of their clean values, but at BOS; and what is said in each."""
    batch = Batch(tokenizer, items)
    logits, clean = scope.run(batch.tokens)
    if features:
        everywhere = slice(1, None)
        held = [(a, b, everywhere, to(factor * clean[a, :, everywhere, b])) for a, b in features]
        logits, _ = scope.run(batch.tokens, held)
    good = right(tokenizer, batch, logits)
    best = logits[torch.arange(len(items)), batch.last].argmax(-1)
    return good, [tokenizer.decode([it]).strip() for it in best.tolist()]


def controls():
    """Questions that no group above should touch, of kinds with other subjects."""
    out = []
    for kind in ("sum", "agreement", "indirect", "pronoun"):
        out += sentences()[kind]["held"][:25]
    return out


def capitals_of(lang):
    """Questions for the capitals of countries, in the language's plainest template."""
    cells = sentences()["country"]
    first = {"fr": "La capitale {de}{country} est {!capital}.", "es": "La capital de {country} es {!capital}."}[lang]
    items = [it for cell in cells.values() for it in cell if it.template == first]
    order = [it["en"] for it in COUNTRIES]
    return sorted(items, key=lambda it: order.index(it.find("country").value))
