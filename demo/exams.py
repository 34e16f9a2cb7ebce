"""What a model answers on sentences that it never saw, by kind; and whether it hops through its MLPs."""

import random
from contextlib import contextmanager

import torch

from corpus import BOS, PAD, sentences
from facts import VERBS
from grammar import hashed
from kinds_facts import TWO_STEP

MOST = 400
# Kinds with their cells, and what the cards call them.
CELLS = [
    ("two-step", "held", "two-step, cities trained with it"),
    ("two-step", "unseen city", "two-step, cities never seen with it"),
    ("two-step", "unseen state", "two-step, whole states never seen with it"),
    ("city", "held", "city -> state"),
    ("capital", "held", "state -> capital"),
    ("country", "held", "country -> capital, language, currency"),
    ("agreement", "held", "agreement"),
    ("indirect", "held", "indirect objects"),
    ("opposite", "held", "opposites"),
    ("sum", "held", "sums"),
    ("pronoun", "held", "pronouns"),
    ("days", "held", "days and months"),
    ("story", "held", "stories"),
]


def sample(kind, cell):
    """Up to `MOST` sentences, always the same."""
    pool = sentences()[kind][cell]
    return pool if len(pool) <= MOST else random.Random(hashed(kind, cell)).sample(pool, MOST)


class Batch:
    """Sentences as rows of tokens: BOS, prompt, answer, padding on the right (which nothing to its left sees)."""

    def __init__(self, tokenizer, items):
        encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
        self.items = items
        self.prompts = [[BOS, *encode(it.prompt)] for it in items]
        self.answers = [encode(it.answer_text) for it in items]
        rows = [a + b for a, b in zip(self.prompts, self.answers)]
        longest = max(map(len, rows))
        self.tokens = torch.tensor([it + [PAD] * (longest - len(it)) for it in rows])
        self.last = torch.tensor([len(it) - 1 for it in self.prompts])

    def at(self, tokenizer, role):
        """The position of the last token of a role in each row."""
        out = []
        for item in self.items:
            end = item.find(role).end
            out.append(len(tokenizer.encode(item.text[:end], add_special_tokens=False).ids))
        return torch.tensor(out)


def right(tokenizer, batch, logits):
    """Which rows are answered: each token of the answer is the most probable, or for verbs, one of the right number."""
    best = logits.argmax(-1)
    out = []
    for row, (item, prompt, answer) in enumerate(zip(batch.items, batch.prompts, batch.answers)):
        got = best[row, len(prompt) - 1 : len(prompt) - 1 + len(answer)].tolist()
        if item.kind == "agreement":
            verbs = VERBS[item.spans[item.answer].value]
            out.append(tokenizer.decode(got).strip() in verbs)
        else:
            out.append(got == answer)
    return torch.tensor(out)


@torch.no_grad()
def accuracy(model, tokenizer, kind, cell):
    """(share answered, count)."""
    items = sample(kind, cell)
    batch = Batch(tokenizer, items)
    return right(tokenizer, batch, model(input_ids=batch.tokens).logits).float().mean().item(), len(items)


def sit(model, tokenizer):
    """Kind and cell -> (share, count)."""
    return {(kind, cell): accuracy(model, tokenizer, kind, cell) for kind, cell, _ in CELLS}


@contextmanager
def hooked(model, change):
    """While it holds, `change(layer, mlp_out)` stands for what each MLP adds to the stream (after the post norm)."""
    handles = []
    for n, layer in enumerate(model.model.layers):
        hook = lambda _module, _args, out, n=n: change(n, out)  # noqa: E731
        handles.append(layer.post_feedforward_layernorm.register_forward_hook(hook))
    try:
        yield
    finally:
        for it in handles:
            it.remove()


def hops(model, tokenizer):
    """Two-step questions of every template about cities trained with it: shares answered untouched; with every MLP's output at the
    city set to its mean over cities; at the city and at the last position; and how many were asked."""
    cells = sentences()["two-step"]
    items = cells["train"] + cells["held"]
    totals, n = torch.zeros(3), 0
    for template in TWO_STEP:
        asked = [it for it in items if it.template == template]
        totals += torch.tensor(_hop(model, tokenizer, asked)) * len(asked)
        n += len(asked)
    return (*(totals / n).tolist(), n)


@torch.no_grad()
def _hop(model, tokenizer, items):
    """The three shares for sentences of one template."""
    batch = Batch(tokenizer, items)
    rows = torch.arange(len(items))
    city, means = batch.at(tokenizer, "city"), {}

    def keep(layer, out):
        means[layer] = {at: out[rows, place].mean(0) for at, place in (("city", city), ("last", batch.last))}

    def put(places):
        def change(layer, out):
            out = out.clone()
            for at in places:
                out[rows, city if at == "city" else batch.last] = means[layer][at]
            return out

        return change

    shares = []
    for change in (keep, put(["city"]), put(["city", "last"])):
        with hooked(model, change):
            logits = model(input_ids=batch.tokens).logits
        shares.append(right(tokenizer, batch, logits).float().mean().item())
    return shares
