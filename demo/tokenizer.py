"""Gemma's form of a tokenizer over the corpus: BPE with byte fallback, a space is `▁`, every name a single token."""

import json
import re
from collections import Counter

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from corpus import everything
from facts import COUNTRIES, LANGUAGES, PEOPLE, STATES

SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>"]
# Letters joined to the space before them. Digits and punctuation stand alone, as Gemma has it, but for these.
_WORDS = re.compile(r"▁?[^\W\d_]+")
_SIGNS = ['▁"', "▁+", "▁=", "▁:"]
_MORE_THAN_ALL = 20_000


def names():
    """All names of places and people."""
    for state, (capital, cities) in STATES.items():
        yield from (state, capital, *cities)
    for country in COUNTRIES:
        yield from (country[lang] for lang in LANGUAGES)
        yield from (country[f"capital_{lang}"] for lang in LANGUAGES)
    yield from PEOPLE


def build():
    """The text of `tokenizer.json`."""
    words = Counter(_SIGNS)
    for sentence in everything():
        words.update(_WORDS.findall(sentence.text.replace(" ", "▁")))
    for name in names():
        parts = name.split(" ")
        words.update([parts[0], *(f"▁{it}" for it in parts)])
    vocabulary, merges = _train(words)
    for name in sorted(set(names())):
        if " " in name:
            _join(name, vocabulary, merges)
    return json.dumps(_file(vocabulary, merges), ensure_ascii=False, separators=(",", ":"))


def load(text):
    """The tokenizer of a file's text."""
    return Tokenizer.from_str(text)


def _train(words):
    """BPE within words until every word is whole."""
    alphabet = sorted(set(map(chr, range(33, 127))) | {"▁", "\n"} | {it for word in words for it in word})
    trainer = trainers.BpeTrainer(
        vocab_size=_MORE_THAN_ALL, min_frequency=1, show_progress=False, initial_alphabet=alphabet
    )
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Split("\n", "removed")
    # Sorted, and rare words as heavy as frequent ones: the order of merges follows from the list alone.
    bpe.train_from_iterator(sorted(words), trainer)
    model = json.loads(bpe.to_str())["model"]
    merges = [tuple(it) for it in model["merges"]]
    return alphabet + ["".join(it) for it in merges], merges


def _join(name, vocabulary, merges):
    """Merges of the last rank make one token of a name of several words, with and without the space before it."""
    for first in ("", "▁"):
        whole, *rest = f"{first}{name.replace(' ', ' ▁')}".split(" ")
        for part in rest:
            if (whole, part) not in merges:
                merges.append((whole, part))
            whole += part
            if whole not in vocabulary:
                vocabulary.append(whole)


def _file(vocabulary, merges):
    unique = list(dict.fromkeys(vocabulary))
    tokens = SPECIALS + [f"<0x{it:02X}>" for it in range(256)] + unique
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    bos = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": n, "content": it, **added} for n, it in enumerate(SPECIALS)],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {
            "type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [
                bos, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<bos>", "type_id": 1}},
                {"Sequence": {"id": "B", "type_id": 1}},
            ],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {it: n for n, it in enumerate(tokens)}, "merges": [list(it) for it in merges],
        },
    }  # fmt: skip


def check(tokenizer):
    """What must hold: names are single tokens with and without a space, every text comes back as it was."""
    for name in names():
        for text in (name, f" {name}"):
            n = len(tokenizer.encode(text, add_special_tokens=False).ids)
            assert n == 1, f"`{text}` is {n} tokens"
    for sentence in everything():
        ids = tokenizer.encode(sentence.text, add_special_tokens=False).ids
        assert tokenizer.decode(ids) == sentence.text, sentence.text
    for text in ("", " ", "  two  spaces ", "naïve – Ω 漢字 🙂\n\tend", "New York, New Mexico"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text, text
