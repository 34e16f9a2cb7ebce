"""The eight recorded examples that the page opens with. Each reads well on Gemma 2 2B too."""

EXAMPLES = (
    {
        "prompt": "Fact: the capital of the state containing Dallas is",
        "answers": [" Austin"],
        "title": "Dallas, in two steps",
        "look": "The features at \u201cDallas\u201d and at \u201cis\u201d: the state, then \u201csay a capital\u201d.",
        "why": "Texas is nowhere in the text. The model has to find it on the way to Austin, and features show where it does.",
    },
    {
        "prompt": "Fact: the capital of the state containing Oakland is",
        "answers": [" Sacramento"],
        "title": "The same question, another state",
        "look": "What differs from Dallas, and what does not.",
        "why": "Put California's features into the Dallas prompt, and the answer should follow them: that is a test, not a story.",
    },
    {
        "prompt": "La capitale de la Pologne est",
        "answers": [" Varsovie"],
        "title": "A fact in French",
        "look": "Features of the language beside features of the country.",
        "why": "What is known of Poland and the language it is said in come from different features; one can be turned off alone.",
    },
    {
        "prompt": "Le contraire de petit est",
        "answers": [" grand"],
        "title": "Opposites in French",
        "look": "The last word: what asks for an opposite, and what says which language.",
        "why": "The same question in English and Spanish shares a part of its features and not others.",
    },
    {
        "prompt": "When Mary and John went to the store, John gave a drink to",
        "answers": [" Mary"],
        "title": "Who gets the drink",
        "look": "The last \u201cto\u201d, and how much of it the transcoders explain.",
        "why": "This is the work of attention more than of MLPs, so it shows what a view of MLPs alone leaves out.",
    },
    {
        "prompt": "The keys to the cabinet",
        "answers": [" are", " were", " have"],
        "title": "A plural, remembered",
        "look": "Plural features at \u201ckeys\u201d and again at \u201ccabinet\u201d.",
        "why": "The nearest noun is singular. What keeps the verb plural is carried across it.",
    },
    {
        "prompt": "Monday, Tuesday, Wednesday,",
        "answers": [" Thursday"],
        "title": "What comes next",
        "look": "Features of the last comma.",
        "why": "A sequence that everyone knows: is it copied, counted, or known by heart?",
    },
    {
        "prompt": "2 + 3 = ",
        "answers": ["5"],
        "title": "A small sum",
        "look": "The last token, a lone space: digits are tokens of their own.",
        "why": "Which features ask for a number, and which for this number?",
    },
)
