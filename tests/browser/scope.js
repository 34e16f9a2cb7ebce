// What the cases ask of transcoders: nano's own, in an engine of theirs.

import { derive, logits, run, scopeDump } from "./dumps.js";
import { Engine } from "./engine.js";
import { base64, safetensors } from "./safetensors.js";

const BASE = new URL("../../", location.href).href;

let started;

// The engine with nano and its transcoders open in it.
function opened() {
  started ??= Engine.start(BASE).then(async (engine) => {
    const transcoders = { place: { Synth: { preset: "nano" } }, layers: null, halves: ["encoder", "decoder"], average_l0: [] };
    const model = { Synth: { preset: "nano", tokenizer: null } };
    const { Opened } = await engine.ask({
      Open: { model, transcoders, precision: "reference", n_ctx: null, n_kept: null, max_gpu_bytes: null },
    });
    return { engine, config: Opened.config };
  });
  return started;
}

async function dump(ids) {
  return scopeDump(await opened(), ids);
}

// The logits after each case of interventions, and the activations of the layers from the lowest touched one on.
async function interventions(ids, cases) {
  const it = await opened();
  const base = await run(it, ids);
  const tensors = new Map();
  for (const one of cases) {
    const list = one.interventions.map((of) => `${of.layer}:${of.pos}:${of.feature}=${of.value}`);
    const mode = one.constrained_layers === "all" ? "direct" : one.freeze_attention ? "frozen" : "free";
    tensors.set(`${one.case}.logits`, await logits(it, await derive(it, base, list, null, mode)));
  }
  return base64(safetensors(tensors));
}

// Metrics of every layer, then of all.
async function metrics(ids) {
  const it = await opened();
  const splices = [...Array(it.config.n_layers).keys()].map((layer) => ({ Layer: layer }));
  const told = [];
  const what = { Metrics: { splices: [...splices, "All"] } };
  const of = await run(it, ids);
  await it.engine.ask({ Ask: { run: of, what, positions: "*" } }, ({ Metrics }) => told.push(Metrics));
  return told;
}

export const scope = { dump, interventions, metrics };
