// The long story of a model in the page, by nothing but what a visitor clicks and sees: from an empty profile to features of a prompt, through
// a browser that is killed, a line that is cut and comes back, a pause, and a restart without a network. `cargo xtask test` tells it of the
// demo model, `cargo xtask full --browser KIND --page` of the larger ones.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { shown, state, text, untilState } from "./explore.mjs";
import { bytesServed, bytesServedTwice, headBytes } from "./hub.mjs";
import { launch } from "./launch.mjs";
import { catchDownloads, saved } from "./links.mjs";
import { choose, failure, fill, told, withDemo } from "./model_page.mjs";
import { openPage, Skip } from "./pages.mjs";
import { killTree, MemoryWatch } from "./processes.mjs";
import { options, SMALL } from "./sets.mjs";
import { untilKept } from "./site_checks.mjs";
import { SiteHost } from "./site_host.mjs";
import { sleep, until, withTimeout } from "./timing.mjs";

const CLICK_SECONDS = 60;
// Within this time a browser has written to the disk what a page has noted: which model is open.
const NOTED_MILLIS = 6000;
// Rows of the list that are looked at.
const N_SHOWN = 10;
const N_STRONGEST = 20;
// A feature in 16 bit is this near to one in 32 bit, as a share of its activation.
const NEAR = 1e-2;

const since = (start) => (performance.now() - start) / 1000;
const megabytes = (it) => `${(it / 1e6).toFixed(1)} MB`;
const last = async (page) => (await told(page)).split("\n").at(-1);

// A visit with the story's profile; at its end the browser closes, unless it was killed before.
async function visit(world, act) {
  const { kind, executable, profile } = world;
  const browser = await withTimeout(launch(kind, executable, { profile }), 120, `starting ${kind}`);
  const memory = new MemoryWatch(browser.process().pid);
  let isKilled = false;
  try {
    const { page } = await openPage(browser, { isKept: true });
    await page.setViewport({ width: 1440, height: 900 });
    await catchDownloads(page);
    const kill = async () => {
      isKilled = true;
      await killTree(browser.process().pid);
    };
    const out = await act(page, kill);
    return { ...out, version: isKilled ? "" : await browser.version(), memory: memory.stop() };
  } catch (error) {
    // As far as it is still there.
    if (!isKilled) await (await browser.pages()).at(-1)?.screenshot({ path: join(world.out, `${kind}.story.failed.png`) }).catch(() => {});
    throw error;
  } finally {
    memory.stop();
    if (!isKilled) await withTimeout(browser.close(), 120, "closing the browser").catch(() => killTree(browser.process().pid));
  }
}

async function chosen(page, { hub, model, scope, precision }) {
  await choose(page, hub.origin, { transcoders: `${hub.origin}/${scope}` });
  await fill(page, "#repo", `${hub.origin}/${model}`);
  await page.select("#precision", precision);
  await fill(page, "#layers", "all");
}

// The first visit: the price before anything starts, then a download until the browser is gone.
async function begins(world) {
  const { hub, url, share, seconds } = world;
  return visit(world, async (page, kill) => {
    await page.goto(url);
    await untilState({ page }, "live");
    await untilKept(page, "ready");
    assert.equal((await hub.log()).length, 0, "nothing starts by itself");
    await chosen(page, world);
    // Of a repository that is not Gemma's nothing is known before it is asked, which is said, and nothing beside it.
    const isPriced = async () => {
      const said = await text(page, "#cost");
      return said.includes(`${hub.origin}/${world.model} is not kept yet, so its plan is not known`) && !/to download/.test(said);
    };
    await until(isPriced, CLICK_SECONDS, "the price is told", () => text(page, "#cost"));
    const cost = (await text(page, "#cost")).replace(/\n/g, " ");
    assert.equal((await hub.log()).length, 0, "and asks nobody");
    await page.click("#fetch");
    const total = async () => Number(/(\d+) %/.exec(await page.title())?.[1] ?? 0);
    await until(async () => (await total()) >= share * 100 || /Whole/.test(await told(page)), seconds, "some of it is there", () => shown(page));
    await sleep(NOTED_MILLIS);
    assert.doesNotMatch(await told(page), /Whole/, "the browser is killed before the end");
    await kill();
    return { cost };
  });
}

// The line is cut until the page says what it waits for, or that it gave up; once it is back the visitor asks again where that is needed.
async function cutLine(page, { hub }) {
  await hub.set({ faults: ["cut:0@/signed/#1x*", "status:503@/resolve/#1x*"] });
  const waits = async () => page.evaluate(() => /;\s/.test(document.querySelector("#fetching [role=status]")?.innerText ?? ""));
  await until(async () => (await waits()) || (await failure(page)) !== "", CLICK_SECONDS, "the page says that the line is cut", () => shown(page));
  const said = (await failure(page)) || (await page.$eval("#fetching [role=status]", (it) => it.innerText));
  await hub.set({ faults: [] });
  await sleep(1000);
  if (await failure(page)) await page.click("#fetch");
  return said;
}

