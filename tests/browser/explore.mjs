// Cases of the page as a visitor uses it: it opens alive, prompts are typed, features found, looked at and tried.

import assert from "node:assert/strict";
import { join } from "node:path";
import { noErrors } from "./pages.mjs";
import { until } from "./timing.mjs";

// Software GPUs on a busy machine: most of it is compiling kernels.
export const PAGE_SECONDS = 300;
const WIDTHS = [1440, 1000, 400];
const DALLAS = "Fact: the capital of the state containing Dallas is";

export function state(page) {
  return page.evaluate(() => document.documentElement.dataset.state ?? "");
}

export async function shown(page) {
  const text = await page.evaluate(() => document.body?.innerText ?? "");
  return `(state "${await state(page)}"; the page reads: ${text.replace(/\s+/g, " ").slice(0, 600)})`;
}

export async function untilState({ page }, wanted, seconds = PAGE_SECONDS) {
  await until(async () => [wanted, "failed"].includes(await state(page)), seconds, `the page is ${wanted}`, () => shown(page));
  assert.equal(await state(page), wanted, await shown(page));
}

export async function screenshot({ page, out, kind }, what) {
  await page.screenshot({ path: join(out, `${kind}.${what}.png`) });
}

export const text = (page, selector) => page.$eval(selector, (it) => it.innerText.trim());

// Puts a prompt into its field, as one who types or pastes.
async function type(page, prompt) {
  await page.$eval("#prompt", (it, text) => {
    it.value = text;
    it.dispatchEvent(new Event("input", { bubbles: true }));
  }, prompt);
}

// Types a prompt as a person does and waits for its run.
export async function run(context, prompt) {
  const { page } = context;
  await type(page, prompt);
  await page.click("#run");
  await until(async () => (await state(page)) !== "running", PAGE_SECONDS, `“${prompt.slice(0, 40)}” ends`, () => shown(page));
}

// A number of pictures in light and dark, at three widths.
async function pictures(context, what) {
  const { page } = context;
  const before = page.viewport();
  for (const width of WIDTHS) {
    await page.setViewport({ width, height: 900 });
    for (const theme of ["light", "dark"]) {
      await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
      await screenshot(context, `${what}.${width}.${theme}`);
    }
  }
  await page.evaluate(() => (document.documentElement.dataset.theme = "system"));
  await page.setViewport(before ?? { width: 1280, height: 900 });
}

// What must stay where it is when the program takes over from the first picture.
const PLACES = [".bar h1", ".session textarea", "#tokens", "#tokens .token:last-of-type", "#next", ".panel.map", ".map-cells", ".panel.list", "#rows", "#rows .row .id", ".panel.card"];

const boxesOf = (places) => {
  const box = (it) => [it.left + scrollX, it.top + scrollY, it.width].map(Math.round);
  return Object.fromEntries(places.map((it) => [it, box(document.querySelector(it).getBoundingClientRect())]));
};

// Whether the map shows what the transcoders do not rebuild.
const hasErrors = async (page) => (await page.$(".map-cells.hatched")) && !(await text(page, "#map")).includes("computed when you ask");

// There is something true before any program runs; the program takes its place and changes no text; then it is live.
async function opens(context) {
  const { page, base, log } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(`${base}?still`, { waitUntil: "domcontentloaded" });
  const html = await fetch(base).then((it) => it.text());
  assert.match(html, /id="first"[^]*Dallas[^]*Austin/, "the first picture is in the HTML");
  const before = await page.evaluate((html) => {
    const first = new DOMParser().parseFromString(html, "text/html").querySelector("#first");
    const of = (root, selector) => [...root.querySelectorAll(selector)].map((it) => it.textContent.trim());
    return { tokens: of(first, "#tokens .token"), rows: of(first, "#rows .label"), next: of(first, "#next .candidate") };
  }, html);
  await untilState(context, "live");
  const after = await page.evaluate(() => {
    const of = (selector) => [...document.querySelectorAll(selector)].map((it) => it.textContent.trim());
    return { tokens: of("#tokens .token"), rows: of("#rows .label"), next: of("#next .candidate") };
  });
  assert.ok(before.tokens.length > 5 && before.rows.length > 5);
  assert.deepEqual(after.tokens, before.tokens);
  assert.deepEqual(after.rows.slice(0, 8), before.rows.slice(0, 8));
  assert.deepEqual(after.next, before.next);
  const live = await page.evaluate(boxesOf, PLACES);
  assert.match(await text(page, "#check"), /computes what was recorded/);
  assert.match(await text(page, "#source"), /^Live: /);
  assert.match(await text(page, "#next"), /Austin/);
  await pictures(context, "page");
  noErrors(log);
  const source = await text(page, "#source");
  // The picture in place of the page, under the same style sheet: nothing stands elsewhere.
  await page.evaluate((html) => {
    scrollTo(0, 0);
    document.body.replaceChildren(new DOMParser().parseFromString(html, "text/html").querySelector("#first"));
  }, html);
  const still = await page.evaluate(boxesOf, PLACES);
  await screenshot(context, "first");
  const moves = PLACES.filter((it) => still[it].some((at, n) => Math.abs(at - live[it][n]) > 2));
  assert.deepEqual(moves.map((it) => `${it}: ${still[it]}, then ${live[it]}`), [], "what moves (left, top, width)");
  return source;
}

