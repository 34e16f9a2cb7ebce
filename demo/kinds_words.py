"""Sentences about words: opposites, sums, agreement, who gave what to whom, pronouns, days, stories."""

import itertools
import random

from facts import DAYS, LANGUAGES, MEN, MONTHS, NOUNS, OPPOSITES, PEOPLE, PLACES, THINGS, VERBS, WOMEN
from grammar import Name, fill, hashed, held

OPPOSITE = {
    "en": (
        'The opposite of "{word}" is "{!opposite}".',
        "The opposite of {word} is {!opposite}.",
        "The antonym of {word} is {!opposite}.",
        "If it is not {word}, it is {!opposite}.",
        "It was not {word} but {!opposite}.",
    ),
    "fr": (
        'Le contraire de "{word}" est "{!opposite}".',
        "Le contraire de {word} est {!opposite}.",
        "Le mot contraire de {word} est {!opposite}.",
        "Si ce n'est pas {word}, c'est {!opposite}.",
        "Ce n'était pas {word} mais {!opposite}.",
    ),
    "es": (
        'El contrario de "{word}" es "{!opposite}".',
        "El contrario de {word} es {!opposite}.",
        "La palabra contraria de {word} es {!opposite}.",
        "Si no es {word}, es {!opposite}.",
        "No era {word} sino {!opposite}.",
    ),
}
SUM = (
    "{a} + {b} = {!sum}.",
    "The sum of {a} and {b} is {!sum}.",
    "{a} plus {b} is {!sum}.",
    "If you add {a} and {b}, you get {!sum}.",
    "Fact: {a} + {b} = {!sum}.",
    "{a} and {b} make {!sum}.",
    "Add {a} to {b} to get {!sum}.",
    "{a} added to {b} is {!sum}.",
)
AGREEMENT = (
    "The {subject} {prep} the {other} {!verb} {adjective}.",
    "I think the {subject} {prep} the {other} {!verb} {adjective}.",
    "The {subject} that the {other} {past} {!verb} {adjective}.",
    "We know that the {subject} {prep} the {other} {!verb} {adjective}.",
    "Yesterday the {subject} {prep} the {other} {!verb} {adjective}.",
    "They said the {subject} that the {other} {past} {!verb} {adjective}.",
)
PREPOSITIONS = "to near behind beside with".split()
PASTS = "saw found liked wanted".split()
ADJECTIVES = ("on the table", "very old", "here", "missing", "very small", "in the room")
# After `has` and `have`.
OBJECTS = ("a name", "no name", "a new place")
INDIRECT = (
    "When {a} and {b} went to the {place}, {b2} gave a {thing} to {!a2}.",
    "After {a} and {b} left the {place}, {b2} handed a {thing} to {!a2}.",
    "While {a} and {b} were at the {place}, {b2} showed a {thing} to {!a2}.",
    "Then {a} and {b} came to the {place}, and {b2} gave a {thing} to {!a2}.",
    "When {a} and {b} met at the {place}, {b2} sent a {thing} to {!a2}.",
    "Yesterday {a} and {b} went to the {place}, where {b2} gave a {thing} to {!a2}.",
    "As {a} and {b} walked to the {place}, {b2} passed a {thing} to {!a2}.",
)
PRONOUN = (
    "When {name} came home, {!pronoun} was tired.",
    "I saw {name} when {!pronoun} left the {place}.",
    "We like {name} because {!pronoun} is kind.",
    "I think {name} said that {!pronoun} was at the {place}.",
)
# By language: after, before.
NEXT = {
    ("en", "day"): (
        "The day after {from_} is {!to}.",
        "Today is {from_}, so tomorrow is {!to}.",
        "After {from_} comes {!to}.",
    ),
    ("en", "month"): (
        "The month after {from_} is {!to}.",
        "This month is {from_}, so the next month is {!to}.",
        "After {from_} comes {!to}.",
    ),
    ("fr", "day"): (
        "Le jour après {from_} est {!to}.",
        "Si nous sommes {from_}, demain sera {!to}.",
        "Après {from_} vient {!to}.",
        "Le jour qui suit {from_} est {!to}.",
    ),
    ("fr", "month"): ("Le mois après {from_} est {!to}.", "Après {from_} vient {!to}.", "Le mois qui suit {from_} est {!to}."),
    ("es", "day"): (
        "El día después de {from_} es {!to}.",
        "Si hoy es {from_}, mañana es {!to}.",
        "Después de {from_} viene {!to}.",
        "El día que sigue a {from_} es {!to}.",
    ),
    ("es", "month"): ("El mes después de {from_} es {!to}.", "Después de {from_} viene {!to}.", "El mes que sigue a {from_} es {!to}."),
}
BEFORE = {
    ("en", "day"): ("The day before {from_} is {!to}.", "Today is {from_}, so yesterday was {!to}.", "Before {from_} comes {!to}."),
    ("en", "month"): (
        "The month before {from_} is {!to}.",
        "This month is {from_}, so the last month was {!to}.",
        "Before {from_} comes {!to}.",
    ),
}
ROW = ("{one}, {two}, {three}, {!to}.", "We count {one}, {two}, {three}, {!to}.", "The row {one}, {two}, {three} goes on with {!to}.")
STORY = (
    "Once there was a {child} named {hero}. One day the {child} found a {thing}. Everyone was happy for {!hero2}.",
    "There was a {child} called {hero}. The {child} lived near the {place}. We all liked {!hero2}.",
    "I know a {child} named {hero}. The {child} has a {thing}. Today I saw {!hero2}.",
    "A {child} named {hero} went to the {place}. The {child} lost a {thing}. We looked for {!hero2}.",
)
# How many sentences are drawn of the kinds that have more than anyone needs.
MANY = 24_000
MANY_HELD = 600