async function pauses(page, { hub, sizes }) {
  await page.waitForSelector("#pause");
  await page.click("#pause");
  await until(async () => /held/.test(await text(page, "#fetching")), CLICK_SECONDS, "it is held", () => shown(page));
  await sleep(1500); // what is under way may still arrive
  const before = bytesServed(await hub.log());
  await sleep(2000);
  const came = bytesServed(await hub.log()) - before;
  assert.ok(came <= sizes.in_flight * sizes.range_bytes, `${came} bytes came while it was held`);
  await page.click("#pause");
}

// The second visit: it goes on from where it was, through a cut line and a pause, to the end and to the prompt.
async function goesOn(world) {
  const { hub, url, seconds, throttle } = world;
  return visit(world, async (page) => {
    await page.goto(url);
    await untilState({ page }, "live");
    const notes = () => page.evaluate(() => document.querySelector("#notes")?.innerText ?? "");
    await until(async () => /only a part is on this device/.test(await notes()), CLICK_SECONDS, "the page says what is here", () => shown(page));
    await page.click("#model-open");
    assert.equal(await page.$eval("#repo", (it) => it.value), `${hub.origin}/${world.model}`, "the choice is remembered");
    const start = performance.now();
    await page.click("#fetch");
    await until(async () => /^\d+ %/.test(await page.title()), CLICK_SECONDS, "it goes on", () => shown(page));
    const cut = await cutLine(page, world);
    await until(() => page.$("#pause"), CLICK_SECONDS, "it goes on", () => shown(page));
    await hub.set({ throttle });
    await pauses(page, world);
    await hub.set({ throttle: null });
    await until(async () => /^Whole/.test(await last(page)) || (await failure(page)) !== "", seconds, "all of it is there", () => shown(page));
    assert.match(await last(page), /^Whole/, await failure(page));
    const whole = { seconds: since(start), said: await last(page) };
    await page.click("#dialog-close");
    await answers(page, world);
    await untilKept(page, "ready");
    return { cut, whole };
  });
}

// The prompt by a link that the visitor pastes, and all that fires in it, as the page saves it.
async function answers(page, { hub, link, n_tokens, seconds }) {
  const server = hub.origin.split("//")[1];
  const isThere = async () => (await state(page)) === "live" && (await text(page, "#source")).includes(server);
  await until(async () => (await isThere()) || (await state(page)) === "failed", seconds, "the model is open", () => shown(page));
  await page.click("#palette-open");
  await page.waitForSelector("#palette-text");
  await page.$eval(
    "#palette-text",
    (it, link) => {
      it.value = link;
      it.dispatchEvent(new Event("input", { bubbles: true }));
    },
    link,
  );
  await page.keyboard.press("Enter");
  const start = performance.now();
  const isRun = async () => (await isThere()) && (await page.$$("#tokens .token")).length === n_tokens;
  await until(isRun, seconds, "the prompt of the link runs", () => shown(page));
  return since(start);
}

// Every feature of the run on the page, from the file that it saves; the strongest as the list shows them; how many it says there are.
async function features(page, { seconds }) {
  await page.click("#share-open");
  const asJson = "[data-form=JSON]:enabled";
  await page.waitForSelector(asJson);
  const json = JSON.parse(await saved(page, asJson, /\.json$/));
  await page.keyboard.press("Escape");
  await page.select("#sort", "activation");
  await page.select("#group", "none");
  const common = await page.$("#show-common");
  if (common && /Show/.test(await text(page, "#show-common"))) await common.click();
  await until(async () => (await page.$$("#rows .row .id")).length >= N_SHOWN, seconds, "rows are there", () => shown(page));
  const ids = await page.$$eval("#rows .row .id", (all, n) => all.slice(0, n).map((it) => it.textContent), N_SHOWN);
  const count = Number(/^([\d,]+) activation/.exec(await text(page, "#counts"))[1].replace(/,/g, ""));
  return { all: json.features.map((it) => [it.layer, it.pos, it.feature, it.activation]), ids, count };
}

// The third visit: no Hub, no host, only what is on this device.
async function offline(world) {
  const { url, host } = world;
  const asked = host.log.length;
  return visit(world, async (page) => {
    const start = performance.now();
    await page.goto(url);
    const answer_seconds = await answers(page, world);
    const open_seconds = since(start) - answer_seconds;
    const got = await features(page, world);
    assert.equal(host.log.length, asked, "nothing was asked");
    return { got, open_seconds, answer_seconds, source: await text(page, "#source") };
  });
}

