// Cases of the model screen: a set is chosen, fetched, looked at while it arrives, kept, verified and removed, all by the page.

import assert from "node:assert/strict";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { noErrors } from "./pages.mjs";
import { options } from "./sets.mjs";
import { until } from "./timing.mjs";

const TOKEN = "hf_right";

// The demo model as repositories of the Hub: real predictions, in a few megabytes.
export async function withDemo(hub, ...more) {
  await hub.stop();
  for (const name of ["model", "transcoders"]) {
    await cp(`www/demo/${name}`, join(hub.root, "demo", name), { recursive: true });
  }
  return hub.with(...more);
}

// What is typed into a field, as `change` has it.
export const fill = (page, selector, value) =>
  page.$eval(
    selector,
    (it, value) => {
      it.value = value;
      it.dispatchEvent(new Event("change", { bubbles: true }));
    },
    value,
  );

export async function choose(page, origin, { transcoders = `${origin}/demo/transcoders` } = {}) {
  if (!(await page.$("#model"))) await page.click("#model-open");
  await page.select("#origin", "other");
  await page.waitForSelector("#repo");
  await fill(page, "#repo", `${origin}/demo/model`);
  await fill(page, "#scope", transcoders);
}

export const failure = (page) => page.evaluate(() => document.querySelector("#model-failure")?.innerText ?? "");
export const told = (page) => text(page, "#model-told");
export const untilTold = (page, what, pattern) => until(async () => pattern.test(await told(page)), PAGE_SECONDS, what, () => shown(page));

