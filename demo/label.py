"""A label for every living feature, found from data: the category of the grammar that its activations cover best."""

import json
import random

import torch

from corpus import BOS, MIX, PAD, sentences
from grammar import hashed

N_SENTENCES = 2_600
N_TOP = 10
# Below it no single category tells what a feature is, and up to three are named.
GOOD = 0.6
MADE = (
    "Automatically, from data: the category of tokens that a feature's activations cover best, by the grammar that wrote "
    "the sentences. Nobody has read them."
)
LANGUAGES = {"en": "English", "fr": "French", "es": "Spanish"}
ROLES = {
    "city": "cities",
    "state": "states",
    "capital": "capitals",
    "country": "countries",
    "language": "languages",
    "currency": "currencies",
    "word": "words asked for their opposites",
    "opposite": "opposites",
    "a": "people and numbers named in pairs",
    "b": "people and numbers named in pairs",
    "sum": "results of sums",
    "subject": "subjects",
    "other": "nouns between subject and verb",
    "verb": "verbs",
    "pronoun": "pronouns",
    "name": "people",
    "place": "places like the park",
    "thing": "things given or lost",
    "from_": "days and months",
    "to": "days and months",
    "one": "days and months",
    "two": "days and months",
    "three": "days and months",
    "hero": "heroes of stories",
    "child": "boys and girls of stories",
}
KINDS = {
    "two-step": "questions in two steps",
    "city": "questions for a city's state",
    "capital": "questions for a state's capital",
    "country": "sentences about countries",
    "opposite": "opposites",
    "sum": "sums",
    "agreement": "agreement of verbs",
    "indirect": "who gave what to whom",
    "pronoun": "pronouns",
    "days": "days and months",
    "story": "stories",
}
SAY = {"capital": "a capital", "state": "a state", "language": "a language", "currency": "a currency", "opposite": "an opposite"}
SAY |= {"verb": "a verb", "pronoun": "he or she", "sum": "a sum", "to": "a day or month", "a": "a person", "hero": "the hero"}


class Text:
    """Sentences of all cells by the corpus's mix, as rows of tokens, each token with the names of its categories."""

    def __init__(self, tokenizer):
        draw = random.Random(hashed("labels"))
        self.sentences = []
        for kind, share in MIX.items():
            pool = [it for cell in sentences()[kind].values() for it in cell]
            self.sentences += draw.sample(pool, min(len(pool), round(share * N_SENTENCES)))
        encoded = tokenizer.encode_batch([it.text for it in self.sentences], add_special_tokens=False)
        longest = max(len(it.ids) for it in encoded) + 1
        rows = [[BOS, *it.ids] for it in encoded]
        self.tokens = torch.tensor([it + [PAD] * (longest - len(it)) for it in rows])
        self.lengths = [len(it) for it in rows]
        self.texts = [["<bos>", *(it.text[a:b] for a, b in cut.offsets)] for it, cut in zip(self.sentences, encoded)]
        self.names, self.ids = {}, []
        for sentence, cut in zip(self.sentences, encoded):
            self.ids.append([self._categories(sentence, cut.offsets, n) for n in range(len(cut.ids))])

    def _categories(self, sentence, offsets, n):
        """The numbers of a token's categories."""
        found = categories(sentence, offsets, n)
        return [self.names.setdefault(it, len(self.names)) for it in found]


def _span_at(sentence, offsets, n):
    start, end = offsets[n]
    return next((it for it in sentence.spans if it.start < end and start < it.end), None)


def categories(sentence, offsets, n):
    """What the grammar says of the token `n`: itself, its part, what comes next, what was named before."""
    text = lambda it: sentence.text[slice(*offsets[it])].strip() or "a space"  # noqa: E731
    kind = KINDS[sentence.kind]
    out = [f"“{text(n)}”", LANGUAGES[sentence.lang], kind, f"“{text(n)}” in {kind}"]
    here = _span_at(sentence, offsets, n)
    last = n + 1 == len(offsets)
    after = None if last else _span_at(sentence, offsets, n + 1)
    if here is not None:
        role = ROLES[here.role]
        out.append(role)
        out += _owned(here, sentence, role)
    if after is not None and after is not here:
        out.append(f"say “{text(n + 1)}”")
        if sentence.answer is not None and after is sentence.spans[sentence.answer]:
            out.append(f"say {SAY.get(after.role, 'an answer')}")
            if after.role == "capital":
                out.append(f"say the capital of a {'country' if sentence.kind == 'country' else 'state'}")
            if after.role == "verb":
                out.append(f"say a verb in the {after.value}")
            if sentence.kind in ("two-step", "city", "capital"):
                out.append(f"the answer is of {after.value}")
    elif here is None and not last:
        out.append(f"before “{text(n + 1)}”")
    subject = next((it for it in sentence.spans if it.role == "subject"), None)
    if subject is not None and subject.start < offsets[n][1] and offsets[n][0] < sentence.find("verb").start:
        out.append(f"from a {subject.value} subject to its verb")
    place = next((it for it in sentence.spans if it.role in ("city", "state") and sentence.kind != "country"), None)
    if place is not None and place.start < offsets[n][1]:
        out.append(f"from a place of {place.value} on")
    return list(dict.fromkeys(out))


