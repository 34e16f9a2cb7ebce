// Pages of the cases: the bare one that speaks with the engine's worker, and what a case can do with it.

import assert from "node:assert/strict";
import { until, withTimeout } from "./timing.mjs";

// What a case throws that can't run here, by name.
export class Skip extends Error {}

// A page that notes its errors.
export async function openPage(browser) {
  const page = await withTimeout(browser.newPage(), 60, "opening a page");
  const log = [];
  page.on("console", (message) => log.push({ type: message.type(), text: message.text() }));
  page.on("pageerror", (error) => log.push({ type: "error", text: String(error) }));
  // What the page itself lets go, as a stream that has brought all that was wanted, is no error.
  const aborted = (it) => /ABORTED/.test(it.failure()?.errorText ?? "");
  page.on("requestfailed", (it) => aborted(it) || log.push({ type: "error", text: `not loaded: ${it.url().split("?")[0]} ${it.failure()?.errorText}` }));
  return { page, log };
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
