// The story of a set of the true size by the page alone; `cargo xtask full --browser KIND --page` starts the server.
//
//   node tests/browser/full_page.mjs --base ADDRESS --out DIR --hub PROGRAM --hub-ports A,B --kind chromium|firefox --executable PATH
//     --preset NAME --precision NAME --ids 2,3,.. --expected FILE [--tokenizer FILE] [--gemscope PROGRAM] [--keep]
//
// FILE is JSON: [[layer, position, feature, activation], ..]. With --gemscope the command line's own features are compared too. Leaves
// DIR/full_page.KIND.json.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Hub } from "./hub.mjs";
import { alike, natively, story, storyLine } from "./story.mjs";

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
    expected: { type: "string" },
    tokenizer: { type: "string" },
    gemscope: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const { base, out, kind, executable, preset, precision, ids, keep } = options;

// What an engine fetches with where nobody says otherwise, and what a crash of a browser may cost then; see faults.mjs.
const SIZES = { crash_bytes: 64 << 20, range_bytes: 64 << 20, piece_bytes: 8 << 20, in_flight: 3 };
// A line on which the download lasts long enough for what happens in it.
const BYTES_PER_SECOND = { nano: 1e6, wide: 30e6, full: 80e6 };
const LEAST = { reference: 1, precise: 0.995, compact: 0.95 };

const tokenizer = options.tokenizer ? ["--tokenizer", options.tokenizer] : [];
const hub = new Hub([options.hub, "hub", "--preset", preset, ...tokenizer], options["hub-ports"].split(","));
const golden = JSON.parse(await readFile(options.expected, "utf8"));
const told = await story({
  kind,
  executable,
  base,
  out,
  hub,
  query: "",
  model: `synth/${preset}`,
  scope: `synth/${preset}-transcoders`,
  precision,
  link: `#/x?ids=${ids}`,
  n_tokens: ids.split(",").length,
  expected: golden,
  least: LEAST[precision],
  share: 0.4,
  throttle: BYTES_PER_SECOND[preset],
  sizes: SIZES,
  seconds: 3600,
  keep,
});
console.log(`${kind} ${told.there.version}, ${preset} at ${precision}`);
console.log(`  price    ${told.cost}`);
console.log(`  story    ${storyLine(told)}`);
console.log(`  memory   ${(told.memory.proportional / 1e9).toFixed(2)} GB while it came, ${(told.offline_memory.proportional / 1e9).toFixed(2)} GB offline, at most`);
if (options.gemscope) {
  const native = await natively(options.gemscope, ["--model", `synth:${preset}`, "--transcoders", "synth", "--precision", precision, "--ids", ids]);
  const it = alike(told.there.got, native, LEAST[precision]);
  console.log(`  native   ${it.n_expected} activations, Jaccard ${it.jaccard.toFixed(4)}, the strongest alike`);
  told.native = it;
}
delete told.there.got;
await writeFile(join(out, `full_page.${kind}.json`), JSON.stringify(told, null, 2));
