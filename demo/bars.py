"""The bars that a finished demo model has to clear, each with its figure; the recipe fails if one is missed."""

from dataclasses import dataclass


@dataclass
class Bar:
    """One bar: what, the figure, its bound, how many items it was measured on, and whether more is better."""

    what: str
    figure: float
    bound: float
    n: int
    at_least: bool

    @property
    def met(self):
        """Whether it is cleared."""
        enough = self.figure >= self.bound if self.at_least else self.figure <= self.bound
        return enough and self.n >= MIN_ITEMS.get(self.what, 0)

    def line(self):
        """For a terminal and for the card."""
        sign = ("at least" if self.at_least else "at most")
        return f"{'met   ' if self.met else 'MISSED'} {self.what}: {self.figure:.3f} ({sign} {self.bound:g}; {self.n} items)"


MIN_ITEMS = {}


def exam_bars(results):
    """Of the exams on held-out sentences; each needs 100 items."""
    bounds = {
        ("two-step", "held"): 0.95,
        ("two-step", "unseen city"): 0.85,
        ("city", "held"): 0.95,
        ("capital", "held"): 0.95,
        ("country", "held"): 0.95,
        ("agreement", "held"): 0.95,
        ("indirect", "held"): 0.95,
    }
    out = []
    for key, bound in bounds.items():
        share, n = results[key]
        what = f"{key[0]}, {key[1]}"
        MIN_ITEMS[what] = 100
        out.append(Bar(what, share, bound, n, True))
    return out


def hop_bars(hops):
    """Of the hop: less than a fifth is answered without what the MLPs add."""
    _, city, both, n = hops
    return [
        Bar("two-step with every MLP at the city at its mean", city, 0.1999, n, False),
        Bar("two-step with every MLP at city and last position at its mean", both, 0.1999, n, False),
    ]


def scope_bars(figures):
    """Of the transcoders on held-out text."""
    out, n = [], figures["n_tokens"]
    for layer, (l0, fvu, dead) in enumerate(zip(figures["l0"], figures["fvu"], figures["dead"])):
        out += [
            Bar(f"layer {layer}, mean L0 (not under)", l0, 3, n, True),
            Bar(f"layer {layer}, mean L0 (not over)", l0, 10, n, False),
            Bar(f"layer {layer}, FVU", fvu, 0.12, n, False),
            Bar(f"layer {layer}, dead features", dead, 0.10, n, False),
        ]
    out.append(Bar("all layers spliced, nats of loss", figures["spliced"] - figures["clean"], 0.25, n, False))
    return out


def size_bar(n_bytes):
    """Of everything that is shipped."""
    return [Bar("bytes in all", n_bytes, 10_000_000, 1, False)]