def _owned(span, sentence, role):
    """Categories of a name by whose it is."""
    if span.role == "subject":
        return [f"{span.value} subjects"]
    if span.role in ("city", "state", "capital") and sentence.kind in ("two-step", "city", "capital"):
        return [f"{role} of {span.value}", f"places of {span.value}"] if span.role != "state" else [f"places of {span.value}"]
    if span.role in ("country", "capital", "language", "currency"):
        return [f"names of {span.value}"]
    return [f"“{span.value}” among {role}"] if span.role in ("word", "opposite") else []


@torch.no_grad()
def table(scope, text):
    """For each layer: (mass [n_categories, width], hits, size of each category, acts of each token, row and position of each)."""
    flat = [(row, at + 1, ids) for row, tokens in enumerate(text.ids) for at, ids in enumerate(tokens)]
    rows = torch.tensor([it[0] for it in flat])
    positions = torch.tensor([it[1] for it in flat])
    pairs = [(n, it) for n, (_, _, ids) in enumerate(flat) for it in ids]
    token, category = torch.tensor(pairs).T
    size = torch.bincount(category, minlength=len(text.names)).float()
    kept = [[] for _ in scope.layers]

    def look(layer, x, _out):
        kept[layer].append(scope.acts(layer, x))

    with scope.watched(look):
        for part in text.tokens.split(256):
            scope.model.model(input_ids=part, use_cache=False)
    for layer, acts in enumerate(kept):
        acts = torch.cat(acts)[rows, positions]
        mass = torch.zeros(len(text.names), scope.width).index_add_(0, category, acts[token])
        hits = torch.zeros(len(text.names), scope.width).index_add_(0, category, (acts[token] > 0).float())
        yield layer, mass, hits, size, acts, rows, positions


def _named(mass, hits, size, total, names):
    """(label, score) of one feature: F1 of the share of its mass that a category holds and the share of the category it fires on."""
    precision, recall = mass / total, hits / size
    f1 = 2 * precision * recall / (precision + recall).clamp_min(1e-9)
    best = f1.argmax().item()
    if f1[best] >= GOOD:
        return names[best], f1[best].item()
    parts, covered = [], 0.0
    order = (f1 + 1e-3 * precision).topk(min(6, len(names))).indices.tolist()
    for it in order:
        told = any(part in names[it] or names[it] in part for part in parts)
        if not told and (precision[it] >= 0.15 or not parts):
            parts.append(names[it])
            covered += precision[it].item()
        if covered > 0.9 or len(parts) == 3:
            break
    return "; ".join(parts), f1[best].item()


def label(scope, tokenizer):
    """(what `labels.json` holds, (layer, feature) -> (label, score))."""
    text = Text(tokenizer)
    names = list(text.names)
    layers, scores, used = [], {}, {}
    for layer, mass, hits, size, acts, rows, positions in table(scope, text):
        features = []
        top = acts.topk(60, 0)
        density = (acts > 0).float().mean(0)
        for feature in range(scope.width):
            total = mass_of = acts[:, feature].sum()
            if total == 0:
                continue
            name, score = _named(mass[:, feature], hits[:, feature], size, mass_of, names)
            scores[layer, feature] = (name, score)
            features.append({
                "index": feature,
                "label": name,
                "density": float(f"{density[feature]:.3g}"),
                "max": float(f"{top.values[0, feature]:.3g}"),
                "top": _top(top.values[:, feature], top.indices[:, feature], rows, positions, used),
            })
        layers.append({"layer": layer, "features": features})
    listed = [text.texts[it] for it in used]
    return {"version": 1, "made": MADE, "sentences": listed, "layers": layers}, scores


def _top(values, tokens, rows, positions, used):
    """Ten strongest examples, one per sentence: [sentence, position, value]."""
    out, seen = [], set()
    for value, token in zip(values.tolist(), tokens.tolist()):
        row = rows[token].item()
        if value <= 0 or len(out) == N_TOP:
            break
        if row not in seen:
            seen.add(row)
            out.append([used.setdefault(row, len(used)), positions[token].item(), float(f"{value:.3g}")])
    return out


def write(labels, path):
    """Compact JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(labels, file, ensure_ascii=False, separators=(",", ":"))
