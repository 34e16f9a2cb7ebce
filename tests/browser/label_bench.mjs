// Measures label search inside the stock browsers, alone and while a set is fetched; `cargo xtask bench --store --labels` starts the server.
//
//   node tests/browser/label_bench.mjs --base http://127.0.0.1:PORT/ --out FILE --hub PROGRAM --hub-ports A,B --preset NAME
//     --precision NAME [--rounds N] [--chromium PATH] [--firefox PATH]
//
// Prints a table and leaves FILE: { browser: { version, labels, alone, during, fetch } }.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Hub } from "./hub.mjs";
import { BROWSERS, launch } from "./launch.mjs";
import { library, openPage } from "./pages.mjs";
import { fetchOf, hubSet, whole } from "./sets.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    out: { type: "string" },
    hub: { type: "string" },
    "hub-ports": { type: "string" },
    preset: { type: "string" },
    precision: { type: "string" },
    rounds: { type: "string", default: "2" },
    chromium: { type: "string" },
    firefox: { type: "string" },
  },
});

// Those of the transcoders of Gemma 2 2B, and the texts of tests/session/label_search.rs.
const N_LAYERS = 26;
const N_FEATURES = 16384;
const TEXTS = ["t", "te", "tex", "texa", "texas", "TEXAS cit", "e", "xas ities", "no such words", "a e i o"];
const MOST_ROUNDS = 1000;

const hub = new Hub([options.hub, "hub", "--preset", options.preset], options["hub-ports"].split(","));

const sorted = (millis) => [...millis].sort((a, b) => a - b);
const median = (millis) => sorted(millis)[Math.floor(millis.length / 2)] ?? NaN;
const most = (millis) => Math.max(...millis);
const shown = (it) => (Number.isFinite(it) ? it.toFixed(0) : "-");

// Everything in one engine, as on the page.
async function measured(tab) {
  await tab.removeFolder("bench");
  await tab.start("labels", "store=bench");
  const labels = await tab.loadLabels("labels", N_LAYERS, N_FEATURES);
  const alone = await tab.keystrokes("labels", TEXTS, Number(options.rounds));
  const fetching = await tab.begin("labels", fetchOf(hubSet(hub.origin, options.preset, options.precision)));
  const during = await tab.keystrokesBeside("labels", TEXTS, MOST_ROUNDS, fetching);
  const fetch = whole(await tab.ended(fetching));
  const { end } = await tab.ask("labels", "Describe");
  await tab.stop("labels");
  await tab.removeFolder("bench");
  return { labels, alone, during, fetch, heap_bytes: end.done.Described.heap_bytes };
}

function print(kind, { version, labels, alone, during, fetch, heap_bytes }) {
  const mb = (it) => `${(it / 1e6).toFixed(0)} MB`;
  console.log(`\n${kind}: ${version}; ${labels.n_labels} labels, ${mb(labels.size_bytes)}, read in ${labels.seconds.toFixed(1)} s; wasm heap ${(heap_bytes / 2 ** 20).toFixed(0)} MiB`);
  console.log(`  beside a fetch of ${mb(fetch.received_bytes)} in ${fetch.seconds.toFixed(1)} s`);
  console.log(`  ${"text".padEnd(16)}${["found", "alone, ms", "most", "beside, ms", "most", "times"].map((it) => it.padStart(12)).join("")}`);
  for (const [n, it] of alone.entries()) {
    const beside = during[n].millis;
    const cells = [it.n_found, shown(median(it.millis)), shown(most(it.millis)), shown(median(beside)), shown(most(beside)), beside.length];
    console.log(`  ${it.text.padEnd(16)}${cells.map((it) => String(it).padStart(12)).join("")}`);
  }
}

const results = {};
await hub.start();
try {
  for (const kind of BROWSERS.filter((it) => options[it])) {
    const browser = await launch(kind, options[kind]);
    try {
      const { page } = await openPage(browser);
      const tab = await library({ page, base: options.base });
      results[kind] = { version: await browser.version(), ...(await measured(tab)) };
      print(kind, results[kind]);
    } finally {
      await browser.close();
    }
  }
} finally {
  await hub.stop();
}
await writeFile(options.out, JSON.stringify(results, null, 2));
