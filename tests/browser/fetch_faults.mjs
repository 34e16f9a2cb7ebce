// Cases of fetching while something goes wrong: every fault of the test Hub, and a browser that ends in the middle.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { endsAtRandom } from "./killing.mjs";
import { library } from "./pages.mjs";
import { fetchOf, hubSet, options, SMALL, stored, whole } from "./sets.mjs";

// How each fault of xtask/src/hub/fault.rs strikes: once on the way, and those that a download can't survive for good.
// What changes the files for all who come later stands last.
export const FAULTS = [
  "cut:1000@/signed/#3",
  "cut:0@/signed/#2x*",
  "stall:1000@/signed/#4",
  "slow:400000@/signed/#2x3",
  "status:429:1@/signed/#3",
  "status:429@/api/#1",
  "status:500@/signed/#2",
  "status:503@/resolve/#3",
  "status:503@/signed/#5x*",
  "status:404@/signed/#4x*",
  "expired@/signed/#3",
  "forbidden@/signed/#3x*",
  "wrong-length@/signed/#3",
  "short:10@/signed/#3",
  "long:10@/signed/#3",
  "shifted:8@/signed/#3",
  "no-range@/signed/#3",
  "no-range@/signed/#2x*",
  "flip:70000@model.safetensors#x1",
  "flip:100000@params.npz#x1",
  "html@/api/#1",
  "html@/signed/#3",
  "html@/resolve/#2x*",
  "redirect-loop@/resolve/#2x*",
  "garbage-json@/api/#1x*",
  "changed@params.npz#3",
];

// One schedule in a store of its own: it ends whole or with an error and a remedy; without the faults the same then ends whole, and
// nothing that was complete is lost. Gives how it ended first.
export async function schedule(tab, hub, rules, store) {
  const said = rules.join(" + ");
  const set = hubSet(hub.origin, "pair");
  await hub.start({ faults: rules });
  await tab.start(store, options(store));
  try {
    const first = await tab.ask(store, fetchOf(set));
    const log = await hub.log();
    const struck = log.filter((it) => it.fault).length;
    if (first.end.done) {
      whole(first, said);
      return { ended: "whole", struck };
    }
    assert.ok(first.end.failed?.what && first.end.failed?.remedy, `${said}: ${JSON.stringify(first.end)}`);
    const before = await stored(tab, store);
    await hub.set({ faults: [] });
    const again = await tab.ask(store, fetchOf(set));
    // What a server replaced under its commit stays another file than was published, however often it is asked for.
    const is_other = log.some((it) => it.fault?.includes("changed"));
    if (is_other) assert.ok(again.end.failed?.what && again.end.failed?.remedy, `${said}: ${JSON.stringify(again.end)}`);
    else whole(again, `${said}, then nothing wrong`);
    const after = await stored(tab, store);
    for (const [key, part] of before.parts) {
      const kept = after.parts.get(key)?.whole;
      assert.ok(kept || !part.whole, `${said}: ${key} was whole before`);
    }
    return { ended: first.end.failed.what, struck };
  } finally {
    await tab.ask(store, { Remove: { selection: { repo: null, packing: null, layers: null, parts: null, keys: null }, set_aside: true } });
    await tab.stop(store);
  }
}

async function everyFault(context) {
  const tab = await library(context);
  let n_whole = 0;
  for (const [n, rule] of FAULTS.entries()) {
    const { ended, struck } = await schedule(tab, context.hub, [rule], `fault-${n}`);
    assert.ok(struck > 0, `${rule} strikes`);
    if (ended === "whole") n_whole += 1;
    else console.log(`    ${rule}: ${ended}`);
  }
  // Files that were changed stay so until the Hub starts anew.
  await context.hub.stop();
  return `${FAULTS.length} faults, ${n_whole} of them survived at once`;
}

// One SIGKILL in the middle of a download that takes seconds.
async function aKilledBrowser(context) {
  const { out, kind, executable, base, hub } = context;
  const profile = join(out, `${kind}.killed`);
  const world = { kind, executable, base, hub, profile, set: hubSet(hub.origin, "nano"), sizes: SMALL };
  const clear = () => rm(profile, { recursive: true, force: true });
  await clear();
  try {
    return await endsAtRandom(world, { shares: [0.45], throttle: 400_000 });
  } finally {
    await clear();
  }
}

export const FAULT_CASES = {
  fetch_faults: { run: everyFault, seconds: 600 },
  fetch_killed: { run: aKilledBrowser, seconds: 240 },
};
