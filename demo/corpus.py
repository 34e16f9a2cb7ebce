"""All sentences by kind and cell, and sequences of tokens drawn from them by a mix of shares."""

import itertools
from functools import cache

import numpy as np

import kinds_facts
import kinds_words
from kinds_words import drawn

# Share of the sentences of the training text. A kind that is learned late has more than its number of facts asks for.
MIX = {
    "two-step": 0.17,
    "city": 0.13,
    "capital": 0.08,
    "country": 0.21,
    "opposite": 0.10,
    "sum": 0.04,
    "agreement": 0.07,
    "indirect": 0.10,
    "pronoun": 0.02,
    "days": 0.06,
    "story": 0.02,
}
BOS, EOS, PAD, UNK = 2, 1, 0, 3
LENGTH = 64


@cache
def sentences():
    """Kind -> cell -> sentences."""
    makers = {
        "two-step": kinds_facts.two_step,
        "city": kinds_facts.cities,
        "capital": kinds_facts.capitals,
        "country": kinds_facts.countries,
        "opposite": kinds_words.opposites,
        "sum": kinds_words.sums,
        "agreement": lambda: drawn(kinds_words.agreement, "agreement"),
        "indirect": lambda: drawn(kinds_words.indirect, "indirect"),
        "pronoun": lambda: drawn(kinds_words.pronouns, "pronoun"),
        "days": kinds_words.days,
        "story": lambda: drawn(kinds_words.stories, "story"),
    }
    out = {}
    for kind, make in makers.items():
        cells = {}
        for sentence, cell in make():
            cells.setdefault(cell, []).append(sentence)
        out[kind] = cells
    return out


def everything():
    """Every sentence there is."""
    return itertools.chain.from_iterable(cell for cells in sentences().values() for cell in cells.values())


class Stream:
    """Sequences of `LENGTH` tokens: BOS, then whole sentences of one cell joined by newlines, the last one cut."""

    def __init__(self, tokenizer, cell, seed):
        self.pools = {}
        for kind, cells in sentences().items():
            texts = [it.text + "\n" for it in cells.get(cell, ())]
            if texts:
                encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
                self.pools[kind] = [np.array(it.ids, np.int64) for it in encoded]
        self.kinds = list(self.pools)
        shares = np.array([MIX[it] for it in self.kinds])
        self.shares = shares / shares.sum()
        self.random = np.random.default_rng(seed)

    def sequence(self):
        """One sequence."""
        parts, n = [np.array([BOS])], 1
        while n < LENGTH:
            kind = self.kinds[self.random.choice(len(self.kinds), p=self.shares)]
            pool = self.pools[kind]
            parts.append(pool[self.random.integers(len(pool))])
            n += len(parts[-1])
        return np.concatenate(parts)[:LENGTH]

    def batch(self, n):
        """`n` sequences, [n, LENGTH]."""
        return np.stack([self.sequence() for _ in range(n)])
