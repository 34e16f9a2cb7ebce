// A set of the true size through a browser: fetched into the files of its origin, then opened from there in a fresh browser with the
// server gone; `cargo xtask full --browser` starts the server and judges the dump.
//
//   node tests/browser/full.mjs --base ADDRESS --out DIR --hub PROGRAM --hub-ports A,B --kind chromium|firefox --executable PATH
//     --preset NAME --precision NAME --ids 2,3,.. [--keep]
//
// Leaves DIR/full.json and, where everything fitted, DIR/full.safetensors.

import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bytesServed, bytesServedTwice, Hub } from "./hub.mjs";
import { launch } from "./launch.mjs";
import { library, openPage } from "./pages.mjs";
import { killTree, MemoryWatch } from "./processes.mjs";
import { fetchOf, hubSet, stored } from "./sets.mjs";
import { sleep, withTimeout } from "./timing.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    out: { type: "string" },
    hub: { type: "string" },
    "hub-ports": { type: "string" },
    kind: { type: "string" },
    executable: { type: "string" },
    preset: { type: "string" },
    precision: { type: "string" },
    ids: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

const GB = 1e9;
const gigabytes = (it) => `${(it / GB).toFixed(2)} GB`;
const seconds = (phases) => Object.entries(phases).map(([phase, it]) => `${phase} ${it.toFixed(1)} s`).join(", ");
const profile = join(options.out, `full.${options.kind}.profile`);
const hub = new Hub([options.hub, "hub", "--preset", options.preset], options["hub-ports"].split(","));
const set = hubSet(hub.origin, options.preset, options.precision);
const results = { kind: options.kind, preset: options.preset, precision: options.precision };

// Does something with an engine in a browser of this profile; what was done, and what the browser held at most.
async function inBrowser(work) {
  const browser = await withTimeout(launch(options.kind, options.executable, { profile }), 120, "starting the browser");
  const memory = new MemoryWatch(browser.process().pid);
  try {
    const { page } = await openPage(browser);
    const tab = await library({ page, base: options.base });
    await tab.start("engine", "store=full");
    const told = await work(tab);
    return { ...told, version: await browser.version(), memory: memory.stop() };
  } finally {
    memory.stop();
    await withTimeout(browser.close(), 120, "closing the browser").catch(() => killTree(browser.process().pid));
  }
}

async function watched(tab, handle) {
  for (let round = 0; ; round++) {
    await sleep(1000);
    const { plan, progress, end, phases } = await tab.look(handle);
    if (end) return;
    if (round % 15 !== 0 || !progress) continue;
    const rate = `${(progress.bytes_per_second / 1e6).toFixed(0)} MB/s`;
    const missing = plan?.missing_bytes ? `, ${gigabytes(plan.missing_bytes)} missing` : "";
    console.log(`  ${gigabytes(progress.done_bytes)} of ${gigabytes(progress.total_bytes)}, ${rate}, ${progress.phase}${missing} (${seconds(phases)})`);
  }
}

// The fetch to its end, which is whole or out of room, and what is kept then.
async function fetches(tab) {
  const handle = await tab.begin("engine", fetchOf(set));
  await watched(tab, handle);
  const told = await tab.ended(handle);
  const log = await hub.log();
  const { list, parts } = await stored(tab, "engine");
  const kept = new Set([...parts.values()].filter((it) => it.whole && it.part).map((it) => it.part));
  for (const { part } of told.parts) assert.ok(kept.has(part), `${part} was whole and is kept`);
  const { end } = await tab.ask("engine", "Describe");
  return {
    end: told.end,
    seconds: told.seconds,
    phases: told.phases,
    plan: told.plan,
    n_parts: new Set(told.parts.map((it) => it.part)).size,
    served_bytes: bytesServed(log),
    twice_bytes: bytesServedTwice(log),
    stored_bytes: list.total_bytes,
    heap_bytes: end.done.Described.heap_bytes,
  };
}

// Out of room is an ordinary state: it says how much is missing, and what has come is sound.
async function outOfRoom(tab) {
  const { end } = await tab.ask("engine", { Verify: { selection: { repo: null, packing: null, layers: null, parts: null, keys: null }, repair: false } });
  assert.deepEqual(end.done?.Verified.damaged, [], JSON.stringify(end));
  return { verified_bytes: end.done.Verified.read_bytes };
}

// The golden's prompt from the store, with nothing to ask.
async function answers(tab) {
  const ids = options.ids.split(",").map(Number);
  const opened = await tab.open("engine", set);
  assert.ok(opened.end.done, JSON.stringify(opened.end));
  const start = performance.now();
  const dump = await tab.partsDump("engine", ids);
  const answer_seconds = (performance.now() - start) / 1000;
  await writeFile(join(options.out, "full.safetensors"), Buffer.from(dump, "base64"));
  const { end } = await tab.ask("engine", "Describe");
  const { heap_bytes, adapter, peak_gpu_bytes } = end.done.Described;
  return { open_seconds: opened.seconds, phases: opened.phases, answer_seconds, heap_bytes, adapter, peak_gpu_bytes };
}

const held = ({ memory }) => `${gigabytes(memory.proportional)} proportional, ${gigabytes(memory.resident)} resident at most`;

await rm(profile, { recursive: true, force: true });
await mkdir(profile, { recursive: true });
try {
  await hub.start();
  results.fetched = await inBrowser(fetches);
  const it = results.fetched;
  console.log(`${options.kind}: ${it.version}`);
  console.log(`  fetched       ${gigabytes(it.served_bytes)} served, ${it.twice_bytes} bytes twice, in ${it.seconds.toFixed(0)} s: ${seconds(it.phases)}`);
  console.log(`  stored        ${gigabytes(it.stored_bytes)}, ${it.n_parts} parts`);
  console.log(`  wasm heap     ${(it.heap_bytes / 2 ** 20).toFixed(0)} MiB; browser ${held(it)}`);
  await hub.stop();
  if (it.end.done) {
    assert.ok(["manifest", "file"].includes(it.end.done.Fetched.trust), `it ends at ${it.end.done.Fetched.trust}`);
    results.answered = await inBrowser(answers);
    const told = results.answered;
    console.log(`  opened        in ${told.open_seconds.toFixed(0)} s: ${seconds(told.phases)}; answered in ${told.answer_seconds.toFixed(0)} s`);
    console.log(`  wasm heap     ${(told.heap_bytes / 2 ** 20).toFixed(0)} MiB; browser ${held(told)}; GPU ${gigabytes(told.peak_gpu_bytes)}`);
  } else {
    console.log(`  ended         ${it.end.failed?.what} ${it.end.failed?.remedy}`);
    results.verified = await inBrowser(outOfRoom);
    console.log(`  verified      ${gigabytes(results.verified.verified_bytes)}, nothing is damaged`);
  }
} finally {
  await hub.stop();
  if (!options.keep) await rm(profile, { recursive: true, force: true });
}
await writeFile(join(options.out, "full.json"), JSON.stringify(results, null, 2));
