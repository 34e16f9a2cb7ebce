// Measures fetching into the store and starting from it inside the stock browsers, each beside yardsticks of the same run; `cargo xtask
// bench --store` starts the server.
//
//   node tests/browser/store_bench.mjs --base http://127.0.0.1:PORT/ --out FILE --hub PROGRAM --hub-ports A,B --preset NAME
//     --precision NAME --files JSON --manifest ADDRESS [--rounds N] [--chromium PATH] [--firefox PATH]
//
// Prints a table and leaves FILE: { browser: { version, rounds: [..], start, heap_bytes } }.

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
    files: { type: "string" },
    manifest: { type: "string" },
    rounds: { type: "string", default: "2" },
    chromium: { type: "string" },
    firefox: { type: "string" },
  },
});

const SIZES = { range_bytes: 64 << 20, piece_bytes: 8 << 20, in_flight: 3 };
const MB = 1e6;
const hub = new Hub([options.hub, "hub", "--preset", options.preset], options["hub-ports"].split(","));
// [repository, file, bytes]
const files = JSON.parse(options.files).map(([repo, file, size]) => ({
  url: `${hub.origin}/${repo}/resolve/main/${file.split("/").map(encodeURIComponent).join("/")}`,
  size,
}));
const all = files.reduce((sum, it) => sum + it.size, 0);
const set = hubSet(hub.origin, options.preset, options.precision);

async function fetched(tab, manifest) {
  await tab.removeFolder("bench");
  await tab.start("fetching", "store=bench");
  const told = await tab.ask("fetching", fetchOf(set, { manifest }));
  const { seconds } = whole(told);
  await tab.stop("fetching");
  return { seconds, phases: told.phases };
}

// Everything that is compared, one after the other, so that a slow minute of the machine meets all of it.
async function round(tab) {
  const copy = await tab.plain("copy", { files, path: "plain", ...SIZES });
  await tab.removeFolder("plain");
  const hash = await tab.hashSeconds(all);
  const with_manifest = await fetched(tab, options.manifest);
  const without = await fetched(tab, null);
  return { copy: copy.seconds, hash, with_manifest, without };
}

// The set is in the store: opened from there, beside reading the same files.
async function starts(tab) {
  const given = { path: "bench", ending: ".data", piece_bytes: SIZES.piece_bytes };
  const drop = await tab.plain("drop", given);
  const upload = await tab.plain("upload", given);
  await tab.start("opening", "store=bench");
  const opened = await tab.open("opening", set);
  if (!opened.end.done) throw new Error(JSON.stringify(opened.end));
  const { end } = await tab.ask("opening", "Describe");
  await tab.stop("opening");
  const { heap_bytes, adapter } = end.done.Described;
  return { bytes: drop.bytes, drop: drop.seconds, upload: upload.seconds, open: opened.seconds, phases: opened.phases, heap_bytes, adapter };
}

const rate = (bytes, seconds) => `${(bytes / MB / seconds).toFixed(0)} MB/s`;
const shown = (phases) => Object.entries(phases).map(([phase, it]) => `${phase} ${it.toFixed(1)} s`).join(", ");

function print(kind, { version, rounds, start }) {
  console.log(`\n${kind}: ${version}, ${start.adapter}; ${options.preset} at ${options.precision}, ${(all / MB).toFixed(0)} MB`);
  for (const it of rounds) {
    console.log(
      `  plain copy ${rate(all, it.copy)}, hash alone ${rate(all, it.hash)}; fetched with a manifest ${rate(all, it.with_manifest.seconds)} ` +
        `(${(it.copy / it.with_manifest.seconds).toFixed(2)} of the copy), without ${rate(all, it.without.seconds)} ` +
        `(${(it.hash / it.without.seconds).toFixed(2)} of the hash; ${shown(it.without.phases)})`,
    );
  }
  console.log(
    `  stored start, ${(start.bytes / MB).toFixed(0)} MB: read and dropped ${rate(start.bytes, start.drop)}, read and uploaded ` +
      `${rate(start.bytes, start.upload)}, opened ${rate(start.bytes, start.open)} (${(start.upload / start.open).toFixed(2)} of it; ${shown(start.phases)}); ` +
      `wasm heap ${(start.heap_bytes / 2 ** 20).toFixed(0)} MiB`,
  );
}

const results = {};
await hub.start();
try {
  for (const kind of BROWSERS.filter((it) => options[it])) {
    const browser = await launch(kind, options[kind]);
    try {
      const { page } = await openPage(browser);
      const tab = await library({ page, base: options.base });
      const rounds = [];
      for (let n = 0; n < Number(options.rounds); n++) rounds.push(await round(tab));
      results[kind] = { version: await browser.version(), rounds, start: await starts(tab) };
      print(kind, results[kind]);
    } finally {
      await browser.close();
    }
  }
} finally {
  await hub.stop();
}
await writeFile(options.out, JSON.stringify(results, null, 2));
