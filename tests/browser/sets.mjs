// Sets that the test Hub has, as they are asked for, and the sizes with which they are fetched.

import assert from "node:assert/strict";

// For a set of a megabyte: as many ranges, pieces and journal entries as a real one has, and waits that a test can afford.
export const SMALL = {
  range_bytes: 256 << 10,
  piece_bytes: 64 << 10,
  journal_bytes: 256 << 10,
  in_flight: 3,
  stall_millis: 1500,
  wait_millis: 20,
  most_wait_millis: 200,
  attempts: 4,
  attempts_to_open: 2,
};

// The name of a worker: options of its engine. `store` is the folder in which it keeps what it fetches.
export function options(store, sizes = SMALL) {
  return Object.entries({ store, ...sizes })
    .map(([key, it]) => `${key}=${it}`)
    .join("&");
}

// `synth/NAME` and `synth/NAME-transcoders` of a Hub.
export function hubSet(origin, name, precision = "reference") {
  const repo = (it) => ({ Hub: { repo: `${origin}/synth/${it}` } });
  return set(repo(name), repo(`${name}-transcoders`), precision);
}

// The same by the formula.
export function synthSet(preset, precision = "reference") {
  return set({ Synth: { preset, tokenizer: null } }, { Synth: { preset } }, precision);
}

function set(model, place, precision) {
  const transcoders = { place, layers: null, halves: ["encoder", "decoder"], average_l0: [] };
  return { model, transcoders, precision, n_ctx: null, n_kept: null, max_gpu_bytes: null };
}

export function fetchOf(set, { manifest = null, update = false } = {}) {
  return { Fetch: { set, from: "Hub", manifest, update } };
}

// What was told of a fetch that must have ended well.
export function whole(told, what = "the fetch") {
  const { done } = told.end;
  assert.ok(done, `${what}: ${JSON.stringify(told.end)}`);
  assert.ok(["manifest", "file"].includes(done.Fetched.trust), `${what} ends at ${done.Fetched.trust}`);
  return done.Fetched;
}

// What `Stored` tells, and its parts by name.
export async function stored(tab, engine) {
  const { end } = await tab.ask(engine, "Stored");
  assert.ok(end.done, `what is stored: ${JSON.stringify(end)}`);
  const list = end.done.Stored;
  const parts = new Map(list.sources.flatMap((it) => it.parts.map((part) => [part.key, part])));
  return { list, parts };
}

// Files of a store as they must be in the end, whatever happened on the way: the bytes of parts and that they are whole.
export async function endState(tab, store) {
  const files = await tab.listed(store);
  const isBytes = (name) => name.endsWith(".data") && !/(^|\/)(pin|proof|spill)-/.test(name);
  return files.filter(([name]) => isBytes(name));
}
