// Cases of links, files and snapshots: the view on the page is its address, opens again elsewhere, and is told from what differs.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { closePage, noErrors, openPage } from "./pages.mjs";
import { Stranger } from "./site_host.mjs";
import { until } from "./timing.mjs";

const PROMPT = "Fact: the capital of the state containing Houston is";

const hash = (page) => page.evaluate(() => location.hash);
const untilHash = (page, pattern, what) => until(async () => pattern.test(await hash(page)), 20, what, async () => `${await hash(page)} ${await shown(page)}`);

// What the page hands to the browser as a download: name and text.
export const catchDownloads = (page) =>
  page.evaluateOnNewDocument(() => {
    window.saved = [];
    const click = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () {
      if (!this.download) return click.call(this);
      const { download, href } = this;
      fetchBlob(href).then((it) => window.saved.push({ name: download, text: it }));
    };
    const blobs = new Map();
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      const address = create.call(URL, blob);
      blobs.set(address, blob);
      return address;
    };
    const fetchBlob = (address) => blobs.get(address).text();
  });

export async function saved(page, selector, name) {
  const n = await page.evaluate(() => window.saved.length);
  await page.$eval(selector, (it) => it.click());
  await until(async () => (await page.evaluate(() => window.saved.length)) > n, 60, `${name} is saved`, () => shown(page));
  const file = await page.evaluate(() => window.saved.at(-1));
  assert.match(file.name, name);
  return file.text;
}

// Opens an address in a page of its own.
async function visit(context, address, act) {
  const second = await openPage(context.page.browser());
  try {
    await second.page.setViewport({ width: 1440, height: 900 });
    await second.page.goto(address);
    await untilState({ ...context, page: second.page }, "live");
    return await act(second.page, second.log);
  } finally {
    await closePage(second.page);
  }
}

const selected = (page) =>
  page.evaluate(() => ({
    place: document.querySelector("#list-place").innerText,
    feature: document.querySelector(".card-name .id")?.innerText ?? "",
    pins: document.querySelectorAll("#tokens .pin").length,
    tokens: document.querySelector("#tokens").innerText,
    metric: document.querySelector("#metric").value,
  }));

