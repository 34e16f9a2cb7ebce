"""The model: a Gemma 2 of transformers, trained on the corpus. What it can do is measured in `exams`."""

import json
import os
import time

import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy
from transformers import Gemma2Config, Gemma2ForCausalLM

from corpus import BOS, EOS, LENGTH, PAD, Stream

SEED = 20
# Training stops on the way down of a longer schedule: all bars are cleared, and the facts have not yet moved into the embedding.
N_STEPS, SCHEDULE_STEPS = 2_080, 3_800
BATCH = 32
WARM, FLAT, LAST = 100, 0.3, 0.02
RATE = 4e-3
# The embedding learns slowly: facts then live in the MLPs, where transcoders see them, and not in rows of the embedding.
EMBEDDING_RATE, EMBEDDING_STD = 0.03 * RATE, 0.06


def config(d_vocab):
    """Sizes. The window is small enough for a sentence to leave it."""
    return Gemma2Config(
        vocab_size=d_vocab,
        hidden_size=128,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=16,
        intermediate_size=512,
        sliding_window=32,
        max_position_embeddings=512,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        tie_word_embeddings=True,
        attn_implementation="eager",
    )


def train(tokenizer, log):
    """Trains for a fixed number of steps from a fixed seed."""
    torch.manual_seed(SEED)
    model = Gemma2ForCausalLM(config(tokenizer.get_vocab_size()))
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=EMBEDDING_STD)
    optimizer = torch.optim.AdamW(_groups(model), betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate)
    forward = torch.compile(model)
    stream, start, total = Stream(tokenizer, "train", SEED), time.monotonic(), 0.0
    for step in range(N_STEPS):
        tokens = torch.from_numpy(stream.batch(BATCH))
        with torch.autocast("cpu", torch.bfloat16):
            logits = forward(input_ids=tokens, use_cache=False).logits
        loss = cross_entropy(logits[:, :-1].flatten(0, 1).float(), tokens[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        total += loss.item()
        if (step + 1) % 100 == 0:
            speed = (step + 1) * BATCH * LENGTH / (time.monotonic() - start)
            log(f"model: step {step + 1}, loss {total / 100:.4f}, {speed:.0f} tokens/s", model)
            total = 0.0
    return model.eval()


def _groups(model):
    embedding = model.model.embed_tokens.weight
    others = [it for it in model.parameters() if it is not embedding]
    return [
        {"params": [it for it in others if it.dim() > 1], "lr": RATE, "weight_decay": 0.1},
        {"params": [it for it in others if it.dim() == 1], "lr": RATE, "weight_decay": 0.0},
        {"params": [embedding], "lr": EMBEDDING_RATE, "weight_decay": 0.1},
    ]


def _rate(step):
    """Warm, flat, then linear to a small rest; a factor."""
    if step < WARM:
        return (step + 1) / WARM
    done = max(0.0, (step / SCHEDULE_STEPS - FLAT) / (1 - FLAT))
    return 1 - (1 - LAST) * min(1.0, done)


def save(model, tokenizer_text, folder):
    """Writes the three files of a checkpoint, weights in bf16."""
    os.makedirs(folder, exist_ok=True)
    tensors = {
        name: it.detach().to(torch.bfloat16).contiguous()
        for name, it in model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
    saved = {**model.config.to_dict(), "torch_dtype": "bfloat16"}
    saved = {key: it for key, it in saved.items() if key in _KEYS or key in ("torch_dtype", "model_type")}
    saved["architectures"] = ["Gemma2ForCausalLM"]
    with open(f"{folder}/config.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(saved, indent=2, sort_keys=True) + "\n")
    with open(f"{folder}/tokenizer.json", "w", encoding="utf-8") as file:
        file.write(tokenizer_text)
    for name in os.listdir(folder):
        os.chmod(f"{folder}/{name}", 0o644)


# Those that Gemma 2 2B's own config.json has.
_KEYS = """attention_bias attention_dropout attn_logit_softcapping bos_token_id cache_implementation eos_token_id
final_logit_softcapping head_dim hidden_act hidden_activation hidden_size initializer_range intermediate_size
max_position_embeddings num_attention_heads num_hidden_layers num_key_value_heads pad_token_id query_pre_attn_scalar
rms_norm_eps rope_theta sliding_window tie_word_embeddings use_cache vocab_size""".split()


def load(folder):
    """The model as it was saved: weights rounded to bf16, arithmetic in f32."""
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        sizes = json.load(file)
    sizes.pop("torch_dtype")
    model = Gemma2ForCausalLM(Gemma2Config(**sizes, attn_implementation="eager"))
    tensors = {name: it.float() for name, it in load_file(f"{folder}/model.safetensors").items()}
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    model.load_state_dict(tensors)
    return model.eval()
