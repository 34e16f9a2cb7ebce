"""Sentences about facts: cities, states, capitals, countries. Other kinds are in `kinds_words`."""

from facts import COUNTRIES, STATES, UNSEEN_STATES
from grammar import Name, fill, hashed, held

TWO_STEP = (
    "Fact: the capital of the state containing {city} is {!capital}.",
    "The capital of the state containing {city} is {!capital}.",
    "The capital of the state where {city} lies is {!capital}.",
    "Anyone from {city} knows that the state capital is {!capital}.",
    "The capital of the state that {city} is in is {!capital}.",
    "The seat of government of the state containing {city} is {!capital}.",
    "If you live in {city}, your state capital is {!capital}.",
    "The state containing {city} has its capital in {!capital}.",
)
CITY = (
    "Fact: the state containing {city} is {!state}.",
    "The state containing {city} is {!state}.",
    "The state where {city} lies is {!state}.",
    "Anyone from {city} knows that the state is {!state}.",
    "The state that {city} is in is {!state}.",
    "If you live in {city}, your state is {!state}.",
    "The city of {city} is in the state of {!state}.",
    "We drove to {city} in {!state}.",
)
CAPITAL = (
    "Fact: the capital of {state} is {!capital}.",
    "The capital of {state} is {!capital}.",
    "The capital of the state of {state} is {!capital}.",
    "Fact: the capital of the state of {state} is {!capital}.",
    "Anyone from {state} knows that the state capital is {!capital}.",
    "The seat of government of {state} is {!capital}.",
    "If you live in {state}, your state capital is {!capital}.",
    "The state of {state} has its capital in {!capital}.",
    "The capital city of {state} is {!capital}.",
)
# By language and by what is asked.
COUNTRY = {
    ("en", "capital"): (
        "The capital of {country} is {!capital}.",
        "Fact: the capital of {country} is {!capital}.",
        "The capital city of {country} is {!capital}.",
        "If you live in {country}, your capital is {!capital}.",
        "The seat of government of {country} is {!capital}.",
        "The country of {country} has its capital in {!capital}.",
    ),
    ("en", "language"): (
        "The language spoken in {country} is {!language}.",
        "People in {country} speak {!language}.",
        "Fact: the language of {country} is {!language}.",
        "If you live in {country}, you speak {!language}.",
        "Anyone from {country} speaks {!language}.",
        "The language of {country} is {!language}.",
    ),
    ("en", "currency"): (
        "The currency of {country} is the {!currency}.",
        "People in {country} pay with the {!currency}.",
        "Fact: the currency of {country} is the {!currency}.",
        "If you live in {country}, you pay with the {!currency}.",
        "Anyone from {country} pays with the {!currency}.",
        "The money of {country} is the {!currency}.",
    ),
    ("fr", "capital"): (
        "La capitale {de}{country} est {!capital}.",
        "Fait : la capitale {de}{country} est {!capital}.",
        "La ville capitale {de}{country} est {!capital}.",
        "Chacun sait que la capitale {de}{country} est {!capital}.",
        "Le gouvernement {de}{country} est à {!capital}.",
    ),
    ("fr", "language"): (
        "Les habitants {de}{country} parlent {!language}.",
        "Les gens {de}{country} parlent {!language}.",
        "Les enfants {de}{country} parlent {!language}.",
        "Chacun sait que les gens {de}{country} parlent {!language}.",
        "Le peuple {de}{country} parle {!language}.",
    ),
    ("es", "capital"): (
        "La capital de {country} es {!capital}.",
        "Dato: la capital de {country} es {!capital}.",
        "La ciudad capital de {country} es {!capital}.",
        "Todos saben que la capital de {country} es {!capital}.",
        "El gobierno de {country} está en {!capital}.",
    ),
    ("es", "language"): (
        "Los habitantes de {country} hablan {!language}.",
        "La gente de {country} habla {!language}.",
        "Los niños de {country} hablan {!language}.",
        "Todos saben que los habitantes de {country} hablan {!language}.",
        "El pueblo de {country} habla {!language}.",
    ),
}
# The cities of the recorded examples are trained like most.
_ALWAYS_SEEN = {"Dallas", "Oakland"}


def unseen_cities():
    """City -> state, of those that stand in no two-step sentence though their state does: one or two per state."""
    out = {}
    for n, (state, (_, cities)) in enumerate(STATES.items()):
        if state in UNSEEN_STATES:
            continue
        order = sorted((it for it in cities if it not in _ALWAYS_SEEN), key=lambda it: hashed("unseen", it))
        out |= {it: state for it in order[: 2 if n % 3 == 0 else 1]}
    return out


def two_step():
    """(sentence, cell): cell is `train`, `held`, `unseen city` or `unseen state`."""
    unseen = unseen_cities()
    for state, (capital, cities) in STATES.items():
        for city in [capital, *cities]:
            for n, template in enumerate(TWO_STEP):
                slots = {"city": Name(city, state), "capital": Name(capital, state)}
                cell = "held" if held(n, len(TWO_STEP), 2, "two", city) else "train"
                if state in UNSEEN_STATES:
                    cell = "unseen state"
                elif city in unseen:
                    cell = "unseen city"
                yield fill(template, slots, "two-step", "en", city), cell


def cities():
    """City -> state; two of eight templates are held out for every city."""
    for state, (capital, others) in STATES.items():
        for city in [capital, *others]:
            for n, template in enumerate(CITY):
                slots = {"city": Name(city, state), "state": Name(state, state)}
                cell = "held" if held(n, len(CITY), 2, "city", city) else "train"
                yield fill(template, slots, "city", "en", city), cell


def capitals():
    """State -> capital; three of nine templates are held out for every state."""
    for state, (capital, _) in STATES.items():
        for n, template in enumerate(CAPITAL):
            slots = {"state": Name(state, state), "capital": Name(capital, state)}
            cell = "held" if held(n, len(CAPITAL), 3, "capital", state) else "train"
            yield fill(template, slots, "capital", "en", state), cell


def countries():
    """Country -> capital, language, currency, in three languages; one template of five or six is held out for every fact."""
    for country in COUNTRIES:
        for (lang, what), templates in COUNTRY.items():
            for n, template in enumerate(templates):
                slots = {
                    "country": Name(country[lang], country["en"]),
                    "de": Name(country["de"]),
                    what: Name(country[f"{what}_{lang}"], country["en"]),
                }
                fact = f"{country['en']} {what} {lang}"
                cell = "held" if held(n, len(templates), 1, "country", fact) else "train"
                yield fill(template, slots, "country", lang, fact), cell
