"""Transcoders of all layers at once: JumpReLU with a threshold per feature, from `x / rms(x)` to what the MLP adds."""

import math
import os
import time

import numpy as np
import torch
from torch.nn.functional import relu

from corpus import Stream
from exams import hooked

SEED = 21
WIDTH = 640
N_SEQUENCES = 4_000
N_STEPS = 1_500
BATCH = 1_024
RATE = 2e-3
# Aim for active features per token (what is reached lies a third above it): falls from `L0_START` to `L0_GOAL` over `L0_FALL` of the steps, by a power law.
L0_START, L0_GOAL, L0_FALL = 60.0, 5.0, 0.5
L0_WEIGHT = 0.1
BANDWIDTH = 0.5
THRESHOLD_START = 0.5
# A feature that fired on none of the last so many steps is dead: it is pulled towards firing and taught the others' errors.
DEAD_STEPS = 100
AUX_WEIGHT, AUX_PULL, AUX_K, AUX_TOKENS = 1 / 16, 1e-3, 16, 256
RESEED_EVERY, RESEED_UNTIL = 250, 0.7


class Rectangle(torch.autograd.Function):
    """`pre` where it is above the threshold, and how many are; gradients to the threshold through a rectangle about it."""

    @staticmethod
    def forward(ctx, pre, threshold):
        on = (pre > threshold).to(pre.dtype)
        ctx.save_for_backward(pre, threshold, on)
        return pre * on, on

    @staticmethod
    def backward(ctx, d_acts, d_on):
        pre, threshold, on = ctx.saved_tensors
        near = ((pre - threshold).abs() < BANDWIDTH / 2).to(pre.dtype) / BANDWIDTH
        return d_acts * on, -((threshold * d_acts + d_on) * near).sum(-2, keepdim=True)


@torch.no_grad()
def collect(model, tokens):
    """Inputs and outputs of every layer's MLP without BOS: two tensors [n_layers, n_tokens, d_model]."""
    n_layers, eps = model.config.num_hidden_layers, model.config.rms_norm_eps
    inputs, outputs = [[] for _ in range(n_layers)], [[] for _ in range(n_layers)]
    handles = []
    for n, layer in enumerate(model.model.layers):
        def keep(_module, args, n=n):
            inputs[n].append(normalized(args[0], eps)[:, 1:].flatten(0, 1))

        handles.append(layer.pre_feedforward_layernorm.register_forward_pre_hook(keep))

    def out(n, y):
        outputs[n].append(y[:, 1:].flatten(0, 1).clone())

    with hooked(model, out):
        for rows in tokens.split(32):
            model.model(input_ids=rows, use_cache=False)
    for it in handles:
        it.remove()
    return torch.stack([torch.cat(it) for it in inputs]), torch.stack([torch.cat(it) for it in outputs])


