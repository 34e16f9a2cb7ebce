// A browser that ends without a warning in the middle of a download, and another one with the same profile that goes on.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { bytesServed, bytesServedTwice } from "./hub.mjs";
import { launch } from "./launch.mjs";
import { library, openPage } from "./pages.mjs";
import { killTree } from "./processes.mjs";
import { endState, fetchOf, options, whole } from "./sets.mjs";
import { sleep, until, withTimeout } from "./timing.mjs";

const START_SECONDS = 90;
const BYTES_SECONDS = 600;

async function started({ kind, executable, base, profile, sizes }, store) {
  const browser = await withTimeout(launch(kind, executable, { profile }), START_SECONDS, `starting ${kind}`);
  const { page } = await openPage(browser);
  const tab = await library({ page, base });
  await tab.start("engine", options(store, sizes));
  return { browser, tab };
}

// Fetches until the Hub has served so many bytes, then the browser is gone. Whether the fetch was still under way.
async function killedAt(world, store, n_bytes) {
  const { browser, tab } = await started(world, store);
  const handle = await tab.begin("engine", fetchOf(world.set, { manifest: world.manifest }));
  let ended = false;
  const there = async () => {
    ended = (await tab.look(handle)).end !== null;
    return ended || bytesServed(await world.hub.log()) >= n_bytes;
  };
  await until(there, BYTES_SECONDS, `${n_bytes} bytes were served`);
  await killTree(browser.process().pid);
  return !ended;
}

// The end of the fetch in a fresh browser, and the files that are there then.
async function ended(world, store) {
  const { browser, tab } = await started(world, store);
  try {
    const fetched = whole(await tab.ask("engine", fetchOf(world.set, { manifest: world.manifest })));
    return { fetched, files: await endState(tab, store) };
  } finally {
    await withTimeout(browser.close(), 60, "closing the browser").catch(() => killTree(browser.process().pid));
  }
}

// Kills at shares of what is to be served, one after the other, each time with the same profile; then the fetch ends. What was served
// twice keeps its bound at every kill, and the files are those of a fetch that nothing happened to. A line about it.
export async function endsAtRandom(world, { shares, throttle }) {
  const { hub, profile, sizes } = world;
  await mkdir(profile, { recursive: true });
  await hub.start();
  const straight = await ended(world, "straight");
  const log = await hub.log();
  const all = bytesServed(log);
  // Heads of files are a part of them too: by itself a fetch asks for those bytes twice.
  const by_itself = bytesServedTwice(log);
  await hub.start({ throttle });
  const most = (sizes.crash_bytes ?? sizes.journal_bytes) + sizes.in_flight * sizes.piece_bytes;
  const twice = [];
  for (const share of shares) {
    assert.ok(await killedAt(world, "killed", share * all), `the browser is killed before the end, at ${share}`);
    await sleep(200); // what the Hub still sends into a connection that is gone is counted before the next start
    const so_far = bytesServedTwice(await hub.log());
    twice.push(so_far);
  }
  await hub.set({ throttle: null });
  const { fetched, files } = await ended(world, "killed");
  const in_all = bytesServedTwice(await hub.log());
  const per_kill = [...twice.slice(1), in_all].map((it, n) => it - twice[n]);
  for (const [n, it] of per_kill.entries()) assert.ok(it <= most + by_itself, `after kill ${n}, ${it} bytes came again; ${most} may`);
  const again = bytesServed(await hub.log()) - all;
  assert.ok(again <= shares.length * most, `${again} bytes came again after ${shares.length} kills; ${most} may each time`);
  assert.deepEqual(files, straight.files, "the files are those of a fetch that nothing happened to");
  const [came, straight_came] = [fetched.received_bytes, straight.fetched.received_bytes];
  assert.ok(came < straight_came, `it was gone on with: ${came} bytes came, ${straight_came} without a kill; ${again} of ${all} again`);
  return `${shares.length} kills of ${all} bytes, ${again} of them came again (at most ${Math.max(...per_kill)} after one), ${files.length} files alike`;
}
