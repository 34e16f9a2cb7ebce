"""The model seen through its transcoders: features, reconstructions, splices, and interventions with attention free."""

import glob
import re
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from transcoders import normalized


class Scope:
    """Saved transcoders of every layer of a model."""

    def __init__(self, model, folder):
        self.model, self.eps = model, model.config.rms_norm_eps
        self.layers = []
        for n in range(model.config.num_hidden_layers):
            (file,) = glob.glob(f"{folder}/layer_{n}/width_*/average_l0_*/params.npz")
            with np.load(file) as arrays:
                self.layers.append({name: torch.from_numpy(arrays[name].astype("f4")) for name in arrays})
        self.width = self.layers[0]["b_enc"].shape[0]

    def acts(self, layer, x):
        """Activations of every feature."""
        it = self.layers[layer]
        pre = x @ it["W_enc"] + it["b_enc"]
        return pre * (pre > it["threshold"])

    def rebuilt(self, layer, acts):
        """What the features say the MLP adds."""
        return acts @ self.layers[layer]["W_dec"] + self.layers[layer]["b_dec"]

    @contextmanager
    def watched(self, change):
        """While it holds, `change(layer, x, mlp_out)` tells what the MLP adds; none leaves it."""
        inputs, handles = {}, []
        for n, layer in enumerate(self.model.model.layers):
            def read(_module, args, n=n):
                inputs[n] = normalized(args[0], self.eps)

            def write(_module, _args, out, n=n):
                return change(n, inputs[n], out)

            handles.append(layer.pre_feedforward_layernorm.register_forward_pre_hook(read))
            handles.append(layer.post_feedforward_layernorm.register_forward_hook(write))
        try:
            yield
        finally:
            for it in handles:
                it.remove()

    @torch.no_grad()
    def run(self, tokens, interventions=()):
        """(logits, acts of each layer [n_layers, rows, n_pos, width]) of rows of tokens.

        An intervention is (layer, feature, positions, change): `change` makes the wanted value of the value that the feature has in
        this run (re-encoded), and the difference times its decoder row is added. Positions are a slice.
        """
        acts = []

        def change(layer, x, out):
            now = self.acts(layer, x)
            acts.append(now)
            mine = [it for it in interventions if it[0] == layer]
            if not mine:
                return None
            out = out.clone()
            for _, feature, positions, make in mine:
                value = now[:, positions, feature]
                delta = make(value) - value
                out[:, positions] += delta[..., None] * self.layers[layer]["W_dec"][feature]
            return out

        with self.watched(change):
            logits = self.model(input_ids=tokens, use_cache=False).logits
        return logits, torch.stack(acts)

    @torch.no_grad()
    def spliced(self, tokens, layers):
        """Logits with the reconstructions of `layers` in place of their MLPs; BOS keeps the model's own."""

        def change(layer, x, out):
            if layer not in layers:
                return None
            new = self.rebuilt(layer, self.acts(layer, x))
            new[:, 0] = out[:, 0]
            return new

        with self.watched(change):
            return self.model(input_ids=tokens, use_cache=False).logits

    @torch.no_grad()
    def zeroed(self, tokens):
        """Logits with every MLP silent."""
        with self.watched(lambda _layer, _x, out: out * 0):
            return self.model(input_ids=tokens, use_cache=False).logits


def loss_of(logits, tokens):
    """Cross entropy in nats of tokens given those before them, BOS as an input left out."""
    return cross_entropy(logits[:, 1:-1].flatten(0, 1), tokens[:, 2:].flatten()).item()


@torch.no_grad()
def measure(scope, tokens):
    """The transcoders' figures on rows of tokens, BOS left out."""
    n_layers, width = len(scope.layers), scope.width
    l0, fired = torch.zeros(n_layers), torch.zeros(n_layers, width)
    most, n = torch.zeros(n_layers), 0
    wrong, total = torch.zeros(n_layers), torch.zeros(n_layers)
    losses = {"clean": 0.0, "spliced": 0.0, "zeroed": 0.0}
    kept = [[] for _ in range(n_layers)]
    for rows in tokens.split(64):
        def look(layer, x, out):
            acts = scope.acts(layer, x)[:, 1:]
            on = acts > 0
            l0[layer] += on.sum()
            most[layer] = max(most[layer], on.sum(-1).max())
            fired[layer] += on.sum((0, 1))
            wrong[layer] += (out[:, 1:] - scope.rebuilt(layer, acts)).pow(2).sum()
            kept[layer].append(out[:, 1:].flatten(0, 1))

        with scope.watched(look):
            clean = scope.model(input_ids=rows, use_cache=False).logits
        n += rows[:, 1:].numel()
        losses["clean"] += loss_of(clean, rows) * len(rows)
        losses["spliced"] += loss_of(scope.spliced(rows, range(n_layers)), rows) * len(rows)
        losses["zeroed"] += loss_of(scope.zeroed(rows), rows) * len(rows)
    for layer, it in enumerate(kept):
        y = torch.cat(it)
        total[layer] = (y - y.mean(0)).pow(2).sum()
    return {
        "n_tokens": n,
        "l0": (l0 / n).tolist(),
        "l0_most": most.tolist(),
        "fvu": (wrong / total).tolist(),
        "dead": (fired == 0).float().mean(1).tolist(),
        "density": (fired / n),
        **{name: it / len(tokens) for name, it in losses.items()},
    }
