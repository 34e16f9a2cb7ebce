// What must hold in each browser. A case returns what it wants told, or throws.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FETCH_CASES } from "./fetch.mjs";
import { EXPLORE_CASES, PAGE_SECONDS, screenshot, state, untilState } from "./explore.mjs";
import { FAULT_CASES } from "./fetch_faults.mjs";
import { HOSTED_CASES } from "./hosted.mjs";
import { KEEPING_CASES } from "./keeping.mjs";
import { LINK_CASES } from "./links.mjs";
import { MODEL_CASES } from "./model_page.mjs";
import { PAGE_CASES } from "./page_checks.mjs";
import { driver, Skip } from "./pages.mjs";
import { REACH_CASES } from "./reach.mjs";
import { SITE_CASES } from "./site_checks.mjs";
import { SOURCE_CASES } from "./sources.mjs";
import { STORY_CASES } from "./story.mjs";
import { TAB_CASES } from "./tabs.mjs";
import { sleep, until } from "./timing.mjs";
import { VISIT_CASES } from "./visits.mjs";
import { WITHOUT_GPU_CASES } from "./without_gpu.mjs";

// Dumps for the native comparer, from an engine with these options.
async function goldens(context, options = "") {
  const { page, out, name, golden, dumps } = context;
  await driver(context);
  for (const [k, prompt] of golden.prompts.entries()) {
    const base64 = await page.evaluate((ids, options) => window.driver.dump(ids, options), prompt.ids, options);
    const file = join(out, `${name.replaceAll("::", ".")}.p${k}.safetensors`);
    await writeFile(file, Buffer.from(base64, "base64"));
    dumps.push({ name: `${name}::p${k}`, file, prefix: `p${k}.` });
  }
  return `${golden.prompts.length} prompts, judged below`;
}

async function greedy(context) {
  const { page, golden } = context;
  await driver(context);
  for (const prompt of golden.prompts) {
    const got = await page.evaluate((ids, n) => window.driver.greedy(ids, n), prompt.ids, prompt.greedy.length);
    assert.deepEqual(got, prompt.greedy);
  }
}

async function sameBits(context) {
  const { page, golden } = context;
  await driver(context);
  const ids = golden.prompts[1].ids;
  const first = await page.evaluate((ids) => window.driver.dump(ids), ids);
  const second = await page.evaluate((ids) => window.driver.dump(ids), ids);
  assert.ok(first === second, "two passes give the same bits");
}

async function tokenizer(context) {
  const { page, base } = context;
  const cases = await fetch(`${base}tests/tokenizer/cases.json`);
  if (!cases.ok) throw new Skip("../shared is absent");
  const expected = await cases.json();
  assert.ok((await fetch(`${base}tests/made/vocabulary/config.json`)).ok, "`cargo test` leaves a model with the vocabulary");
  await driver(context);
  const texts = expected.map((it) => it.text);
  const got = await page.evaluate((texts) => window.driver.tokenize(texts), texts);
  for (const [n, it] of expected.entries()) {
    const said = JSON.stringify(it.text);
    assert.deepEqual(got[n].map((token) => token.id), it.ids, said);
    // Offsets of the reference count characters, ours bytes; BOS and what no text stands for have none.
    const bytes = (at) => Buffer.byteLength([...it.text].slice(0, at).join(""));
    for (const [i, token] of got[n].entries()) {
      const [start, end] = it.offsets[i];
      if (start !== end) assert.deepEqual(token.bytes, [bytes(start), bytes(end)], `${said}, token ${i}`);
    }
  }
  return `${expected.length} texts`;
}

async function wrongTokenizer(context) {
  const { page, base } = context;
  const there = await fetch(`${base}tests/tokenizer/tokenizer.json`, { method: "HEAD" });
  if (!there.ok) throw new Skip("../shared is absent");
  await driver(context);
  const failure = await page.evaluate(() => window.driver.openFails(window.driver.nano("tests/tokenizer/tokenizer.json")));
  assert.match(`${failure.what} ${failure.remedy}`, /tokenizer/i);
}

async function badInput(context) {
  await driver(context);
  const failures = await context.page.evaluate(() => window.driver.badInput());
  for (const [name, failure] of Object.entries(failures)) {
    assert.ok(failure.what && failure.remedy, `${name}: ${JSON.stringify(failure)}`);
  }
  return Object.keys(failures).join(", ");
}

async function shaders(context) {
  const { page, base, kind } = context;
  assert.ok((await fetch(`${base}tests/made/shaders.json`)).ok, "`cargo test --test shaders` leaves the resolved texts");
  await driver(context);
  const { compiled, skipped, faults } = await page.evaluate((kind) => window.driver.shaders(kind), kind);
  assert.deepEqual(faults, []);
  assert.ok(compiled.length > 0, "there are shaders");
  return `${compiled.length} compiled${skipped.length ? `, without its feature here: ${skipped.join(", ")}` : ""}`;
}

