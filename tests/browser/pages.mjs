// Pages of the cases: the bare one that speaks with the engine's worker, and what a case can do with it.

import assert from "node:assert/strict";
import { until, withTimeout } from "./timing.mjs";

// So long something is waited for that is to be clicked, and so long it must have stood where it is.
const CLICK_SECONDS = 20;
const STILL_MILLIS = 40;

// What a case throws that can't run here, by name.
export class Skip extends Error {}

// A page that notes its errors. The site is kept for visits without a network where a case is about that, and else switched off as a
// visitor does it: its files would be fetched while other things are counted.
export async function openPage(browser, { isKept = false } = {}) {
  const page = await withTimeout(browser.newPage(), 60, "opening a page");
  if (!isKept) await page.evaluateOnNewDocument(() => location.protocol === "http:" && self.origin !== "null" && localStorage.setItem("gemscope.sw", "off"));
  const click = page.click.bind(page);
  page.click = async (selector, given) => {
    await until(() => standsStill(page, selector), CLICK_SECONDS, `${selector} can be clicked`);
    // What is pointed at may be told elsewhere, and that may move it.
    await page.hover(selector);
    await until(() => standsStill(page, selector), CLICK_SECONDS, `${selector} can be clicked`);
    return click(selector, given);
  };
  const log = [];
  page.on("console", (message) => log.push({ type: message.type(), text: message.text() }));
  page.on("pageerror", (error) => log.push({ type: "error", text: String(error) }));
  // What the page itself lets go, as a stream that has brought all that was wanted, is no error.
  const aborted = (it) => /ABORTED/.test(it.failure()?.errorText ?? "");
  page.on("requestfailed", (it) => aborted(it) || log.push({ type: "error", text: `not loaded: ${it.url().split("?")[0]} ${it.failure()?.errorText}` }));
  return { page, log };
}

// Whether a visitor could hit it: it is drawn, stays where it is, and nothing lies on it. What is told above it may still move it.
function standsStill(page, selector) {
  return page.evaluate(
    async (selector, millis) => {
      const it = document.querySelector(selector);
      if (!it) return false;
      it.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      const { x, y, width, height } = it.getBoundingClientRect();
      await new Promise((done) => setTimeout(done, millis));
      const after = it.getBoundingClientRect();
      const hit = document.elementFromPoint(after.x + after.width / 2, after.y + after.height / 2);
      return it.isConnected && width > 0 && height > 0 && after.x === x && after.y === y && it.contains(hit);
    },
    selector,
    STILL_MILLIS,
  );
}

export function closePage(page) {
  return withTimeout(page.close(), 20, "closing the page").catch(() => {});
}

// The bare page; its functions are tests/browser/driver.js.
export async function driver({ page, base }) {
  if (await page.evaluate(() => window.driver !== undefined)) return;
  await page.goto(`${base}tests/browser/driver.html`);
  await until(() => page.evaluate(() => window.driver !== undefined), 20, "the driver's page is there");
}

export function noErrors(log) {
  const errors = log.filter((it) => it.type === "error").map((it) => it.text);
  assert.deepEqual(errors, [], "errors in the console");
}

// The functions of tests/browser/library.js in a page, by name.
export async function library(context) {
  await driver(context);
  const call = (what, args) => context.page.evaluate((what, args) => window.driver.library[what](...args), what, args);
  return new Proxy({}, { get: (_, what) => (what === "then" ? undefined : (...args) => call(what, args)) });
}