// From nothing to features of the prompt on a model of the Hub, looked at while it arrives; then again with the Hub gone.
async function fetches(context) {
  const { page, base, log } = context;
  const hub = await withDemo(context.hub);
  try {
    await hub.start({ throttle: 400_000 });
    await page.setViewport({ width: 1440, height: 900 });
    const address = `${base}?${options("page")}`;
    await page.goto(address);
    await untilState(context, "live");
    assert.equal((await hub.log()).length, 0, "nothing starts by itself");
    await choose(page, hub.origin);
    await screenshot(context, "model");
    await page.click("#fetch");
    await until(async () => /^\d+ % · Gemscope$/.test(await page.title()), 60, "the title tells how far it is", () => shown(page));
    await until(async () => /a second|left/.test(await text(page, "#fetching")), 60, "rate and time are told", () => shown(page));
    await page.click("#pause");
    await until(async () => /held/.test(await text(page, "#fetching")), 20, "it is held", () => shown(page));
    await page.click("#pause");
    await page.click("#dialog-close");
    // How many features fire, as more layers arrive.
    const counts = new Set();
    const look = async () => {
      if (/127\.0\.0\.1/.test(await text(page, "#source"))) counts.add(await text(page, "#counts"));
      return (await page.title()) === "Gemscope" && (await state(page)) === "live" && /127\.0\.0\.1/.test(await text(page, "#source"));
    };
    await until(look, PAGE_SECONDS, "the whole set is there and live", () => shown(page));
    await hub.set({ throttle: null });
    await until(async () => /Austin/.test(await text(page, "#next")), 60, "the prompt is answered by the fetched model", () => shown(page));
    await screenshot(context, "model_live");
    await page.click("#model-open");
    await untilTold(page, "the end is told", /Whole: /);
    await until(async () => /demo\/model/.test(await text(page, "#kept")), 20, "what is kept is told", () => shown(page));
    await screenshot(context, "model_kept");
    await page.click("#verify");
    await untilTold(page, "it is verified", /nothing is damaged/);
    await hub.stop();
    // The next visit, without a server.
    await page.goto(address);
    await untilState(context, "live");
    await choose(page, hub.origin);
    await page.click("#open");
    await page.click("#dialog-close");
    await until(async () => /127\.0\.0\.1/.test(await text(page, "#source")) && (await state(page)) === "live", PAGE_SECONDS, "it opens from this device", () => shown(page));
    assert.match(await text(page, "#next"), /Austin/);
    // A link of the demo opens the demo, and Back this one, since it is kept here. Its address must be written first: before, Back leads to the model screen.
    const isLive = async (fetched, prompt) =>
      (await state(page)) === "live" && /127\.0\.0\.1/.test(await text(page, "#source")) === fetched && prompt.test(await text(page, "#tokens"));
    await until(() => page.evaluate(() => /^#\/x\?.*[?&]w=/.test(location.hash)), 30, "the address is written", () => shown(page));
    await page.evaluate(() => (location.hash = "#/x?m=demo&p=The%20capital%20of%20Ohio%20is"));
    await until(() => isLive(false, /Ohio/), PAGE_SECONDS, "the link's model and prompt are there", () => shown(page));
    await page.evaluate(() => history.back());
    await until(() => isLive(true, /Dallas/), PAGE_SECONDS, "Back brings the fetched model", () => shown(page));
    assert.equal(await page.$("#model"), null, "and no other screen");
    await page.click("#model-open");
    await page.click("#remove");
    await page.click("#remove");
    await untilTold(page, "it is removed", /freed/);
    await until(async () => /^\d+ bytes kept/.test(await text(page, "#kept [role=status]")), 20, "nothing is kept", () => shown(page));
    noErrors(log.filter((it) => !/ERR_|NS_ERROR|Failed to load resource/.test(it.text)));
    assert.ok(counts.size > 1, `the map fills while it comes: ${[...counts].join(" | ")}`);
    return `${counts.size} states of the map while it came`;
  } finally {
    await hub.stop();
  }
}

// Whatever is wrong is said, nothing is lost, and what was on the page stays.
async function mistakes(context) {
  const { page, base } = context;
  const hub = await withDemo(context.hub, "--gated", "demo/model", "--token", TOKEN);
  try {
    await hub.start();
    await page.goto(`${base}?${options("mistakes")}`);
    await untilState(context, "live");
    const said = [];
    const failsWith = async (what, pattern) => {
      await until(async () => pattern.test(await failure(page)), 60, `${what} is said`, async () => `${await failure(page)} ${await shown(page)}`);
      said.push(`${what}: ${await failure(page)}`);
    };
    await choose(page, hub.origin);
    for (const [what, id, value, pattern, right] of [
      ["a repository that is none", "#repo", "gemma", /OWNER\/NAME/, `${hub.origin}/demo/model`],
      ["a budget that is no number", "#budget", "much", /MB/, ""],
      ["layers that are none", "#layers", "3-1", /numbers and ranges/, "all"],
      ["a variant that is none", "#variants", "80", /12:80/, ""],
      ["a host off the list", "#repo", "https://example.org/a/b", /example\.org/, `${hub.origin}/demo/model`],
      ["transcoders that are not there", "#scope", `${hub.origin}/demo/none`, /none/, `${hub.origin}/demo/transcoders`],
    ]) {
      await fill(page, id, value);
      await page.click("#fetch");
      await failsWith(what, pattern);
      await fill(page, id, right);
    }
    await page.click("#fetch");
    await failsWith("no token", /token|gated|access/i);
    await fill(page, "#token", "hf with spaces");
    await failsWith("a token with spaces", /no spaces/);
    await fill(page, "#token", "hf_wrong");
    await untilTold(page, "the token is taken", /until the page closes/);
    await page.click("#fetch");
    await failsWith("a wrong token", /token|access/i);
    await screenshot(context, "model_refused");
    await fill(page, "#token", TOKEN);
    await page.click("#fetch");
    await untilTold(page, "it is whole with the right token", /Whole: /);
    const log = await hub.log();
    assert.ok(log.some((it) => it.has_authorization), "the token is sent");
    assert.deepEqual(log.filter((it) => it.leak), [], "to its endpoint alone");
    await page.click("#dialog-close");
    await until(async () => (await state(page)) === "live", PAGE_SECONDS, "it is live", () => shown(page));
    await run(context, "The capital of Texas is");
    assert.match(await text(page, "#tokens"), /Texas/);
    return said.join("; ");
  } finally {
    await hub.stop();
  }
}

// What is asked of this installation, on the demo: what it costs, whether it fits, whether it computes what is known.
async function installation(context) {
  const { page, base, log } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(`${base}?${options("installation")}`);
  await untilState(context, "live");
  await page.click("#model-open");
  // The last model of another visit may stand there.
  await page.select("#origin", "demo");
  await until(async () => /to download[^]*on the GPU[^]*limits/.test(await text(page, "#cost")), 30, "what it costs is told", () => shown(page));
  await page.click("#try");
  await until(async () => /By a trial: /.test(await text(page, "#cost")), 120, "it is tried", () => shown(page));
  const cost = await text(page, "#cost");
  await page.click("#check-installation");
  const isChecked = async () => (await page.$("#checked")) !== null || (await failure(page)) !== "";
  await until(isChecked, PAGE_SECONDS, "it is checked", () => text(page, "#installation"));
  assert.equal(await failure(page), "");
  const checked = await text(page, "#checked");
  assert.match(checked, /^(\d+) of \1 passed/);
  assert.ok((await page.$$("#installation tbody tr")).length > 3);
  await screenshot(context, "checked");
  await page.select("#origin", "mirror");
  await until(async () => /\d+\.\d GB to download/.test(await text(page, "#cost")), 30, "Gemma's price is told without a request", () => shown(page));
  await screenshot(context, "priced");
  noErrors(log);
  return `${cost.replace(/\n/g, " ")} ${checked} ${(await text(page, "#cost")).replace(/\n/g, " ")}`;
}

// One's own labels: given, found, kept for the next visit, saved and merged; files of somebody else's are told from nonsense.
async function labels(context) {
  const { page, base, out, kind, log } = context;
  const address = `${base}?${options("labels")}`;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(address);
  await untilState(context, "live");
  await page.$eval("#rows .row .feature", (it) => it.click());
  const input = await page.waitForSelector("#own-label");
  const id = await text(page, ".card-name .id");
  await input.type("<b>mine</b>, the state");
  await page.keyboard.press("Tab");
  await until(async () => (await text(page, "#card-label")) === "<b>mine</b>, the state", 20, "it is called so", () => shown(page));
  await page.click("#model-open");
  await until(async () => /^1 label of your own/.test(await text(page, "#labels-told")), 20, "it is kept", () => shown(page));
  assert.doesNotMatch(await text(page, "#labels-told"), /not kept/);
  await page.goto(address);
  await untilState(context, "live");
  await until(async () => (await page.$$eval("#rows .row .label", (all) => all.map((it) => it.innerText))).some((it) => it.startsWith("<b>mine")), 60, "and at the next visit", () => shown(page));
  await page.click("#palette-open");
  await page.waitForSelector("#palette-text");
  await page.type("#palette-text", "mine");
  await until(async () => (await page.$eval("#offers", (it) => it.innerText)).includes("mine"), 20, "it is found", () => shown(page));
  await page.keyboard.press("Escape");
  await page.click("#model-open");
  await until(async () => /^1 label of your own/.test(await text(page, "#labels-told")), 20, "it is counted", () => shown(page));
  const layer = Number(/L(\d+)/.exec(id)[1]);
  const index = Number(/\/(\d+)/.exec(id)[1]);
  const file = (own, set) => ({ version: 1, made: "a colleague", set, layers: { [layer]: { [index]: { label: own } } } });
  const give = async (selector, name, content) => {
    const path = join(out, `${kind}.${name}`);
    await writeFile(path, content);
    await (await page.$(selector)).uploadFile(path);
  };
  const alarm = () => page.$eval("#labels [role=alert]", (it) => it.innerText);
  for (const [name, content] of [
    ["nonsense.labels.json", "<html>"],
    ["other.labels.json", JSON.stringify(file("theirs", "another/model"))],
  ]) {
    await give("#labels-merge", name, content);
    await until(async () => (await alarm()).length > 10, 20, `${name} is refused`, () => shown(page));
    await page.click("#labels-save");
    await until(async () => (await alarm()).trim() === "", 20, "and that is over", () => shown(page));
  }
  await screenshot(context, "labels");
  noErrors(log);
}

export const MODEL_CASES = {
  model: { run: fetches, seconds: 900 },
  installation: { run: installation, seconds: 600 },
  labels: { run: labels, seconds: 600 },
  model_mistakes: { run: mistakes, seconds: 900 },
};
