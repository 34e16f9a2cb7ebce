// What an engine computes of a prompt, as safetensors files in base64: activations at sites, and what its transcoders see.
// An opened model is { engine, config }.

import { base64, joined, safetensors } from "./safetensors.js";

const EVERY_SITE = [
  "hook_resid_pre",
  "attn.hook_pattern",
  "hook_attn_out",
  "hook_resid_mid",
  "ln2.hook_normalized",
  "hook_mlp_out",
  "hook_resid_post",
];
const PARTS = ["pre", "acts", "out"];

export async function run({ engine }, ids, want = []) {
  const { Ran } = await engine.ask({ Run: { input: { Ids: ids }, want, writes: [] } });
  return Ran.run;
}

// Activations of a run at sites, by site.
async function sites({ engine }, of, want) {
  const pieces = new Map(want.map((it) => [it, []]));
  await engine.ask({ Ask: { run: of, what: { Site: want }, positions: "*" } }, ({ Site }, parts) => {
    const values = new Float32Array(parts[Site.array.part]);
    pieces.get(Site.site).push({ first: Site.first, shape: Site.array.shape, values });
  });
  return new Map([...pieces].map(([site, it]) => [site, joined(site, it)]));
}

export async function logits(opened, of) {
  return (await sites(opened, of, ["logits"])).get("logits");
}

// Every site of a prompt, computed afresh.
export async function siteDump(opened, ids) {
  const layers = [...Array(opened.config.n_layers).keys()];
  const want = ["hook_embed", ...layers.flatMap((l) => EVERY_SITE.map((it) => `blocks.${l}.${it}`)), "logits"];
  const of = await run(opened, ids, want);
  const tensors = await sites(opened, of, want);
  await opened.engine.ask({ Drop: { run: of } });
  return base64(safetensors(tensors));
}

// Active features by layer: [[pos, feature, activation], ..].
export async function features({ engine, config }, of) {
  const out = Array.from({ length: config.n_layers }, () => []);
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
export async function scopeDump(opened, ids) {
  const { engine } = opened;
  const base = await run(opened, ids);
  const pieces = new Map();
  await engine.ask({ Ask: { run: base, what: { Dense: { layers: null, parts: PARTS } }, positions: "*" } }, ({ Dense: it }, parts) => {
    const name = `blocks.${it.layer}.transcoder.${it.dense}`;
    if (!pieces.has(name)) pieces.set(name, []);
    pieces.get(name).push({ first: it.first, shape: it.array.shape, values: new Float32Array(parts[it.array.part]) });
  });
  const tensors = new Map([...pieces].map(([name, it]) => [name, joined(name, it)]));
  const lists = await features(opened, base);
  lists.forEach((list, layer) => {
    const acts = tensors.get(`blocks.${layer}.transcoder.acts`);
    const listed = dense(list, ...acts.shape);
    if (!listed.values.every((it, n) => it === acts.values[n])) throw new Error(`layer ${layer}: the list is not the dense array`);
  });
  tensors.set("spliced_all.logits", await logits(opened, await derive(opened, base, [], "All", "frozen")));
  return base64(safetensors(tensors));
}

export async function derive({ engine }, base, interventions, splice, mode) {
  const { Ran } = await engine.ask({ Derive: { run: base, interventions, splice, mode, want: [] } });
  return Ran.run;
}

// What goldens too large to be kept whole are compared with: three sites of every layer, features, the best tokens.
export async function partsDump(opened, ids) {
  const layers = [...Array(opened.config.n_layers).keys()];
  const want = layers.flatMap((l) => ["hook_resid_mid", "hook_mlp_out", "hook_resid_post"].map((it) => `blocks.${l}.${it}`));
  const of = await run(opened, ids, want);
  const tensors = await sites(opened, of, want);
  const lists = await features(opened, of);
  for (const [layer, list] of lists.entries()) {
    const places = Float32Array.from(list.flatMap(([pos, feature]) => [pos, feature]));
    tensors.set(`blocks.${layer}.features`, { shape: [list.length, 2], values: places });
    tensors.set(`blocks.${layer}.acts`, { shape: [list.length], values: Float32Array.from(list, (it) => it[2]) });
  }
  const told = [];
  const what = { Probs: { top_k: 20, asked: [] } };
  await opened.engine.ask({ Ask: { run: of, what, positions: "*" } }, ({ Probs }) => told.push(Probs));
  told.sort((a, b) => a.pos - b.pos);
  const numbers = (key) => Float32Array.from(told.flatMap((it) => it.top.map((top) => top[key])));
  tensors.set("logits.top20.values", { shape: [ids.length, 20], values: numbers("logit") });
  tensors.set("logits.top20.ids", { shape: [ids.length, 20], values: numbers("id") });
  tensors.set("logits.logsumexp", { shape: [ids.length], values: Float32Array.from(told, (it) => it.log_sum_exp) });
  return base64(safetensors(tensors));
}
