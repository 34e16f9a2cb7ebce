// Drives the stock browsers through the cases of tests/browser/cases.mjs; `cargo xtask test` starts the server and judges the dumps.
//
//   node tests/browser.mjs --base http://127.0.0.1:PORT/ --out DIR --hub PROGRAM --hub-root DIR --hub-ports A,B
//     [--gemscope PROGRAM] [--chromium PATH] [--firefox PATH] [--filter TEXT] [--long]
//
// Leaves DIR/results.json: { cases: [{ name, outcome, seconds, message }], dumps: [{ name, file, prefix }] }.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CASES } from "./browser/cases.mjs";
import { Hub } from "./browser/hub.mjs";
import { BROWSERS, launch } from "./browser/launch.mjs";
import { closePage, openPage, Skip } from "./browser/pages.mjs";
import { withTimeout } from "./browser/timing.mjs";

const { values: options } = parseArgs({
  options: {
    base: { type: "string" },
    out: { type: "string" },
    hub: { type: "string" },
    gemscope: { type: "string" },
    "hub-root": { type: "string" },
    "hub-ports": { type: "string" },
    chromium: { type: "string" },
    firefox: { type: "string" },
    filter: { type: "string", default: "" },
    long: { type: "boolean", default: false },
  },
});
const golden = JSON.parse(await readFile(new URL("./golden/nano.json", import.meta.url), "utf8"));
// Several are separated by commas.
const filters = options.filter.split(",");
const results = { cases: [], dumps: [] };
// Started by the first case that needs it.
const hub = new Hub([options.hub, "hub", "--root", options["hub-root"]], options["hub-ports"].split(","));

function tell(name, outcome, seconds, message = "") {
  results.cases.push({ name, outcome, seconds, message });
  const word = { passed: "ok", failed: "FAILED", skipped: "skipped" }[outcome];
  console.log(`test ${name} ... ${word} (${seconds.toFixed(1)} s)${message ? `: ${message}` : ""}`);
}

// One case; whatever goes wrong is told and the next one runs.
async function runCase({ page, log }, kind, name, it) {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const { base, out, gemscope, [kind]: executable } = options;
  const context = { page, kind, executable, name, base, out, hub, gemscope, golden, log, dumps: results.dumps };
  try {
    const told = await withTimeout(it.run(context), it.seconds, name);
    tell(name, "passed", seconds(), told ?? "");
  } catch (error) {
    if (error instanceof Skip) {
      tell(name, "skipped", seconds(), error.message);
    } else {
      const errors = log.filter((line) => line.type === "error").map((line) => `\n    console: ${line.text}`);
      tell(name, "failed", seconds(), `${error.message ?? error}${errors.join("")}`);
      const path = join(options.out, `${name.replaceAll("::", ".")}.failed.png`);
      await withTimeout(page.screenshot({ path }), 20, "a picture").catch(() => {});
    }
  }
}

// The cases of one browser: shared ones in one page, the others in a page each.
async function runCases(browser, kind, cases) {
  const close = ({ page }) => closePage(page);
  let shared;
  for (const [name, it] of cases) {
    try {
      if (shared && !it.shared) {
        await close(shared);
        shared = undefined;
      }
      const opened = shared ?? (await openPage(browser));
      if (it.shared) shared = opened;
      await runCase(opened, kind, name, it);
      if (!it.shared) await close(opened);
    } catch (error) {
      tell(name, "failed", 0, `the browser is gone: ${error.message}`);
    }
  }
}

// Long cases run alone, or where the filter ends in their name.
function isWanted(name, it, filter) {
  if (options.long) return Boolean(it.long);
  return !it.long || filter.endsWith(name.split("::").pop());
}

for (const kind of BROWSERS) {
  const cases = Object.entries(CASES)
    .map(([name, it]) => [`browser::${kind}::${name}`, it])
    .filter(([name, it]) => filters.some((filter) => name.includes(filter) && isWanted(name, it, filter)));
  if (cases.length === 0) continue;
  let browser;
  try {
    browser = await withTimeout(launch(kind, options[kind]), 90, `starting ${kind}`);
  } catch (error) {
    for (const [name] of cases) tell(name, "failed", 0, `${kind} does not start: ${error.message}`);
    continue;
  }
  console.log(`${kind}: ${await browser.version()}`);
  await runCases(browser, kind, cases);
  await withTimeout(browser.close(), 30, `closing ${kind}`).catch(() => browser.process()?.kill("SIGKILL"));
}

await hub.stop();
await writeFile(join(options.out, "results.json"), JSON.stringify(results, null, 1));
process.exit(results.cases.some((it) => it.outcome === "failed") ? 1 : 0);
