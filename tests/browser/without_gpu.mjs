// Cases of browsers that can't run a model: what they have all the same, and what they say.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, screenshot, shown, text, untilState } from "./explore.mjs";
import { visit } from "./keeping.mjs";
import { Skip } from "./pages.mjs";
import { until } from "./timing.mjs";

// Without WebGPU the recorded runs stay usable, and the page says so. Chromium's has no adapter then, which its page is not to know.
function noWebGpu(context) {
  return visit(context, { noGpu: true }, async (own) => {
    await own.page.evaluateOnNewDocument(() => {
      Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined, configurable: true });
    });
    await withoutWebGpu({ ...context, ...own });
  });
}

// Chromium has WebGPU without an adapter where the machine has none that it trusts.
function noAdapter(context) {
  if (context.kind !== "chromium") throw new Skip("Firefox has an adapter wherever it has WebGPU");
  return visit(context, { noGpu: true }, async (own) => {
    await own.page.goto(context.base);
    await untilState({ ...context, ...own }, "failed", 60);
    assert.match(await text(own.page, ".failure"), /adapter/);
    assert.match(await text(own.page, ".engine"), /No WebGPU/);
    assert.match(await text(own.page, "#source"), /^Recorded/);
    const notes = () => own.page.evaluate(() => document.querySelector("#notes")?.innerText ?? "");
    await own.page.goto("about:blank");
    await own.page.goto(`${context.base}#/x?p=Anything&l=1`);
    await until(async () => /can't be run in this browser/.test(await notes()), 60, "a link is answered", () => shown(own.page));
    await screenshot({ ...context, ...own }, "no_adapter");
  });
}

async function withoutWebGpu(context) {
  const { page, base } = context;
  await page.goto(base);
  await untilState(context, "recorded", 60);
  assert.match(await text(page, ".engine"), /No WebGPU/);
  assert.match(await text(page, "#source"), /^Recorded/);
  await page.click("#examples summary");
  await page.$$eval("#examples li button", (all) => all[1].click());
  await until(async () => /Oakland/.test(await text(page, "#tokens")), 10, "another recorded run", () => shown(page));
  assert.match(await text(page, "#next"), /Sacramento/);
  assert.equal(await page.$("#examples[open]"), null, "the menu closes");
  assert.match(await text(page, "#no-webgpu"), /recorded runs/);
  await page.click("#rows .row .feature");
  assert.match(await text(page, "#card-label"), /./);
  await run(context, "anything else");
  assert.match(await text(page, ".failure"), /no WebGPU/);
  await screenshot(context, "no_webgpu");
  await withoutModel(context);
}

// What needs no GPU works all the same: links of what was recorded, snapshots, labels, what is kept.
async function withoutModel(context) {
  const { page, out, kind } = context;
  const recording = await page.evaluate(() => JSON.parse(document.querySelector("#recorded").textContent));
  const notes = () => page.evaluate(() => document.querySelector("#notes")?.innerText ?? "");
  const go = (fragment) => page.evaluate((it) => (location.hash = it), fragment);
  const first = recording.runs[0];
  await go(`#/x?p=${encodeURIComponent(first.prompt)}&l=1`);
  await until(async () => /Dallas/.test(await text(page, "#tokens")), 60, "a link of what was recorded shows it", () => shown(page));
  assert.equal(await page.$eval("#prompt", (it) => it.value), first.prompt);
  assert.equal(await notes(), "", "nothing is amiss");
  for (const fragment of ["#/x?p=Anything", "#/f/12/9377?m=g2b-precise&p=Anything"]) {
    await go(fragment);
    await until(async () => /can't be run in this browser/.test(await notes()), 30, `${fragment} is answered`, () => shown(page));
    assert.match(await text(page, "#tokens"), /Dallas/, "nothing is lost");
    await go(`#/x?p=${encodeURIComponent(recording.runs[1].prompt)}`);
    await until(async () => /Oakland/.test(await text(page, "#tokens")) && (await notes()) === "", 30, "the next link is another matter", () => shown(page));
    await go(`#/x?p=${encodeURIComponent(first.prompt)}`);
    await until(async () => /Dallas/.test(await text(page, "#tokens")), 30, "and back", () => shown(page));
  }
  const runs = [recording.runs[1]];
  const snapshot = { gemscope_snapshot: 1, from: "a test", build: "a test", recording: { ...recording, runs } };
  const path = join(out, `${kind}.recorded.snapshot.json`);
  await writeFile(path, JSON.stringify(snapshot));
  await page.click("#share-open");
  await (await page.waitForSelector("#snapshot-open")).uploadFile(path);
  await until(async () => /Oakland/.test(await text(page, "#tokens")), 30, "a snapshot is shown", () => shown(page));
  assert.match(await text(page, "#source"), /^From a file/);
  if (await page.$("#share")) await page.keyboard.press("Escape");
  await page.click("#model-open");
  await page.select("#origin", "mirror");
  await until(async () => /to download/.test(await text(page, "#cost")), 30, "what a model would take is told", () => shown(page));
  await page.click("#fetch");
  await until(async () => /no WebGPU/.test(await text(page, "#model-failure")), 10, "nothing is fetched to lie there", () => shown(page));
  await screenshot(context, "no_webgpu_model");
}

export const WITHOUT_GPU_CASES = {
  no_webgpu: { run: noWebGpu, seconds: 120 },
  no_adapter: { run: noAdapter, seconds: 120 },
};
