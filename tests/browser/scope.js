// What the cases ask of transcoders: nano's own, in an engine of theirs.

import { Engine } from "./engine.js";
import { base64, joined, safetensors } from "./safetensors.js";

const BASE = new URL("../../", location.href).href;
const PARTS = ["pre", "acts", "out"];

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

async function run(ids) {
  const { engine } = await opened();
  const { Ran } = await engine.ask({ Run: { input: { Ids: ids }, want: [], writes: [] } });
  return Ran.run;
}

async function derive(base, interventions, splice, mode) {
  const { engine } = await opened();
  const { Ran } = await engine.ask({ Derive: { run: base, interventions, splice, mode, want: [] } });
  return Ran.run;
}

async function logits(of) {
  const { engine } = await opened();
  const pieces = [];
  await engine.ask({ Ask: { run: of, what: { Site: ["logits"] }, positions: "*" } }, ({ Site }, parts) => {
    pieces.push({ first: Site.first, shape: Site.array.shape, values: new Float32Array(parts[Site.array.part]) });
  });
  return joined("logits", pieces);
}

// Active features by layer: [[pos, feature, activation], ..].
async function features(of, n_layers) {
  const { engine } = await opened();
  const out = Array.from({ length: n_layers }, () => []);
  await engine.ask({ Ask: { run: of, what: { Features: { layers: null } }, positions: "*" } }, ({ Features: it }, parts) => {
    const places = new Int32Array(parts[it.places.part]);
    const values = new Float32Array(parts[it.activations.part]);
    values.forEach((value, n) => out[it.layer].push([places[2 * n], places[2 * n + 1], value]));
  });
  return out;
}

// A list of features as the dense array that it stands for.
function dense(list, n_pos, width) {
  const values = new Float32Array(n_pos * width);
  for (const [pos, feature, value] of list) values[pos * width + feature] = value;
  return { shape: [n_pos, width], values };
}

// Dense arrays of every layer and the logits with all layers spliced; the lists of features must be the dense activations.
async function dump(ids) {
  const { engine, config } = await opened();
  const base = await run(ids);
  const pieces = new Map();
  await engine.ask({ Ask: { run: base, what: { Dense: { layers: null, parts: PARTS } }, positions: "*" } }, ({ Dense: it }, parts) => {
    const name = `blocks.${it.layer}.transcoder.${it.dense}`;
    if (!pieces.has(name)) pieces.set(name, []);
    pieces.get(name).push({ first: it.first, shape: it.array.shape, values: new Float32Array(parts[it.array.part]) });
  });
  const tensors = new Map([...pieces].map(([name, it]) => [name, joined(name, it)]));
  const lists = await features(base, config.n_layers);
  lists.forEach((list, layer) => {
    const acts = tensors.get(`blocks.${layer}.transcoder.acts`);
    const listed = dense(list, ...acts.shape);
    if (!listed.values.every((it, n) => it === acts.values[n])) throw new Error(`layer ${layer}: the list is not the dense array`);
  });
  tensors.set("spliced_all.logits", await logits(await derive(base, [], "All", "frozen")));
  return base64(safetensors(tensors));
}

// The logits after each case of interventions, and the activations of the layers from the lowest touched one on.
async function interventions(ids, cases) {
  const base = await run(ids);
  const tensors = new Map();
  for (const it of cases) {
    const list = it.interventions.map((of) => `${of.layer}:${of.pos}:${of.feature}=${of.value}`);
    const mode = it.constrained_layers === "all" ? "direct" : it.freeze_attention ? "frozen" : "free";
    tensors.set(`${it.case}.logits`, await logits(await derive(base, list, null, mode)));
  }
  return base64(safetensors(tensors));
}

// Metrics of every layer, then of all.
async function metrics(ids) {
  const { engine, config } = await opened();
  const splices = [...Array(config.n_layers).keys()].map((it) => ({ Layer: it }));
  const told = [];
  const what = { Metrics: { splices: [...splices, "All"] } };
  await engine.ask({ Ask: { run: await run(ids), what, positions: "*" } }, ({ Metrics }) => told.push(Metrics));
  return told;
}

export const scope = { dump, interventions, metrics };
