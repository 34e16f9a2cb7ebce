"""A template and what fills it -> a sentence that knows what stands where. Which sentences there are is said in `kinds_*`."""

import hashlib
import re
from dataclasses import dataclass

_SLOT = re.compile(r"\{(!?)(\w+)\}")


@dataclass(frozen=True)
class Span:
    """Characters `start..end` of a sentence: which role they play, and for whom (a state, a country, a word...)."""

    start: int
    end: int
    role: str
    value: str


@dataclass(frozen=True)
class Sentence:
    """A sentence of the corpus. `answer` is the span that a reader who knows the facts can foretell, or none."""

    kind: str
    lang: str
    template: str
    fact: str
    text: str
    spans: tuple
    answer: int | None

    @property
    def prompt(self):
        """The text before the answer, without the space that belongs to the answer's token."""
        return self.text[: self.spans[self.answer].start].removesuffix(" ")

    @property
    def answer_text(self):
        """The answer as it follows the prompt."""
        return self.text[len(self.prompt) : self.spans[self.answer].end]

    def find(self, role):
        """The first span of a role."""
        return next(it for it in self.spans if it.role == role)


@dataclass(frozen=True)
class Name:
    """What fills a slot: its text, and whose it is. A slot without a value leaves no span."""

    text: str
    value: str | None = None


def fill(template, slots, kind, lang, fact):
    """The sentence of a template like `The capital of {state} is {!capital}.`; `!` marks the answer."""
    text, spans, answer, at = "", [], None, 0
    for it in _SLOT.finditer(template):
        text += template[at : it.start()]
        at = it.end()
        name = slots[it[2]]
        if name.value is not None:
            if it[1]:
                answer = len(spans)
            role = it[2].rstrip("0123456789")
            spans.append(Span(len(text), len(text) + len(name.text), role, name.value))
        text += name.text
    text += template[at:]
    return Sentence(kind, lang, template, fact, text, tuple(spans), answer)


def hashed(*parts):
    """A whole number that is the same on every machine."""
    text = "|".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "little")


def held(template_index, n_templates, n_held, *fact):
    """Whether this template is kept from training for this fact: `n_held` of `n_templates` are, another choice per fact."""
    return (template_index - hashed(*fact)) % n_templates < n_held
