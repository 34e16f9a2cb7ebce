// Cases of labels that come from elsewhere: of one feature when that is asked for, and files that stay over visits.

import assert from "node:assert/strict";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PAGE_SECONDS, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { choose, untilTold } from "./model_page.mjs";
import { options } from "./sets.mjs";
import { until } from "./timing.mjs";

const SCOPE = "google/gemma-scope-2b-pt-transcoders";
const OFFER = "No examples downloaded. Labels and examples come from Neuronpedia; fetching them sends the feature's number, not your prompt. Fetch";

// The demo model, and its transcoders under the name of those that Neuronpedia knows.
async function withScope(hub) {
  await hub.stop();
  for (const [from, to] of [["model", "demo/model"], ["transcoders", SCOPE]]) {
    await cp(`www/demo/${from}`, join(hub.root, to), { recursive: true });
  }
  return hub;
}

// From the first feature of the list to its name: [12, 9377].
async function look(page) {
  await page.$eval("#rows .row .feature", (it) => it.click());
  await page.waitForSelector(".card-name .id");
  return /L(\d+)\/(\d+)/.exec(await text(page, ".card-name .id")).slice(1).map(Number);
}

const asked = async (hub) => (await hub.log()).filter((it) => it.path.startsWith("/api/feature/"));
const isLive = async (page) => /127\.0\.0\.1/.test(await text(page, "#source")) && (await state(page)) === "live";
const trouble = (page) => text(page, "#hosted-trouble");

async function opened(page, hub, button) {
  await choose(page, hub.origin, { transcoders: `${hub.origin}/${SCOPE}` });
  await page.click(button);
  if (button === "#fetch") await untilTold(page, "it is whole", /Whole: /);
  await page.click("#dialog-close");
  await until(() => isLive(page), PAGE_SECONDS, "it is open", () => shown(page));
}

