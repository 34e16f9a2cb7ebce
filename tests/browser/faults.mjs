// The long schedules in one browser: every pair of faults, and kills at random moments of a download of some size; `cargo xtask faults
// --browser` starts the server.
//
//   node tests/browser/faults.mjs --base ADDRESS --out DIR --hub PROGRAM --hub-root DIR --hub-ports A,B --kind NAME --executable PATH
//     [--pairs] [--kills N] [--seed S] [--preset NAME]

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAULTS, schedule } from "./fetch_faults.mjs";
import { Hub } from "./hub.mjs";
import { endsAtRandom } from "./killing.mjs";
import { launch } from "./launch.mjs";
import { library, openPage } from "./pages.mjs";
import { killTree } from "./processes.mjs";
import { hubSet, SMALL } from "./sets.mjs";
import { withTimeout } from "./timing.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    out: { type: "string" },
    hub: { type: "string" },
    "hub-root": { type: "string" },
    "hub-ports": { type: "string" },
    kind: { type: "string" },
    executable: { type: "string" },
    pairs: { type: "boolean", default: false },
    kills: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    preset: { type: "string", default: "wide" },
  },
});
const { kind, executable, base } = options;
const ports = options["hub-ports"].split(",");
const SCHEDULE_SECONDS = 120;
// So many pages share a browser before it is started anew: it keeps something of each.
const PAIRS_PER_BROWSER = 60;

// Sizes as they are by default, and a line on which a download takes long enough to be killed in.
// What a crash may cost is more than lies between two entries of the journal: a browser holds bytes that it has not yet handed on.
const LARGE = { crash_bytes: 64 << 20, range_bytes: 64 << 20, piece_bytes: 8 << 20, journal_bytes: 48 << 20, in_flight: 3 };
const LARGE_THROTTLE = 60e6;

// A stream of numbers in [0, 1) that a seed begins: mulberry32.
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let it = state;
    it = Math.imul(it ^ (it >>> 15), it | 1);
    it ^= it + Math.imul(it ^ (it >>> 7), it | 61);
    return ((it ^ (it >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function pairs() {
  const hub = new Hub([options.hub, "hub", "--root", options["hub-root"]], ports);
  const all = FAULTS.flatMap((a, n) => FAULTS.slice(n).map((b) => [a, b]));
  const failures = [];
  const counts = new Map();
  for (let from = 0; from < all.length; from += PAIRS_PER_BROWSER) {
    const browser = await withTimeout(launch(kind, executable), 90, `starting ${kind}`);
    const { page } = await openPage(browser);
    const tab = await library({ page, base });
    for (const [n, rules] of all.slice(from, from + PAIRS_PER_BROWSER).entries()) {
      try {
        const run = schedule(tab, hub, rules, `pair-${from + n}`);
        const { ended } = await withTimeout(run, SCHEDULE_SECONDS, rules.join(" + "));
        counts.set(ended, (counts.get(ended) ?? 0) + 1);
      } catch (error) {
        failures.push(error.message);
        console.log(`FAILED ${rules.join(" + ")}: ${error.message}`);
      }
      // What was changed stays changed.
      if (rules.some((it) => it.startsWith("changed"))) await hub.stop();
    }
    await withTimeout(browser.close(), 30, "closing the browser").catch(() => killTree(browser.process().pid));
  }
  await hub.stop();
  for (const [ended, n] of counts) console.log(`${String(n).padStart(5)} ${ended}`);
  console.log(`${all.length} pairs, ${failures.length} failed`);
  return failures.length === 0;
}

async function kills() {
  const small = options.preset === "nano";
  const source = small ? ["--root", options["hub-root"]] : ["--preset", options.preset];
  const hub = new Hub([options.hub, "hub", ...source], ports);
  const profile = join(options.out, `${kind}.kills`);
  const next = random(Number(options.seed));
  const shares = Array.from({ length: Number(options.kills) }, () => 0.02 + 0.93 * next()).sort((a, b) => a - b);
  const sizes = small ? SMALL : LARGE;
  const world = { kind, executable, base, hub, profile, set: hubSet(hub.origin, options.preset, "precise"), sizes };
  await rm(profile, { recursive: true, force: true });
  try {
    console.log(await endsAtRandom(world, { shares, throttle: small ? 400_000 : LARGE_THROTTLE }));
    return true;
  } catch (error) {
    console.log(`FAILED ${error.stack}`);
    return false;
  } finally {
    await hub.stop();
    await rm(profile, { recursive: true, force: true });
  }
}

let fine = true;
if (options.pairs) fine = (await pairs()) && fine;
if (Number(options.kills) > 0) fine = (await kills()) && fine;
process.exit(fine ? 0 : 1);