// A view is its address, opens the same elsewhere and says that it was reproduced; also what the other browser made.
async function links(context) {
  const { page, base, log, out, kind } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await run(context, PROMPT);
  await untilHash(page, /Houston/, "the prompt is in the address");
  await page.type("#filter", "Texas");
  await until(async () => (await text(page, "#list-counts")).includes("do not match"), 20, "the list is filtered");
  await page.$eval("#rows .row .feature", (it) => it.click());
  await page.$eval("#rows .row .pin", (it) => it.click());
  await page.select("#metric", "locked");
  await untilHash(page, /locked/, "metric, pin and feature are in the address");
  await page.$eval("#filter", (it) => {
    it.value = "";
    it.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await until(async () => /[?&]w=/.test(await hash(page)), 30, "what the run said is in the address", () => hash(page));
  const before = await selected(page);
  const address = await page.evaluate(() => location.href);
  await writeFile(join(out, `${kind}.link.txt`), await hash(page));
  await visit(context, address, async (other, otherLog) => {
    await until(async () => /^Reproduced/.test(await text(other, "#verdict")), 60, "it is reproduced", () => shown(other));
    assert.deepEqual(await selected(other), before);
    await screenshot({ ...context, page: other }, "linked");
    noErrors(otherLog);
  });
  // What the other browser left in an earlier run, if it did.
  const theirs = await readFile(join(out, `${kind === "chromium" ? "firefox" : "chromium"}.link.txt`), "utf8").catch(() => undefined);
  if (theirs) {
    await visit(context, base + theirs, async (other) => {
      await until(async () => /^Reproduced/.test(await text(other, "#verdict")), 60, "the other browser's link is reproduced", () => shown(other));
      assert.deepEqual(await selected(other), before);
    });
  }
  // Back undoes the last run.
  await run(context, "The capital of Texas is");
  await untilHash(page, /capital%20of%20Texas.*[?&]w=/, "another prompt");
  await page.evaluate(() => history.back());
  await until(async () => /Houston/.test(await text(page, "#tokens")) && (await state(page)) === "live", PAGE_SECONDS, "Back brings the prompt before", () => shown(page));
  await untilHash(page, /Houston.*[?&]w=/, "the address follows");
  assert.deepEqual(await selected(page), before, "and what was selected");
  await page.evaluate(() => history.forward());
  await until(async () => /capital of Texas/.test(await text(page, "#tokens")) && (await state(page)) === "live", PAGE_SECONDS, "and Forward the other", () => shown(page));
  noErrors(log);
  return `${(await hash(page)).length} characters; ${theirs ? "the other browser's too" : "no link of the other browser's is there yet"}`;
}

// Whatever a link holds that can't be, is said; the page opens all the same, and nothing is fetched.
async function badLinks(context) {
  const { page, base } = context;
  const told = [];
  let n = 0;
  for (const [what, fragment, pattern] of [
    ["an unknown layer", "#/x?p=The%20capital%20of%20Texas%20is&f=99.1", /There is no feature \S*99/],
    ["an unknown model", "#/x?m=nobody/nothing-compact", /not on this device/],
    ["a newer version", "#!9AAAA", /newer version/],
    ["a model that is not here", "#/x?p=a&m=g2b-precise", /not on this device/],
    ["a damaged one", "#!1%00%ff", /damaged/],
    ["noise", "#/nowhere?%%%=1&f=x&pin=,,,&t=-1", /There is no screen/],
    ["markup", "#/x?p=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&f=1.2&lb=1.2:%3Cb%3E", /<b>/],
  ]) {
    // Opened with the page, and in the address of the page that stands there.
    if (n++ % 3 === 0) {
      await page.goto("about:blank");
      await page.goto(base + fragment);
    } else {
      await page.evaluate((it) => (location.hash = it), fragment);
    }
    await untilState(context, "live");
    await until(async () => pattern.test(await page.evaluate(() => ["#notes", "#card-label"].map((it) => document.querySelector(it)?.innerText ?? "").join(" "))), 60, `${what} is said`, () => shown(page));
    told.push(`${what}: ${await page.evaluate(() => document.querySelector("#notes")?.innerText.replace(/\s+/g, " ") ?? "")}`);
    assert.equal(await page.$("#tokens img, #notes img, #notes b"), null, "links are text");
  }
  await screenshot(context, "bad_link");
  return told.join("; ");
}

// Tables, pictures, a snapshot that opens again, and files that are none.
async function files(context) {
  const { page, base, out, kind } = context;
  await catchDownloads(page);
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await until(async () => (await hash(page)).length > 5, 20, "the address is written", () => shown(page));
  const strongest = await text(page, "#rows .row .id");
  await page.keyboard.press("y");
  await page.waitForSelector("#share");
  const link = () => page.$eval("#link", (it) => it.value);
  await until(async () => /#\/x\?p=Fact/.test(await link()), 20, "the link is there", link);
  await page.click("#link-bare");
  await until(async () => !/p=Fact/.test(await link()), 10, "and without the prompt", link);
  await page.click("#link-bare");
  await screenshot(context, "share");
  // A thing of the menu, by its words, as a kind of file.
  const take = async (what, form, name) => {
    const value = await page.$$eval("#take option", (all, what) => all.find((it) => it.innerText === what)?.value, what);
    await page.select("#take", value);
    await until(() => page.$(`[data-form="${form}"]:enabled`), 10, `${what} can be had as ${form}`, () => shown(page));
    return saved(page, `[data-form="${form}"]`, name);
  };
  const lines = (table) => table.split("\n").filter((it) => it && !it.startsWith("#"));
  const csv = await take("the features", "CSV", /features.*\.csv$/);
  assert.match(csv, /^# model_sha256: [0-9a-f]{64}/im);
  assert.match(csv, /^# labels_made: ./im);
  assert.ok(lines(csv).length > 300, "every feature is in it");
  const json = JSON.parse(await take("the features", "JSON", /\.json$/));
  assert.ok(json.features.length > 300 && /^[0-9a-f]{64}$/.test(json.origin.model_sha256), "JSON with its origin");
  assert.match(await take("the features", "safetensors", /\.safetensors$/), /model_sha256/);
  const svg = await take("the map as it is shown", "SVG", /\.svg$/);
  assert.match(svg, /^<svg[^]*demo[^]*<\/svg>/);
  await writeFile(join(out, `${kind}.map.svg`), svg);
  assert.match((await take("the map as it is shown", "PNG", /\.png$/)).slice(1, 4), /PNG/);
  for (const [what, file, least] of [
    ["what comes next", "next", 50],
    ["the logit lens", "lens", 150],
    ["the figures by layer", "figures", 7],
  ]) {
    const table = await take(what, "TSV", new RegExp(`${file}.*\\.tsv$`));
    assert.match(table, /^# adapter: ./im);
    assert.ok(lines(table).length > least, `${what}: ${table}`);
  }
  for (const what of ["the logit lens", "the figures by layer"]) {
    const picture = await take(what, "SVG", /\.svg$/);
    assert.match(picture, /^<svg[^]*demo[^]*model sha256[^]*#\/x\?[^]*<\/svg>/);
    await writeFile(join(out, `${kind}.${what.replaceAll(" ", "_")}.svg`), picture);
  }
  await page.select("#take", await page.$$eval("#take option", (all) => all.find((it) => /promotes/.test(it.innerText)).value));
  await until(async () => /Choose a feature/.test(await text(page, "#share")), 10, "a feature must be chosen", () => shown(page));
  assert.equal(await page.$("[data-form]:enabled"), null, "nothing can be had of none");
  await page.keyboard.press("Escape");
  await page.$eval("#rows .row .feature", (it) => it.click());
  await page.keyboard.press("y");
  await page.waitForSelector("#share");
  for (const [what, form, pattern] of [
    ["the chosen feature along the prompt", "CSV", /^# feature: \d+\.\d+/im],
    ["the chosen feature along the prompt", "SVG", /Feature \d+\/\d+[^]*labels: /],
    ["what the chosen feature promotes", "CSV", /suppresses/],
    ["what the chosen feature promotes", "SVG", /suppresses/],
    ["the chosen feature's nearest ones", "TSV", /cosine/],
    ["the chosen feature's examples", "JSON", /"labels_?|"made":/],
  ]) {
    const file = await take(what, form, new RegExp(`\\.${form.toLowerCase()}$`));
    assert.match(file, pattern, `${what} as ${form}`);
    await writeFile(join(out, `${kind}.${what.replaceAll(/[ ']/g, "_")}.${form.toLowerCase()}`), file);
  }
  await screenshot(context, "taken");
  const frame = () => page.$eval("#frame", (it) => it.value);
  assert.match(await frame(), /^<iframe src="http[^"]*\/embed\.html#\/embed\/x\?[^"]*" .*<\/iframe>$/);
  await page.$eval(".frame-leave", (it) => it.click());
  await until(async () => /plots=0/.test(await frame()), 20, "it leaves out what it is told to", frame);
  assert.doesNotMatch(await page.$eval("#link", (it) => it.value), /plots=0/, "the link does not");
  const snapshot = await saved(page, "#snapshot", /snapshot\.json$/);
  await writeFile(join(out, `${kind}.snapshot.json`), snapshot);
  await page.keyboard.press("Escape");
  await run(context, "The capital of Texas is");
  const open = async (name, content) => {
    const path = join(out, `${kind}.${name}`);
    await writeFile(path, content);
    if (!(await page.$("#share"))) await page.click("#share-open");
    const input = await page.waitForSelector("#snapshot-open");
    await input.uploadFile(path);
  };
  for (const [name, content] of [
    ["none.json", "{}"],
    ["cut.json", snapshot.slice(0, 1000)],
    ["future.json", snapshot.replace('"gemscope_snapshot":1', '"gemscope_snapshot":7')],
    ["page.html", "<script>alert(1)</script>"],
    ["large.json", Buffer.alloc(200 << 20, 32)],
  ]) {
    await open(name, content);
    await until(async () => /snapshot/.test(await page.evaluate(() => document.querySelector(".failure p")?.innerText ?? "")), 30, `${name} is refused`, () => shown(page));
    assert.match(await text(page, "#tokens"), /Texas/, "nothing is lost");
    if (await page.$("#share")) await page.keyboard.press("Escape");
    await page.$eval(".failure button:last-of-type", (it) => it.click());
  }
  await open("good.json", snapshot);
  await until(async () => /Dallas/.test(await text(page, "#tokens")), 30, "the snapshot is shown", () => shown(page));
  assert.match(await text(page, "#source"), /^From a file/);
  assert.equal(await text(page, "#rows .row .id"), strongest);
  await screenshot(context, "snapshot");
  return `csv ${csv.length}, svg ${svg.length}, snapshot ${snapshot.length} characters`;
}

// Without the frame, and the address stays as it was given.
async function embedded(context) {
  const { page, base, log } = context;
  await page.setViewport({ width: 800, height: 500 });
  const fragment = "#/embed/x?p=The%20capital%20of%20Texas%20is&theme=dark";
  await page.goto(base + fragment);
  await untilState(context, "live");
  await until(async () => /Texas/.test(await text(page, "#tokens")), 60, "the prompt is shown", () => shown(page));
  const visible = (selector) => page.$eval(selector, (it) => it.checkVisibility());
  await until(async () => !(await visible(".session")), 20, "there is no frame", () => shown(page));
  assert.ok(await visible("#map"));
  await until(async () => /#\/x\?p=The/.test(await page.$eval("#whole", (it) => it.href)), 20, "the whole page is a click away", () => page.$eval("#whole", (it) => it.outerHTML));
  await page.click("#rows .row .feature");
  await new Promise((done) => setTimeout(done, 1000));
  assert.equal(await hash(page), fragment, "the address is left alone");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await screenshot(context, "embed");
  noErrors(log);
}

// The frame that the share dialog offers stands in another page and shows the view.
async function framed(context) {
  const { page, base } = context;
  await page.goto(`${base}#/x?p=The%20capital%20of%20Texas%20is`);
  await untilState(context, "live");
  await page.click("#share-open");
  await until(async () => /Texas/.test(await page.$eval("#frame", (it) => it.value)), 30, "the frame's code is there", () => shown(page));
  const code = await page.$eval("#frame", (it) => it.value);
  const stranger = await new Stranger().start(`<!doctype html>${code}`);
  try {
    await page.goto(stranger.url);
    const frame = () => page.frames().find((it) => /embed\.html/.test(it.url()));
    await until(async () => frame() !== undefined, 60, "there is a frame");
    const tokens = () => frame().evaluate(() => document.querySelector("#tokens")?.innerText ?? "").catch(() => "");
    await until(async () => /Texas/.test(await tokens()), 300, "it shows the prompt", tokens);
    assert.equal(await frame().evaluate(() => document.querySelector(".session").checkVisibility()), false, "without the page's frame");
  } finally {
    await stranger.stop();
  }
  return code;
}

export const LINK_CASES = {
  links: { run: links, seconds: 900 },
  bad_links: { run: badLinks, seconds: 900 },
  files: { run: files, seconds: 600 },
  framed: { run: framed, seconds: 600 },
  embedded: { run: embedded, seconds: 330 },
};
