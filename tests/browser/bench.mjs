// Measures kernels, prefill and decode inside the stock browsers; `cargo xtask bench --page` starts the server.
//
//   node tests/browser/bench.mjs --base http://127.0.0.1:PORT/ --out FILE [--chromium PATH] [--firefox PATH]
//     [--seconds N] [--preset NAME] [--only TEXT]
//
// Prints a table and leaves FILE: { browser: { version, adapter, kernels, models } }.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { BROWSERS, launch } from "./launch.mjs";
import { until } from "./timing.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    out: { type: "string" },
    chromium: { type: "string" },
    firefox: { type: "string" },
    seconds: { type: "string", default: "1" },
    preset: { type: "string", default: "wide" },
    only: { type: "string" },
  },
});

function row(cells) {
  return cells.map((it, i) => (i === 0 ? it.padEnd(34) : String(it).padStart(10))).join(" ");
}

function print(kind, it) {
  console.log(`\n${kind}: ${it.version}, ${it.adapter.adapter} (${it.adapter.driver})`);
  console.log(row(["kernel", "ms", "GB/s", "of copy", "GFLOP/s", "of peak"]));
  for (const k of it.kernels) {
    const numbers = [k.gigabytes_per_second, k.share_of_copy, k.gigaflops, k.share_of_peak].map((n) => n.toFixed(2));
    console.log(row([k.kernel, k.millis.toFixed(3), ...numbers]));
  }
  for (const m of it.models) {
    const ratio = (m.prefill_tokens_per_second / m.decode_tokens_per_second).toFixed(1);
    console.log(
      `${m.preset} at ${m.precision}: loaded in ${m.load_seconds.toFixed(1)} s; prefill ` +
        `${m.prefill_tokens_per_second.toFixed(2)} tokens/s, decode ${m.decode_tokens_per_second.toFixed(2)} (${ratio} times); ` +
        `wasm heap ${(m.heap_bytes / 2 ** 20).toFixed(0)} MiB`,
    );
  }
}

const results = {};
for (const kind of BROWSERS.filter((it) => options[it])) {
  const browser = await launch(kind, options[kind]);
  try {
    const page = await browser.newPage();
    await page.goto(`${options.base}tests/browser/driver.html`);
    await until(() => page.evaluate(() => window.driver !== undefined), 60, "the driver's page is there");
    const seconds = Number(options.seconds);
    const only = options.only ?? null;
    const told = await page.evaluate((...it) => window.driver.bench(...it), seconds, only, options.preset);
    results[kind] = { version: await browser.version(), ...told };
    print(kind, results[kind]);
  } finally {
    await browser.close();
  }
}
await writeFile(options.out, JSON.stringify(results, null, 2));