// Within a minute: a prompt, the feature that says Texas, what else it fires on.
async function explore(context) {
  const { page, base, log } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await run(context, "Fact: the capital of the state containing Houston is");
  assert.match(await text(page, "#tokens"), /Houston/);
  await page.type("#filter", "Texas");
  await until(async () => (await text(page, "#list-counts")).includes("do not match"), 20, "the list is filtered");
  const label = await text(page, "#rows .row .label");
  assert.match(label, /Texas|Houston|Dallas/i);
  await page.click("#rows .row .feature");
  await until(() => page.$("#card-examples li"), 60, "the card has examples", () => shown(page));
  assert.match(await text(page, "#card"), /Promotes/);
  assert.match(await text(page, "#card-figures"), /fires on .* of tokens/);
  await page.type("#try-text", "The capital of Texas is");
  await page.keyboard.press("Enter");
  await until(() => page.$("#try-told"), 60, "the text is tried", () => shown(page));
  await page.click("#explain summary");
  await until(() => page.$("#figures tbody tr"), 120, "the figures are there", () => shown(page));
  assert.equal((await page.$$("#figures tbody tr")).length, 7, "six layers and all");
  assert.ok(await page.$("#lens td"), "the lens is there");
  await page.select("#metric", "error");
  await until(() => hasErrors(page), 120, "the map of errors", () => shown(page));
  await pictures(context, "explore");
  const n = (await page.$$("#tokens .token")).length;
  await page.$eval("#next .candidate .token", (it) => it.click());
  await until(async () => (await page.$$("#tokens .token")).length === n + 1 && (await state(page)) === "live", 120, "a token is added", () => shown(page));
  await page.click("#continue");
  await until(async () => (await page.$$("#tokens .token")).length > n + 1 && (await state(page)) === "live", 120, "it goes on", () => shown(page));
  noErrors(log);
  return label;
}

// Everything by keyboard: the map, the list, pins, undo, the sheet.
async function keys(context) {
  const { page, base, log } = context;
  await page.goto(base);
  await untilState(context, "live");
  await page.focus("#map-grid");
  await page.keyboard.press("Enter");
  await until(async () => /^Layer 5, token/.test(await text(page, "#list-place")), 10, "a cell is locked", () => shown(page));
  await page.keyboard.press("PageDown");
  await page.keyboard.press("j");
  await until(() => page.$("#rows .row.locked"), 10, "a feature is chosen", () => shown(page));
  await page.keyboard.press("p");
  assert.ok(await page.$("#rows .pin-0"), "it is pinned");
  await page.keyboard.down("Control");
  await page.keyboard.press("z");
  await page.keyboard.up("Control");
  assert.equal(await page.$("#rows .pin-0"), null, "undone");
  await page.keyboard.press("?");
  assert.ok(await page.$("#sheet"), "the sheet opens");
  await screenshot(context, "sheet");
  await page.keyboard.press("Escape");
  assert.equal(await page.$("#sheet"), null);
  for (let n = 0; n < 4; n += 1) await page.keyboard.press("Escape");
  assert.match(await text(page, "#list-place"), /^Every token but the first/);
  noErrors(log);
}

// Whatever is typed has a visible, kind answer, and nothing that was there is lost.
async function badPrompts(context) {
  const { page, base } = context;
  await page.goto(base);
  await untilState(context, "live");
  // More of the run that is shown arrives while the visitor has emptied the field to write another prompt.
  await type(page, "");
  await page.select("#metric", "error");
  await until(() => hasErrors(page), 120, "the map of errors", () => shown(page));
  assert.equal(await page.$eval("#prompt", (it) => it.value), "", "what was cleared stays empty");
  const told = [];
  const long = "word ".repeat(2000);
  for (const [name, prompt, fails] of [
    ["empty", "", true],
    ["100 kB", "x".repeat(100_001), true],
    ["more tokens than there is room for", long, true],
    ["whitespace", " \n\t ", false],
    ["emoji", "🙂 👩‍👩‍👧", false],
    ["right to left", "\u202eשלום عالم", false],
    ["NUL", "a\0b", false],
    ["<bos>", "<bos> and <pad>", false],
    ["HTML", "<img src=x onerror=alert(1)><b>bold</b>", false],
  ]) {
    await run(context, prompt);
    const failed = (await state(page)) === "failed";
    assert.equal(failed, fails, `${name} ${await shown(page)}`);
    if (fails) told.push(`${name}: ${await text(page, ".failure p")}`);
    assert.ok((await page.$$("#tokens .token")).length > 0, `${name}: a run is still shown`);
    assert.equal(await page.$("#tokens img, #tokens b"), null, "tokens are text");
    if (name === "empty") await screenshot(context, "refused");
  }
  await run(context, DALLAS);
  assert.match(await text(page, "#next"), /Austin/);
  return told.join("; ");
}

export const EXPLORE_CASES = {
  page: { run: opens, seconds: 330 },
  explore: { run: explore, seconds: 600 },
  keys: { run: keys, seconds: 330 },
  bad_prompts: { run: badPrompts, seconds: 600 },
};
