"""What transformers and the torch transcoders give on a few prompts, for the tests of the engine."""

import json

import torch
from safetensors.torch import save_file

from corpus import BOS

PROMPTS = (
    "Fact: the capital of the state containing Dallas is",
    "When Mary and John went to the store, John gave a drink to",
    "La capitale de la Pologne est",
    "The keys to the cabinet",
    # Longer than the window, a sentence start in each language, and text that needs byte fallback.
    "Monday, Tuesday, Wednesday, Thursday.\nThe capital of Texas is Austin.\nLa capital de Polonia es Varsovia.\n"
    "Il fait 25 °C à Genève 🙂.\nThe opposite of hot is cold",
)


@torch.no_grad()
def write(scope, tokenizer, path, deeds):
    """`demo.safetensors` and `demo.json`; keys as in the other goldens."""
    prompts = []
    tensors = {f"blocks.{layer}.threshold": it["threshold"] for layer, it in enumerate(scope.layers)}
    for n, text in enumerate(PROMPTS):
        ids = [BOS, *tokenizer.encode(text, add_special_tokens=False).ids]
        rows = torch.tensor([ids])
        logits, acts = scope.run(rows)
        tensors[f"p{n}.logits"] = logits[0, -1]
        tensors[f"p{n}.spliced_all.logits"] = scope.spliced(rows, range(len(scope.layers)))[0, -1]
        norms = []
        for layer in range(len(scope.layers)):
            at, feature = acts[layer, 0].nonzero(as_tuple=True)
            tensors[f"p{n}.blocks.{layer}.features"] = torch.stack([at, feature], 1).int()
            tensors[f"p{n}.blocks.{layer}.acts"] = acts[layer, 0][at, feature]
            norms.append(scope.rebuilt(layer, acts[layer, 0]).norm(dim=-1))
        tensors[f"p{n}.transcoder.out.norm"] = torch.stack(norms)
        prompts.append({"text": text, "ids": ids, "greedy": _greedy(scope.model, ids, 6)})
    save_file({name: it.contiguous() for name, it in tensors.items()}, f"{path}.safetensors")
    with open(f"{path}.json", "w", encoding="utf-8") as file:
        json.dump({"prompts": prompts, "deeds": deeds}, file, ensure_ascii=False)
        file.write("\n")


def _greedy(model, ids, n):
    """`n` most probable tokens, one after another."""
    out = list(ids)
    for _ in range(n):
        out.append(model(input_ids=torch.tensor([out]), use_cache=False).logits[0, -1].argmax().item())
    return out[len(ids) :]