def normalized(x, eps):
    """`x / rms(x)`, without any gain: what a transcoder reads."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)


class Trainee:
    """Parameters of all layers, [n_layers, ...], while they learn; outputs are scaled to unit variance."""

    def __init__(self, x, y):
        n_layers, _, d = x.shape
        self.scale = (y - y.mean(1, keepdim=True)).pow(2).mean((1, 2), keepdim=True).sqrt()
        self.w_enc = torch.randn(n_layers, d, WIDTH) / math.sqrt(d)
        self.w_dec = self.w_enc.transpose(1, 2) * 0.2
        self.b_enc = torch.zeros(n_layers, 1, WIDTH)
        self.b_dec = (y.mean(1, keepdim=True) / self.scale).clone()
        self.log_threshold = torch.full((n_layers, 1, WIDTH), math.log(THRESHOLD_START))
        self.w_dec = self.w_dec.contiguous()
        for it in self.parameters():
            it.requires_grad_(True)
        self.idle = torch.zeros(n_layers, WIDTH)

    def parameters(self):
        return [self.w_enc, self.w_dec, self.b_enc, self.b_dec, self.log_threshold]

    def losses(self, x, y, goal):
        """(loss of each layer [n_layers], mean L0 of each, error)."""
        y = y / self.scale
        pre = torch.baddbmm(self.b_enc, x, self.w_enc)
        acts, on = Rectangle.apply(pre, self.log_threshold.exp())
        error = y - torch.baddbmm(self.b_dec, acts, self.w_dec)
        fvu = error.pow(2).sum((1, 2)) / (y - y.mean(1, keepdim=True)).pow(2).sum((1, 2))
        l0 = on.sum(-1).mean(-1)
        loss = fvu + L0_WEIGHT * (l0 / goal - 1).pow(2)
        with torch.no_grad():
            self.idle += 1
            self.idle[(on.sum(1) > 0)] = 0
        dead = self.idle >= DEAD_STEPS
        if dead.any():
            loss = loss + self.revive(pre[:, :AUX_TOKENS], error[:, :AUX_TOKENS].detach(), dead)
        return loss, l0.detach(), error.detach()

    def revive(self, pre, error, dead):
        """Dead features learn to explain what the living ones leave, and are pulled up to their thresholds."""
        best = pre.masked_fill(~dead[:, None], -1e4).topk(AUX_K, -1)
        kept = torch.zeros_like(pre).scatter(-1, best.indices, relu(best.values))
        left = (error - kept @ self.w_dec).pow(2).sum((1, 2)) / error.pow(2).sum((1, 2)).clamp_min(1e-9)
        below = relu(self.log_threshold.exp() - pre) * dead[:, None]
        return AUX_WEIGHT * left.clamp_max(2.0) + AUX_PULL * below.mean((1, 2)) * WIDTH / 10

    @torch.no_grad()
    def reseed(self, x, error, optimizer):
        """Gives each dead feature a badly rebuilt token to read and its error to write."""
        for layer in range(len(x)):
            dead = (self.idle[layer] >= DEAD_STEPS).nonzero().flatten()
            if not len(dead):
                continue
            size = error[layer].pow(2).sum(-1)
            token = torch.multinomial(size, len(dead), replacement=len(dead) > len(size))
            reads = x[layer, token] / x[layer, token].norm(dim=-1, keepdim=True)
            self.w_enc[layer, :, dead] = reads.T
            self.b_enc[layer, 0, dead] = 0.0
            self.w_dec[layer, dead] = error[layer, token] / x[layer, token].norm(dim=-1, keepdim=True)
            threshold = (x[layer, token] * reads).sum(-1) * 0.7
            self.log_threshold[layer, 0, dead] = threshold.log()
            self.idle[layer, dead] = 0
            for name in (self.w_enc, self.w_dec, self.b_enc, self.log_threshold):
                for moment in ("exp_avg", "exp_avg_sq"):
                    state = optimizer.state[name][moment][layer]
                    if name is self.w_dec:
                        state[dead] = 0
                    else:
                        state[..., dead] = 0

    @torch.no_grad()
    def finished(self):
        """Arrays of each layer in Gemma Scope's names and shapes, scales folded in, decoder rows of norm 1."""
        out = []
        for layer in range(len(self.w_enc)):
            norm = self.w_dec[layer].norm(dim=-1).clamp_min(1e-8) * self.scale[layer]
            norm = norm.flatten()
            arrays = {
                "W_enc": self.w_enc[layer] * norm,
                "W_dec": self.w_dec[layer] / self.w_dec[layer].norm(dim=-1, keepdim=True).clamp_min(1e-8),
                "b_enc": self.b_enc[layer, 0] * norm,
                "b_dec": self.b_dec[layer, 0] * self.scale[layer, 0, 0],
                "threshold": self.log_threshold[layer, 0].exp() * norm,
            }
            out.append({name: it.numpy().astype("<f4", order="C") for name, it in arrays.items()})
        return out


def goal_at(step, n_steps):
    """The aim for L0."""
    done = min(1.0, step / (L0_FALL * n_steps))
    return L0_START * (L0_GOAL / L0_START) ** done


def train(model, tokenizer, log):
    """Layer -> arrays. A fixed number of steps from a fixed seed."""
    torch.manual_seed(SEED)
    tokens = torch.from_numpy(Stream(tokenizer, "train", SEED).batch(N_SEQUENCES))
    x, y = collect(model, tokens)
    trainee = Trainee(x, y)
    optimizer = torch.optim.Adam(trainee.parameters(), lr=RATE, betas=(0.9, 0.999), fused=True)
    start, order = time.monotonic(), torch.randperm(x.shape[1])
    for step in range(N_STEPS):
        at = step * BATCH % (x.shape[1] - BATCH)
        rows = order[at : at + BATCH]
        done = step / N_STEPS
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * min(1.0, (1 - done) / 0.3 + 0.02)
        x_now, y_now = x[:, rows], y[:, rows]
        loss, l0, error = trainee.losses(x_now, y_now, goal_at(step, N_STEPS))
        loss.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % RESEED_EVERY == 0 and done < RESEED_UNTIL:
            trainee.reseed(x_now, error, optimizer)
        if (step + 1) % 100 == 0:
            dead = (trainee.idle >= DEAD_STEPS).float().mean(1)
            told = " ".join(f"{a:.1f}/{b:.3f}/{c:.2f}" for a, b, c in zip(l0, loss.tolist(), dead))
            log(f"transcoders: step {step + 1}, L0/loss/dead {told}, {time.monotonic() - start:.0f} s")
    return trainee.finished()


def save(layers, l0s, folder):
    """Writes `layer_L/width_W/average_l0_X/params.npz`, uncompressed."""
    for layer, (arrays, l0) in enumerate(zip(layers, l0s)):
        place = f"{folder}/layer_{layer}/width_{WIDTH}/average_l0_{round(l0)}"
        os.makedirs(place, exist_ok=True)
        np.savez(f"{place}/params.npz", **arrays)
