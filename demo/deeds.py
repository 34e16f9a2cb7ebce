"""What features do: swap a state's for another's, turn round "say a capital", stop a language; controls beside each."""

import itertools

import torch

from corpus import sentences
from exams import Batch, right
from facts import COUNTRIES, STATES, UNSEEN_STATES
from kinds_facts import TWO_STEP, unseen_cities

SWAP_TEMPLATE = TWO_STEP[0]
N_SWAPS = 20
# A feature is one of a state at a position of that template when it fires for so many of the state's five cities, and more than so many
# times as strongly as for cities at large. Of a language, when so much of its activation lies in its sentences.
OF_CITIES, TIMES_OTHERS, OF_LANGUAGE = 0.4, 2.0, 0.6
# With the city's position alone changed, features of any of the state's cities are taken.
OF_CITIES_ALONE = 0.2
# What the clean values of a group are multiplied by.
SAY_FACTOR, LANGUAGE_FACTORS = -1.0, (0.0, -1.0)
SAY_GROUP = 5


def to(wanted):
    """The change that sets."""
    return lambda value: torch.zeros_like(value) + wanted


def groups(tables, text):
    """The groups that are found from the same sentences as the labels.

    `say`: the features that cover "say the capital of a state" best, as (F1, layer, feature). `French`, `Spanish`: those with most of
    their activation in such sentences.
    """
    names = text.names
    out = {"say": [], "French": [], "Spanish": []}
    for layer, mass, hits, size, acts, _, _ in tables:
        total = acts.sum(0).clamp_min(1e-9)
        lives = acts.amax(0) > 0
        at = names["say the capital of a state"]
        precision, recall = mass[at] / total, hits[at] / size[at]
        f1 = 2 * precision * recall / (precision + recall).clamp_min(1e-9)
        out["say"] += [(f1[it].item(), layer, it) for it in f1.topk(SAY_GROUP).indices.tolist()]
        for language in ("French", "Spanish"):
            share = mass[names[language]] / total
            out[language] += [(layer, it) for it in ((share > OF_LANGUAGE) & lives).nonzero().flatten().tolist()]
    out["say"] = sorted(out["say"], reverse=True)[:SAY_GROUP]
    return out


class Cities:
    """Activations for one question about every city, and which features are of which state."""

    def __init__(self, scope, tokenizer):
        self.scope, self.tokenizer = scope, tokenizer
        every = [it for cell in sentences()["two-step"].values() for it in cell]
        items = [it for it in every if it.template == SWAP_TEMPLATE]
        batch = Batch(tokenizer, items)
        self.rows = torch.tensor(batch.prompts)
        self.city, self.last = batch.at(tokenizer, "city")[0].item(), self.rows.shape[1] - 1
        self.names = [it.text[it.find("city").start : it.find("city").end] for it in items]
        self.states = [it.find("city").value for it in items]
        self.logits, self.acts = scope.run(self.rows)
        self.mean = self.acts.mean(1)

    def of(self, state, at, of_cities):
        """(layer, feature) -> mean value, of the features that are the state's at a position."""
        mine = self.acts[:, [it == state for it in self.states], at]
        mean = mine.mean(1)
        on = ((mine > 0).float().mean(1) >= of_cities) & (mean > TIMES_OTHERS * self.mean[:, at])
        return {(a, b): mean[a, b].item() for a, b in on.nonzero().tolist()}

    def swap(self, pair, places, of_cities):
        """(said before, said after, interventions) with one state's features set to 0 and another's to their mean values."""
        (state, city), (other, _) = pair
        row, changes = self.names.index(city), []
        for at in places:
            theirs = self.of(other, at, of_cities)
            for layer, feature in self.of(state, at, of_cities):
                if self.acts[layer, row, at, feature] > 0 and (layer, feature) not in theirs:
                    changes.append((layer, at, feature, 0.0))
            changes += [(layer, at, feature, round(value, 5)) for (layer, feature), value in theirs.items()]
        applied = [(a, b, slice(at, at + 1), to(value)) for a, at, b, value in changes]
        after, _ = self.scope.run(self.rows[row : row + 1], applied)
        return self._said(self.logits[row]), self._said(after[0]), changes

    def _said(self, logits):
        return self.tokenizer.decode([logits[-1].argmax().item()]).strip()


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