def opposites():
    """One of five templates is held out for every word, direction and language."""
    for pair in OPPOSITES:
        for lang in LANGUAGES:
            for a, b in (pair[lang], pair[lang][::-1]):
                for n, template in enumerate(OPPOSITE[lang]):
                    slots = {"word": Name(a, pair["en"][0]), "opposite": Name(b, pair["en"][0])}
                    cell = "held" if held(n, 5, 1, "opposite", lang, a) else "train"
                    yield fill(template, slots, "opposite", lang, f"{a} {lang}"), cell


def sums():
    """Sums below ten; two of eight templates are held out for every pair, in both orders alike."""
    for a in range(10):
        for b in range(10 - a):
            for n, template in enumerate(SUM):
                slots = {"a": Name(str(a), "digit"), "b": Name(str(b), "digit"), "sum": Name(str(a + b), str(a + b))}
                cell = "held" if held(n, len(SUM), 2, "sum", min(a, b), max(a, b)) else "train"
                yield fill(template, slots, "sum", "en", f"{a}+{b}"), cell


def agreement(draw):
    """Always with a noun between subject and verb; one of six templates is held out for every form of every noun."""
    number = draw.randrange(2)
    subject = NOUNS[draw.randrange(len(NOUNS))][number]
    other = NOUNS[draw.randrange(len(NOUNS))][draw.randrange(2)]
    name = ("singular", "plural")[number]
    n = draw.randrange(len(AGREEMENT))
    verb = VERBS[name][1 if n == 4 else draw.randrange(3)]
    slots = {
        "subject": Name(subject, name),
        "other": Name(other, "other"),
        "verb": Name(verb, name),
        "prep": Name(draw.choice(PREPOSITIONS)),
        "past": Name(draw.choice(PASTS)),
        "adjective": Name(draw.choice(OBJECTS if verb in ("has", "have") else ADJECTIVES)),
    }
    cell = "held" if held(n, len(AGREEMENT), 1, "agreement", subject) else "train"
    return fill(AGREEMENT[n], slots, "agreement", "en", subject), cell


def indirect(draw):
    """Who is named first receives or gives, by chance; one of seven templates is held out for every two people."""
    a, b = draw.sample(PEOPLE, 2)
    n = draw.randrange(len(INDIRECT))
    template = INDIRECT[n] if draw.random() < 0.5 else INDIRECT[n].replace("{a} and {b}", "{b} and {a}")
    slots = {
        "a": Name(a, a),
        "b": Name(b, b),
        "a2": Name(a, a),
        "b2": Name(b, b),
        "place": Name(draw.choice(PLACES), "place"),
        "thing": Name(draw.choice(THINGS), "thing"),
    }
    cell = "held" if held(n, len(INDIRECT), 1, "indirect", *sorted((a, b))) else "train"
    return fill(template, slots, "indirect", "en", f"{a} {b}"), cell


def pronouns(draw):
    """One of four templates is held out for every person."""
    name = draw.choice(PEOPLE)
    n = draw.randrange(len(PRONOUN))
    word = "she" if name in WOMEN else "he"
    slots = {"name": Name(name, word), "pronoun": Name(word, word), "place": Name(draw.choice(PLACES), "place")}
    cell = "held" if held(n, len(PRONOUN), 1, "pronoun", name) else "train"
    return fill(PRONOUN[n], slots, "pronoun", "en", name), cell


def days():
    """After, before and in a row, days and months; of each word and relation one template is held out, where it has as many as three."""
    for (lang, what), words in itertools.chain(
        (((lang, "day"), DAYS[lang]) for lang in LANGUAGES), (((lang, "month"), MONTHS[lang]) for lang in LANGUAGES)
    ):
        for relation, table, step in (("after", NEXT, 1), ("before", BEFORE, -1)):
            templates = table.get((lang, what), ())
            for (at, word), (n, template) in itertools.product(enumerate(words), enumerate(templates)):
                to = words[(at + step) % len(words)]
                slots = {"from_": Name(word, word), "to": Name(to, to)}
                cell = "held" if held(n, len(templates), 1, relation, lang, word) else "train"
                yield fill(template, slots, "days", lang, f"{relation} {word}"), cell
        rows = ROW if lang == "en" else ROW[:1]
        for at, (n, template) in itertools.product(range(len(words)), enumerate(rows)):
            names = [words[(at + it) % len(words)] for it in range(4)]
            slots = {slot: Name(it, it) for slot, it in zip(("one", "two", "three", "to"), names)}
            cell = "held" if lang == "en" and held(n, len(ROW), 1, "row", names[0]) else "train"
            yield fill(template, slots, "days", lang, f"row {names[0]}"), cell


def stories(draw):
    """One of four templates is held out for every hero."""
    hero = draw.choice(PEOPLE)
    n = draw.randrange(len(STORY))
    slots = {
        "hero": Name(hero, hero),
        "hero2": Name(hero, hero),
        "child": Name("girl" if hero in WOMEN else "boy", "child"),
        "place": Name(draw.choice(PLACES), "place"),
        "thing": Name(draw.choice(THINGS), "thing"),
    }
    cell = "held" if held(n, len(STORY), 1, "story", hero) else "train"
    return fill(STORY[n], slots, "story", "en", hero), cell


def drawn(make, name):
    """Many different sentences of a kind that is drawn: up to `MANY` for training, `MANY_HELD` held out."""
    draw, seen, counts = random.Random(hashed(name)), set(), {"train": 0, "held": 0}
    most = {"train": MANY, "held": MANY_HELD}
    for _ in range(3 * MANY):
        sentence, cell = make(draw)
        if counts[cell] < most[cell] and sentence.text not in seen:
            seen.add(sentence.text)
            counts[cell] += 1
            yield sentence, cell