// A click asks once; the answer is shown as what it is, and is there at the next visit without a server.
async function hostedLabel(context) {
  const { page, base } = context;
  const hub = await withScope(context.hub);
  try {
    await hub.start();
    await page.setViewport({ width: 1440, height: 900 });
    const address = `${base}?${options("hosted")}`;
    await page.goto(address);
    await untilState(context, "live");
    await look(page);
    assert.equal(await page.$("#hosted-fetch"), null, "nobody knows the demo's features");
    await opened(page, hub, "#fetch");
    const [layer, index] = await look(page);
    await page.waitForSelector("#hosted-fetch:not([disabled])");
    assert.equal(await text(page, "#hosted"), OFFER);
    assert.deepEqual(await asked(hub), [], "nothing is asked by itself");
    for (const [fault, pattern] of [
      ["status:429:30", /asks to wait[^]*Wait/],
      ["status:404", /Nobody has described it/],
      ["html", /web page/],
      ["garbage-json", /no answer about a feature/],
      ["another", /asked for/],
      ["padded:5000000", /more than 4 MiB/],
      ["cut:100", /Check the connection/],
    ]) {
      await hub.set({ faults: [`${fault}@/api/feature/#1`] });
      await page.click("#hosted-fetch");
      await until(async () => pattern.test(await trouble(page)), 40, `${fault} is said`, async () => `${await trouble(page)} ${await shown(page)}`);
      await page.waitForSelector("#hosted-fetch:not([disabled])");
    }
    await screenshot(context, "hosted_refused");
    await hub.start();
    await page.click("#hosted-fetch");
    await page.waitForSelector("#hosted-label");
    assert.equal(await trouble(page), "");
    assert.equal(await text(page, "#hosted-label"), `cities <b>of</b> ${layer}/${index}`);
    assert.match(await text(page, "#hosted h3"), /^From Neuronpedia, made with other activations$/i);
    assert.match(await text(page, "#hosted-caution"), /another tensor[^]*nothing here is sorted or checked by them/);
    assert.match(await text(page, "#hosted-said"), /^localhost, \d{4}-\d\d-\d\d · fires on .* · largest 40\.5/);
    assert.ok((await page.$$("#hosted-examples li")).length >= 10, "there are sentences");
    assert.equal(await page.$("#hosted b, #hosted i"), null, "texts stay texts");
    await screenshot(context, "hosted");
    const log = await asked(hub);
    assert.equal(log.length, 1, "one request, and no question before it");
    const [{ method, path, query, has_authorization, tells_of_page, leak }] = log;
    assert.deepEqual({ method, path, query, has_authorization, tells_of_page, leak }, {
      method: "GET",
      path: `/api/feature/gemma-2-2b/${layer}-gemmascope-transcoder-16k/${index}`,
      query: "",
      has_authorization: false,
      tells_of_page: false,
      leak: false,
    });
    // Its figures go nowhere else: the feature's own line stays what it is.
    assert.match(await text(page, "#card-figures"), /how often it fires is not known/);
    await page.click("[aria-label='Next feature']");
    await page.waitForSelector("#hosted-fetch");
    await page.click("[aria-label='Previous feature']");
    await page.waitForSelector("#hosted-label");
    assert.equal((await asked(hub)).length, 1, "a second look asks nobody");
    await hub.stop();
    await page.goto(address);
    await untilState(context, "live");
    if (!(await isLive(page))) await opened(page, hub, "#open");
    // Its layers come one after another.
    await until(async () => (await text(page, "#rows .row .id")) === `L${layer}/${index}`, PAGE_SECONDS, "the same feature is the first", () => shown(page));
    assert.deepEqual(await look(page), [layer, index]);
    await page.waitForSelector("#hosted-label");
    await page.click("[aria-label='Next feature']");
    await page.waitForSelector("#hosted-fetch:not([disabled])");
    await page.click("#hosted-fetch");
    await until(async () => /Check the connection/.test(await trouble(page)), 40, "without a server that is said", () => shown(page));
    await page.click("#about-open");
    const told = await text(page, "#requests-told");
    assert.ok(told.includes(`${hub.teller} /api/feature/gemma-2-2b/`), told);
    await page.click("#clear-all");
    await page.click("#clear-all");
    await page.click("#dialog-close");
    // The model went with everything else; the demo's features are nobody's but its own.
    await until(async () => /demo model/.test(await text(page, "#source")) && (await state(page)) === "live", PAGE_SECONDS, "the demo is open", () => shown(page));
    await look(page);
    await page.waitForSelector("#card-figures");
    assert.equal(await page.$("#hosted-fetch"), null);
    assert.equal(await trouble(page), "", "what was said of another feature is not said of this one");
    return `${layer}/${index}`;
  } finally {
    await hub.stop();
  }
}

const told = (page) => text(page, "#labels-told");
const alarm = (page) => page.$eval("#labels [role=alert]", (it) => it.innerText);

// A labels file that says one thing of one feature.
function file([layer, index], label, set = "") {
  const layers = [{ layer, features: [{ index, label }] }];
  return JSON.stringify({ version: 1, made: "in a test", source: "a colleague", date: "2026-08-20", set, layers });
}