// How alike what the page shows is to what is expected, [[layer, pos, feature, activation], ..]: which fire, and the strongest of them.
export function alike({ all, ids, count }, expected, least) {
  const name = ([layer, pos, feature]) => `${layer}/${pos}/${feature}`;
  const values = new Map(expected.map((it) => [name(it), it[3]]));
  const got = new Map(all.map((it) => [name(it), it[3]]));
  const both = [...got.keys()].filter((it) => values.has(it)).length;
  const jaccard = both / (got.size + values.size - both);
  assert.ok(jaccard >= least, `${got.size} features fire, ${values.size} are expected, Jaccard ${jaccard.toFixed(4)}`);
  assert.equal(count, all.filter((it) => it[1] > 0).length, "the page counts what it saves");
  const shownOnes = expected.filter((it) => it[1] > 0).sort((a, b) => b[3] - a[3]);
  for (const it of shownOnes.slice(0, N_STRONGEST)) {
    const here = got.get(name(it));
    assert.ok(here !== undefined && Math.abs(here - it[3]) <= NEAR * it[3], `${name(it)} is ${here}, ${it[3]} is expected`);
  }
  const strongest = new Map();
  for (const [layer, , feature, value] of shownOnes) if (!strongest.has(`L${layer}/${feature}`)) strongest.set(`L${layer}/${feature}`, value);
  const lowest = [...strongest.values()][N_SHOWN - 1];
  for (const it of ids) assert.ok((strongest.get(it) ?? 0) >= lowest * (1 - NEAR), `${it} is among the strongest on the page`);
  return { n: got.size, n_expected: values.size, jaccard, strongest: ids.slice(0, 3) };
}

// world: { kind, executable, base, out, hub, query, model, scope, precision, link, n_tokens, expected, least, share, throttle, sizes,
// seconds, keep }, where `share` is how much is there when the browser is killed, `seconds` what a download may last. What it measured.
export async function story(given) {
  const { hub, sizes, base, out, kind } = given;
  const host = await new SiteHost(base).start();
  const profile = join(out, `${kind}.story`);
  const world = { ...given, host, profile, url: host.url + (given.query ? `?${given.query}` : "") };
  await rm(profile, { recursive: true, force: true });
  await mkdir(profile, { recursive: true });
  try {
    await hub.start({ throttle: given.throttle });
    const { cost } = await begins(world);
    await sleep(500);
    const before = await hub.log();
    const { cut, whole, memory } = await goesOn(world);
    const log = await hub.log();
    const [all, again] = [bytesServed(log), bytesServedTwice(log) - headBytes(log)];
    // After the kill, and where the cut line was given up.
    const most = 2 * ((sizes.crash_bytes ?? sizes.journal_bytes) + sizes.in_flight * sizes.piece_bytes);
    assert.ok(again <= most, `${again} bytes came again; ${most} may`);
    await hub.stop();
    await host.stop();
    const there = await offline(world);
    const compared = alike(there.got, given.expected, given.least);
    return { cost, cut, before_bytes: bytesServed(before), all, again, whole, compared, there, memory, offline_memory: there.memory };
  } finally {
    await host.stop();
    await hub.stop();
    if (!given.keep) await rm(profile, { recursive: true, force: true });
  }
}

// What a story came to, in a line.
export function storyLine({ cut, before_bytes, all, again, whole, compared, there }) {
  const { n, n_expected, jaccard, strongest } = compared;
  return (
    `killed after ${megabytes(before_bytes)} of ${megabytes(all)}, ${megabytes(again)} came again; cut: “${cut}”; ${whole.said} ` +
    `${whole.seconds.toFixed(0)} s after the restart; offline open in ${there.open_seconds.toFixed(0)} s, answered in ` +
    `${there.answer_seconds.toFixed(0)} s; ${n} activations, ${n_expected} expected, Jaccard ${jaccard.toFixed(4)}, strongest ${strongest.join(" ")}; ${there.source}`
  );
}

// What the command line says fires in a prompt, as `alike` wants it.
export async function natively(gemscope, asked) {
  const { stdout } = await promisify(execFile)(gemscope, ["--json", "features", ...asked, "--top", "0"], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout).features.map((it) => [it.layer, it.pos, it.feature, it.activation]);
}

// The story of the demo model, which is small enough for the test command.
async function ofDemo(context) {
  const { gemscope } = context;
  if (!gemscope) throw new Skip("the command line was not built");
  const prompt = "The capital of Texas is";
  const expected = await natively(gemscope, ["--model", "www/demo/model", "--transcoders", "www/demo/transcoders", "--text", prompt]);
  const told = await story({
    ...context,
    hub: await withDemo(context.hub),
    query: options("story"),
    model: "demo/model",
    scope: "demo/transcoders",
    precision: "reference",
    link: `#/x?p=${encodeURIComponent(prompt)}`,
    n_tokens: Math.max(...expected.map((it) => it[1])) + 1,
    expected,
    least: 0.995,
    share: 0.2,
    throttle: 300_000,
    sizes: SMALL,
    seconds: 300,
  });
  return `${told.cost} ${storyLine(told)}`;
}

export const STORY_CASES = {
  story: { run: ofDemo, seconds: 900, long: true },
};
