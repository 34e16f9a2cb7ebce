// Cases of what is reached by name and by keys: the palette, About, regions of the map, letters that can be switched off.

import assert from "node:assert/strict";
import { screenshot, shown, text, untilState } from "./explore.mjs";
import { noErrors } from "./pages.mjs";
import { until } from "./timing.mjs";

const focused = (page) => page.evaluate(() => document.activeElement?.id ?? "");

async function withCtrl(page, key) {
  await page.keyboard.down("Control");
  await page.keyboard.press(key);
  await page.keyboard.up("Control");
}

// Commands, features by label and by number, prompts; everything by keys, and the focus comes back.
async function palette(context) {
  const { page, base, log } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await page.focus("#rows");
  const open = async () => {
    await withCtrl(page, "k");
    await until(async () => (await focused(page)) === "palette-text", 10, "the palette has the focus", () => shown(page));
  };
  const first = () => page.$eval('.offer[aria-selected="true"]', (it) => it.innerText);
  await open();
  await screenshot(context, "palette");
  await page.keyboard.type("texas");
  await until(async () => /Texas/i.test(await first()), 10, "features by label", () => shown(page));
  await screenshot(context, "palette_found");
  await page.keyboard.press("Enter");
  assert.equal(await page.$("#palette"), null, "it closes");
  await until(async () => /Texas/i.test(await text(page, "#card-label")), 20, "the feature is shown", () => shown(page));
  assert.equal(await focused(page), "rows", "the focus is where it was");
  await open();
  await page.keyboard.type("99/1");
  await page.keyboard.press("Enter");
  await until(async () => /Layers are 0 to 5/.test(await text(page, "#palette")), 10, "what is not there is said", () => shown(page));
  await page.keyboard.press("Escape");
  await open();
  await page.keyboard.type("pins go");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await open();
  await page.keyboard.type("<img src=x>");
  await until(async () => /Nothing of that name/.test(await text(page, "#palette")), 10, "nothing is found", () => shown(page));
  await page.keyboard.press("Escape");
  await open();
  await page.keyboard.type("about");
  await page.keyboard.press("Enter");
  await until(() => page.$("#about"), 10, "About opens", () => shown(page));
  await until(async () => (await focused(page)) === "dialog-close", 10, "and has the focus");
  for (let n = 0; n < 12; n += 1) {
    await page.keyboard.press("Tab");
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const stays = await page.evaluate(() => document.activeElement.closest("#about") !== null);
    assert.ok(stays, "the focus stays in what lies over the page");
  }
  assert.match(await text(page, "#about"), /MIT or Apache/);
  assert.match(await text(page, "#about"), /Gemma Terms of Use/);
  await screenshot(context, "about");
  await page.keyboard.press("Escape");
  noErrors(log);
}

// Letters are commands unless the visitor says otherwise; a region of the map by keys.
async function letters(context) {
  const { page, base, log } = context;
  await page.goto(base);
  await untilState(context, "live");
  await page.focus("#map-grid");
  await page.keyboard.down("Shift");
  for (const key of ["ArrowUp", "ArrowLeft", "ArrowDown", "ArrowLeft", "ArrowDown"]) await page.keyboard.press(key);
  await page.keyboard.up("Shift");
  await until(async () => /^Layers \d to \d, tokens \d+ to \d+/.test(await text(page, "#list-place")), 10, "a region is selected", () => shown(page));
  await page.keyboard.press("?");
  await page.click("#letters");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  assert.equal(await page.$("#sheet"), null, "letters do nothing now");
  await page.reload();
  await untilState(context, "live");
  await page.focus("#map-grid");
  await page.keyboard.press("?");
  assert.equal(await page.$("#sheet"), null, "nor at the next visit");
  await page.click("#help");
  await page.click("#letters");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  assert.ok(await page.$("#sheet"), "and again");
  noErrors(log);
}

export const REACH_CASES = {
  palette: { run: palette, seconds: 330 },
  letters: { run: letters, seconds: 330 },
};
