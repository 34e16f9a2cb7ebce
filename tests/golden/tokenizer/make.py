"""Writes small.json, a tokenizer of our own, and small_cases.json, what the Python package makes of texts with it.

Made with Python 3.11.7 and tokenizers 0.23.2: `pip install tokenizers==0.23.2`, then `python make.py` in this folder.
Offsets are in characters, BOS not among the ids. A variant puts other values in place of the file's own keys.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).parent
SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
CHARACTERS = list("abcdeghilnorstuwxBIG.,<>") + ["\n", "\t", "▁", "é"]
MERGES = [
    ("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("▁", "hello"), ("o", "r"), ("w", "or"), ("l", "d"),
    ("wor", "ld"), ("▁", "world"), ("c", "a"), ("ca", "t"), ("▁", "cat"), ("▁", "▁"), ("▁▁", "▁▁"), ("b", "i"),
    ("bi", "g"), ("▁", "big"), ("\n", "\n"), ("w", "o"), ("wo", "w"),
]
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
DECODER = {
    "type": "Sequence",
    "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ],
}
POST_PROCESSOR = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}},
}
# Content and what is set; those that the vocabulary does not have get the ids after it.
ADDED = [(it, ["special"]) for it in SPECIALS] + [
    ("<tag>", []),
    ("big cat", ["normalized"]),
    ("<l>", ["special", "lstrip"]),
    ("<r>", ["special", "rstrip"]),
    ("<lr>", ["lstrip", "rstrip"]),
    ("wow", ["single_word"]),
    ("<n r>", ["normalized", "rstrip"]),
    ("<s n>", ["normalized", "special"]),
    ("Big B", ["normalized", "single_word"]),
    ("\n\n\n", []),
    ("€", []),
]
TEXTS = [
    "", " ", "   ", "a", "hello world", " hello  world", "hello\nworld\n", "\n\n", "\n\n\n", "\n\n\n\n\n", "\t\ta", "\r\n",
    "<bos>hello", "<bos>", "<bos><bos>hello", " <bos>hello", "hello<bos>world", "<eos><pad>", "<unk>",
    "<start_of_turn>hello\nworld<end_of_turn>\n", "<start_of_turn", "<tag>", "a <tag> b", "<tag><tag>",
    "big cat", "a big cat", "bigcat", "big  cat", "Big B", "a Big B.", "Big Bigger", "BIG CAT", "big b", "xbig catx",
    "  <l>  a", "a <l>", "<l> a", "a  <r>  b", "<r>", " <r> ", "a  <lr>  b", "<lr> <lr>", "<r>  <l>", "<l><r> <lr> <l>",
    "<r>\n\n\n a", "<r> \n\n\n\n", "a\n\n\n<l>b", "wow", "wow wow", "wowow", "xwow wowx", "wow!", "éwow", "wow\u0301",
    "<n r>", "a<n r>   b", "<n r>\n b", "<n  r>", "<s n>", "a <s n> b", "<bos> <s n>",
    "€", "a€b", "5 €", "é", "e\u0301", "ü", "日本", "😀", "a😀b", "👩\u200d👧", "\u200b", "NULL\0byte", "ž<tag>ž", "𝕳<l>𝕳",
    "▁literal▁", "<0xE2>", "a<0x41>b", "İ ẞ", "ЖЖЖ", "hello, world. hello, world.", "q" * 40, "a" * 40,
]
RUNS_OF_IDS = [
    ["<0xE2>", "<0x82>", "<0xAC>"], ["<0xE2>", "<0x82>"], ["a", "<0xFF>", "b"], ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "a"],
    ["▁hello", "<eos>", "▁world"], ["<bos>", "<tag>", "<l>"], ["▁", "▁▁", "▁▁▁▁"],
]
VARIANTS = {
    "as it is": {},
    "without a post-processor": {"post_processor": None},
    "without byte fallback": {"byte_fallback": False},
    "without byte fallback, unknowns apart": {"byte_fallback": False, "fuse_unk": False},
    "in lower case": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, REPLACE]}},
    "prepended": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, REPLACE]}},
    "without a normalizer": {"normalizer": None},
    "split": {
        "pre_tokenizer": {"type": "Split", "pattern": {"String": "▁"}, "behavior": "MergedWithNext", "invert": False}
    },
    "whole words first": {"ignore_merges": True},
    "old merges": {"merges": [" ".join(it) for it in MERGES]},
}


def small():
    words = SPECIALS + [f"<0x{it:02X}>" for it in range(256)] + CHARACTERS
    words += [a + b for a, b in MERGES if a + b not in words]
    vocab = {word: id for id, word in enumerate(words)}
    assert len(vocab) == len(words)
    keys = ["single_word", "lstrip", "rstrip", "normalized", "special"]
    added, next_id = [], len(vocab)
    for content, given in ADDED:
        if content in vocab:
            id = vocab[content]
        else:
            id, next_id = next_id, next_id + 1
        added.append({"id": id, "content": content, **{key: key in given for key in keys}})
    model = {
        "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
        "vocab": vocab, "merges": MERGES,
    }
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": REPLACE,
        "pre_tokenizer": None, "post_processor": POST_PROCESSOR, "decoder": DECODER, "model": model,
    }


def variant(changes):
    file = small()
    for key, value in changes.items():
        (file if key in file else file["model"])[key] = value
    return file


def cases(file):
    tokenizer = Tokenizer.from_str(json.dumps(file))
    has_bos = file["post_processor"] is not None
    for text in TEXTS:
        it = tokenizer.encode(text, add_special_tokens=False)
        assert tokenizer.encode(text).ids == [2] * has_bos + it.ids
        yield {"text": text, "ids": it.ids, "offsets": it.offsets, "decoded": tokenizer.decode(it.ids)}


def decoded(file):
    tokenizer = Tokenizer.from_str(json.dumps(file))
    for tokens in RUNS_OF_IDS:
        ids = [tokenizer.token_to_id(it) for it in tokens]
        yield {"ids": ids, "decoded": tokenizer.decode(ids)}


def line(it):
    return json.dumps(it, ensure_ascii=False)


def main():
    (HERE / "small.json").write_text(json.dumps(small(), ensure_ascii=False, indent=0) + "\n")
    parts = []
    for name, changes in VARIANTS.items():
        file = variant(changes)
        lists = [",\n".join(line(it) for it in make(file)) for make in (cases, decoded)]
        parts.append('{"name": %s, "changes": %s, "cases": [\n%s\n], "decoded": [\n%s\n]}' % (line(name), line(changes), *lists))
    (HERE / "small_cases.json").write_text("[\n" + ",\n".join(parts) + "\n]\n")


main()