// A file from the disk and one from an address are there at the next visit, until they are taken away.
async function labelsKept(context) {
  const { page, base, out, kind } = context;
  const { hub } = context;
  await hub.stop();
  const address = `${base}?${options("labels_kept")}`;
  const visit = async () => {
    await page.goto(address);
    await untilState(context, "live");
  };
  // With another file the order of the list is another: the feature is looked up.
  let id = "";
  const firstLabel = async () => {
    await page.$eval(
      "#filter",
      (it, id) => {
        it.value = id;
        it.dispatchEvent(new Event("input", { bubbles: true }));
      },
      id,
    );
    return page.$$eval("#rows .row", (all, id) => all.find((it) => it.querySelector(".id").textContent === `L${id}`)?.querySelector(".label").innerText ?? "", id);
  };
  const give = async (name, content) => {
    const path = join(out, `${kind}.${name}`);
    await writeFile(path, content);
    await (await page.$("#labels-file")).uploadFile(path);
  };
  const model = async () => {
    await page.click("#model-open");
    await page.waitForSelector("#labels-told");
  };
  try {
    await page.setViewport({ width: 1440, height: 900 });
    await visit();
    await until(async () => (await page.$$("#rows .row .label")).length > 0 && (await text(page, "#rows .row .label")) !== "—", 60, "the demo's labels are there", () => shown(page));
    const feature = await look(page);
    id = feature.join("/");
    const before = await firstLabel();
    await mkdir(join(hub.root, "demo/labels"), { recursive: true });
    await writeFile(join(hub.root, "demo/labels/labels.json"), file(feature, "of an address"));
    await hub.start();
    await model();
    await give("kept.json", file(feature, "kept <b>label</b>"));
    await until(async () => /1 feature of 1 feature have a label[^]*a colleague, 2026-08-20/.test(await told(page)), 30, "it is read", async () => `${await told(page)} ${await alarm(page)}`);
    assert.match(await text(page, "#labels-kept"), /kept\.json[^]*read \d{4}-\d\d-\d\d/);
    await screenshot(context, "labels_kept");
    await visit();
    await until(async () => (await firstLabel()) === "kept <b>label</b>", 60, "it is there at the next visit", () => shown(page));
    await model();
    assert.match(await text(page, "#labels-kept"), /kept\.json/);
    await give("other.json", file(feature, "no", "another/model"));
    await until(async () => /another\/model/.test(await alarm(page)), 20, "one for another model is refused", () => alarm(page));
    assert.match(await text(page, "#labels-kept"), /kept\.json/, "and takes nothing away");
    const fetchFrom = async (from) => {
      await page.$eval("#labels-address", (it) => (it.value = ""));
      await page.type("#labels-address", from);
      await page.click("#labels-fetch");
    };
    for (const [from, pattern] of [
      ["labels.json", /no address of a labels file/],
      ["https://example.org/labels.json", /example\.org is not among the hosts/],
      [`${hub.teller}/labels.json`, /is not among the hosts/],
      [`${hub.origin}/demo/labels/resolve/main/none.json`, /none\.json/],
    ]) {
      await fetchFrom(from);
      await until(async () => pattern.test(await alarm(page)), 30, `${from} is refused`, async () => `${await alarm(page)} ${await told(page)}`);
    }
    await fetchFrom(`${hub.origin}/demo/labels/resolve/main/labels.json`);
    await until(async () => (await text(page, "#labels-kept")).includes("demo/labels/resolve/main/labels.json"), 30, "one of an address is read", async () => `${await alarm(page)} ${await told(page)}`);
    await hub.stop();
    await visit();
    await until(async () => (await firstLabel()) === "of an address", 60, "and is there at the next visit", () => shown(page));
    await model();
    await page.click("#labels-drop");
    await until(async () => (await page.$("#labels-kept")) === null, 20, "it is taken away", () => told(page));
    await page.click("#dialog-close");
    await until(async () => (await firstLabel()) === before, 20, "the demo's own are back", () => shown(page));
    await visit();
    await until(async () => (await firstLabel()) === before, 60, "also at the next visit", () => shown(page));
    await model();
    await give("again.json", file(feature, "again"));
    await page.waitForSelector("#labels-kept");
    await page.click("#dialog-close");
    await page.click("#about-open");
    await page.click("#clear-all");
    await page.click("#clear-all");
    await page.click("#dialog-close");
    await until(async () => (await firstLabel()) === before, 20, "gone with everything", () => shown(page));
    await visit();
    await until(async () => (await firstLabel()) === before, 60, "also at the next visit", () => shown(page));
  } finally {
    await hub.stop();
  }
}

export const HOSTED_CASES = {
  hosted_label: { run: hostedLabel, seconds: 900, long: true },
  labels_kept: { run: labelsKept, seconds: 600, long: true },
};