// Notes what the page says of the engine and of itself, and every worker that it starts, from the first moment on.
function watch() {
  window.watched = { said: [], states: [], workers: [] };
  const note = (list, it) => it !== undefined && it !== list.at(-1) && list.push(it);
  new MutationObserver(() => {
    note(window.watched.states, document.documentElement?.dataset.state);
    note(window.watched.said, document.querySelector(".engine[role=status]")?.textContent);
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  window.Worker = class extends window.Worker {
    constructor(...given) {
      super(...given);
      window.watched.workers.push(this);
    }
  };
}

// In Chromium the engine itself throws; Firefox's driver can't reach into a worker, there the page is told that it died.
async function kill({ page, kind }) {
  if (kind === "chromium") {
    const workers = page.workers();
    assert.ok(workers.length > 0, "the page has a worker");
    await workers.at(-1).evaluate(() => {
      setTimeout(() => {
        throw new WebAssembly.RuntimeError("unreachable (deliberate, of the test)");
      });
    });
    return;
  }
  await page.evaluate(() => {
    const worker = window.watched.workers.at(-1);
    worker.terminate();
    worker.dispatchEvent(new ErrorEvent("error", { message: "unreachable (deliberate, of the test)" }));
  });
}

// It dies once: the page says so, starts another and answers again. It dies twice: the page says so and leaves the choice.
async function aDeadEngine(context) {
  const { page, base } = context;
  await page.evaluateOnNewDocument(watch);
  await page.goto(base);
  await untilState(context, "live");
  const watched = (what) => page.evaluate((what) => window.watched[what], what);
  const nWorkers = () => page.evaluate(() => window.watched.workers.length);
  const said = async (what) => (await watched("said")).some((it) => what.test(it));
  const last = async () => JSON.stringify(await watched("said"));
  await kill(context);
  await until(() => said(/being started again/), 30, "the page says that it restarts", last);
  // The request is made once more by the page itself.
  const recovered = async () => (await watched("states")).slice(1).join(" ").endsWith("live running live");
  await until(recovered, PAGE_SECONDS, "the new engine answers", async () => `${await watched("states")}`);
  assert.match(await page.$eval("#tokens", (it) => it.innerText), /Dallas/, "nothing on the page is lost");
  assert.equal(await nWorkers(), 2, "one engine died, one took its place");
  await screenshot(context, "recovered");
  await kill(context);
  await until(() => said(/engine died: /), 30, "a second death is told", last);
  await sleep(1000);
  assert.equal(await nWorkers(), 2, "it is restarted once");
}

async function scopeGoldens(context) {
  const { page, out, base, name, dumps } = context;
  const json = (file) => fetch(`${base}tests/golden/${file}`).then((it) => it.json());
  const [golden, given] = [await json("scope.json"), await json("interventions.json")];
  await driver(context);
  const keep = async (what, base64, prefix, goldenName) => {
    const file = join(out, `${name.replaceAll("::", ".")}.${what}.safetensors`);
    await writeFile(file, Buffer.from(base64, "base64"));
    dumps.push({ name: `${name}::${what}`, file, prefix, golden: goldenName });
  };
  for (const [k, prompt] of golden.prompts.entries()) {
    await keep(`p${k}`, await page.evaluate((ids) => window.driver.scope.dump(ids), prompt.ids), `p${k}.`, "scope");
  }
  const cases = await page.evaluate((ids, cases) => window.driver.scope.interventions(ids, cases), given.ids, given.cases);
  await keep("interventions", cases, "", "interventions");
  const { ids, metrics } = golden.prompts[0];
  const told = await page.evaluate((ids) => window.driver.scope.metrics(ids), ids);
  const near = (got, expected, what) => assert.ok(Math.abs(got - expected) <= 1e-4 * Math.max(1, Math.abs(expected)), `${what}: ${got}, golden ${expected}`);
  for (const it of metrics.layers) {
    const got = told[it.layer];
    for (const key of ["l0", "fvu", "ce_spliced", "ce_zero_ablated"]) near(got[key], it[key], `layer ${it.layer}, ${key}`);
    near(got.kl, it.kl_spliced, `layer ${it.layer}, kl`);
  }
  near(told.at(-1).ce_spliced, metrics.all_layers.ce_spliced, "all layers, ce_spliced");
  return `${golden.prompts.length} prompts, ${given.cases.length} interventions, judged below; metrics`;
}

// Files of the origin in a worker: twice, since the second finds what the first one left.
async function theStore(context) {
  const { page } = context;
  await driver(context);
  let said;
  for (const _ of ["first", "second"]) {
    said = await page.evaluate(() => window.driver.selftest());
    assert.match(said, /^passed\n/, said);
  }
  return said.split("\n").slice(1).join("; ");
}

// Cases that are `shared` run one after another in one page, and so with one engine; `long` ones are left out of a usual run.
export const CASES = {
  ...EXPLORE_CASES,
  ...WITHOUT_GPU_CASES,
  ...PAGE_CASES,
  ...MODEL_CASES,
  ...HOSTED_CASES,
  ...KEEPING_CASES,
  ...TAB_CASES,
  ...LINK_CASES,
  ...SOURCE_CASES,
  ...VISIT_CASES,
  ...STORY_CASES,
  ...REACH_CASES,
  shaders: { run: shaders, seconds: 300 },
  goldens: { run: goldens, seconds: 300, shared: true },
  greedy: { run: greedy, seconds: 300, shared: true },
  same_bits: { run: sameBits, seconds: 300, shared: true },
  goldens_small_bindings: { run: (it) => goldens(it, "limits=default&max_binding_bytes=16384"), seconds: 300 },
  scope: { run: scopeGoldens, seconds: 300 },
  tokenizer: { run: tokenizer, seconds: 300 },
  store: { run: theStore, seconds: 60 },
  wrong_tokenizer: { run: wrongTokenizer, seconds: 120 },
  bad_input: { run: badInput, seconds: 120 },
  dead_engine: { run: aDeadEngine, seconds: 900 },
  ...FETCH_CASES,
  ...FAULT_CASES,
  ...SITE_CASES,
};
