// Cases of visits that are not like others: by touch, with a clock that is wrong, with files that are dropped on the page, where nothing can
// be kept, and where nothing may stay.

import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { filesOf, visit } from "./keeping.mjs";
import { catchDownloads, saved } from "./links.mjs";
import { choose, failure, told, withDemo } from "./model_page.mjs";
import { noErrors, openPage } from "./pages.mjs";
import { options } from "./sets.mjs";
import { Stranger } from "./site_host.mjs";
import { sleep, until } from "./timing.mjs";

const PHONE = { width: 390, height: 844, isMobile: true, hasTouch: true };
const YEAR_MILLIS = 365.25 * 86_400e3;

// A finger on the phone's layout: the list is scrolled, a token selected, a feature opened.
async function touch(context) {
  const { page, base, kind, log } = context;
  await page.setViewport(kind === "chromium" ? PHONE : { width: PHONE.width, height: PHONE.height });
  await page.goto(base);
  await untilState(context, "live");
  const tap = async (selector) => {
    const { x, y } = await page.$eval(selector, (it) => {
      it.scrollIntoView({ block: "center" });
      const box = it.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    });
    await page.touchscreen.tap(x, y);
  };
  if (kind === "chromium") await scrolled(page);
  await tap("#tokens .token:nth-of-type(3)");
  await until(async () => /^Token \d/.test(await text(page, "#list-place")), 10, "a token is selected", () => shown(page));
  const place = await text(page, "#list-place");
  await tap("#rows .row .feature");
  await until(async () => /L\d+\/\d+/.test(await text(page, ".card-name")), 30, "a feature is opened", () => shown(page));
  await until(() => page.$("#card-examples li"), 60, "with its examples", () => shown(page));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 1, `the page is ${wide} px wider than the phone`);
  await screenshot(context, "touch");
  noErrors(log);
  return place;
}

// A finger that goes up takes the list with it. Firefox's driver makes events of touch alone: nothing scrolls by them.
async function scrolled(page) {
  const { x, y, top } = await page.$eval("#rows", (it) => {
    it.scrollIntoView({ block: "center" });
    const box = it.getBoundingClientRect();
    return { x: box.x + box.width / 2, y: box.y + Math.min(box.height, innerHeight - box.y) - 20, top: it.scrollTop };
  });
  const finger = await page.touchscreen.touchStart(x, y);
  for (let n = 1; n <= 10; n += 1) await finger.move(x, y - 15 * n);
  await finger.end();
  await until(async () => (await page.$eval("#rows", (it) => it.scrollTop)) > top + 40, 10, "the list is scrolled", () => page.$eval("#rows", (it) => `${it.scrollTop}`));
  // A tap on what still glides only holds it.
  let [last, now] = [-1, await page.$eval("#rows", (it) => it.scrollTop)];
  while (last !== now) {
    await sleep(400);
    [last, now] = [now, await page.$eval("#rows", (it) => it.scrollTop)];
  }
}

// A file dropped on the page: a snapshot opens; what is none, or too large, or no file at all, loses nothing.
async function drops(context) {
  const { page, base, log } = context;
  await catchDownloads(page);
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await page.click("#share-open");
  await page.waitForSelector("#snapshot");
  const snapshot = await saved(page, "#snapshot", /snapshot\.json$/);
  await page.keyboard.press("Escape");
  await run(context, "The capital of Texas is");
  const refused = [];
  for (const [name, content] of [
    ["picture.png", "\u0089PNG"],
    ["large.json", 200 << 20],
    ["markup.json", JSON.stringify({ gemscope_snapshot: 1, from: "<img src=x onerror=alert(1)>" })],
  ]) {
    await dropped(page, name, content);
    await until(async () => /snapshot/.test(await page.evaluate(() => document.querySelector(".failure p")?.innerText ?? "")), 30, `${name} is refused`, () => shown(page));
    refused.push(await text(page, ".failure p"));
    assert.match(await text(page, "#tokens"), /Texas/, "nothing is lost");
    await page.$eval(".failure button:last-of-type", (it) => it.click());
  }
  await dropped(page);
  assert.equal(await page.$(".failure"), null, "text is no file");
  await dropped(page, "good.json", snapshot);
  await until(async () => /Dallas/.test(await text(page, "#tokens")), 30, "the snapshot is shown", () => shown(page));
  assert.match(await text(page, "#source"), /^From a file/);
  noErrors(log);
  return refused.join("; ");
}

// The event as a browser makes it, with a file of some content or of some bytes; without a name a text is dropped.
const dropped = (page, name, content = "") =>
  page.evaluate(
    (name, content) => {
      const data = new DataTransfer();
      const text = typeof content === "number" ? new Uint8Array(content) : content;
      if (name) data.items.add(new File([text], name));
      else data.setData("text/plain", "a text");
      const at = { bubbles: true, cancelable: true, dataTransfer: data };
      document.body.dispatchEvent(new DragEvent("dragover", at));
      document.body.dispatchEvent(new DragEvent("drop", at));
    },
    name,
    content,
  );

// The page's clock, and the engine's, in another year; it jumps once more while they are used.
function otherYear(millis) {
  const setBack = `{
    const RealDate = Date;
    const start = RealDate.now();
    const now = () => RealDate.now() + (${millis}) * (RealDate.now() - start > 8000 ? -1 : 1);
    globalThis.Date = class extends RealDate {
      constructor(...given) {
        given.length ? super(...given) : super(now());
      }
      static now() {
        return now();
      }
    };
  }`;
  (0, eval)(setBack);
  window.Blob = class extends Blob {
    constructor(parts, given) {
      super(/javascript/.test(given?.type) ? [setBack, ...parts] : parts, given);
    }
  };
}

// Years in the past and in the future: rates, times left and what is told at the end are as always.
async function clock(context) {
  const hub = await withDemo(context.hub);
  const out = [];
  try {
    for (const [name, years] of [["past", -45], ["future", 90]]) {
      const { page } = await openPage(context.page.browser());
      const here = { ...context, page };
      await page.evaluateOnNewDocument(otherYear, years * YEAR_MILLIS);
      await hub.start({ throttle: 500_000 });
      await page.goto(`${context.base}?${options(`clock-${name}`)}`);
      await untilState(here, "live");
      const year = await page.evaluate(() => new Date().getFullYear());
      assert.ok(Math.abs(year - new Date().getFullYear()) > 40, `it is the year ${year} there`);
      await choose(page, hub.origin);
      await page.click("#fetch");
      const seen = new Set();
      const look = async () => {
        const said = await page.evaluate(() => `${document.title} ${document.querySelector("#fetching")?.innerText ?? ""} ${document.querySelector("#cost")?.innerText ?? ""} ${document.querySelector("#status")?.innerText ?? ""}`);
        assert.doesNotMatch(said, /NaN|inf|undefined|-\d+ (min|s|ms|h)\b|\d{4,} (min|h)\b/i);
        for (const it of said.match(/\d[\d.]* \w?B a second|about \d+ (min|h) left|less than a minute left/g) ?? []) seen.add(it);
        return /Whole: /.test(await told(page));
      };
      await until(look, PAGE_SECONDS, "it is whole", async () => `${await failure(page)} ${await shown(page)}`);
      assert.ok(seen.size > 1, "rate and time were told");
      const seconds = Number(/received in (\d+) s/.exec(await told(page))[1]);
      assert.ok(seconds > 1 && seconds < PAGE_SECONDS, `${seconds} s`);
      await page.click("#dialog-close");
      await run(here, "The capital of Texas is");
      assert.match(await text(page, "#next"), /Austin/);
      assert.doesNotMatch(await text(page, "#status"), /NaN|-\d+ ms/);
      out.push(`${name}, the year ${year}: ${seconds} s, ${[...seen].slice(0, 3).join(", ")}`);
      await page.close();
    }
    return out.join("; ");
  } finally {
    await hub.stop();
  }
}

// A browser that lets no site keep anything, neither by itself nor in a frame of another site.
async function noStorage(context) {
  const { kind, out, base } = context;
  const hub = await withDemo(context.hub);
  const profile = join(out, `${kind}.nothing`);
  await rm(profile, { recursive: true, force: true });
  await mkdir(join(profile, "Default"), { recursive: true });
  const blocks = { profile: { default_content_setting_values: { cookies: 2 } } };
  if (kind === "chromium") await writeFile(join(profile, "Default/Preferences"), JSON.stringify(blocks));
  const stranger = await new Stranger().start(`<!doctype html><iframe src="${base}embed.html#/embed/x" width="900" height="600"></iframe>`);
  try {
    await hub.start();
    return await visit(context, { profile, preferences: { "network.cookie.cookieBehavior": 2 } }, async ({ browser }) => {
      const page = await browser.newPage();
      const here = { ...context, page };
      await page.goto(base);
      const isRefused = () => page.evaluate(() => Promise.resolve().then(() => localStorage.length).then(() => "", (it) => it.name));
      assert.match(await isRefused(), /Security|TypeError/, "this browser keeps nothing");
      await untilState(here, "live");
      await run(here, "The capital of Texas is");
      assert.match(await text(page, "#next"), /Austin/);
      await page.$eval("#rows .row .feature", (it) => it.click());
      const input = await page.waitForSelector("#own-label");
      await input.type("mine");
      await page.keyboard.press("Tab");
      await until(async () => (await text(page, "#card-label")) === "mine", 20, "it is called so", () => shown(page));
      await choose(page, hub.origin);
      await until(async () => /not kept beyond this visit/.test(await text(page, "#labels-told")), 20, "it is said that labels go", () => shown(page));
      await page.click("#fetch");
      await until(async () => /keeps no files|no file storage|not here/.test(await failure(page)), 60, "it is said that nothing can be kept", async () => `${await failure(page)} ${await shown(page)}`);
      const said = await failure(page);
      await page.goto(stranger.url.replace("127.0.0.1", "localhost"));
      const frame = page.frames()[1];
      const settled = () => frame.evaluate(() => document.documentElement?.dataset.state ?? "").catch((it) => `${it}`);
      await until(async () => (await settled()) === "live", PAGE_SECONDS, "the frame is live", settled);
      assert.match(await frame.evaluate(() => document.querySelector("#tokens").innerText), /Dallas/);
      return said;
    });
  } finally {
    await stranger.stop();
    await hub.stop();
    await rm(profile, { recursive: true, force: true });
  }
}

// A private window: what was typed, called and fetched there is gone with it.
async function privately(context) {
  const { kind, page, out, base } = context;
  const profile = join(out, `${kind}.private`);
  const inWindow = async (act) => {
    if (kind === "firefox") return visit(context, { profile, preferences: { "browser.privatebrowsing.autostart": true } }, ({ page }) => act(page));
    const opened = await page.browser().createBrowserContext();
    try {
      return await act(await opened.newPage());
    } finally {
      await opened.close();
    }
  };
  await mkdir(profile, { recursive: true });
  const notes = (page) => page.evaluate(() => localStorage.getItem("gemscope.history") ?? "");
  try {
    const said = await inWindow(async (page) => {
      const here = { ...context, page };
      await page.goto(base);
      await untilState(here, "live");
      await run(here, "The capital of Texas is");
      await page.$eval("#rows .row .feature", (it) => it.click());
      const input = await page.waitForSelector("#own-label");
      await input.type("mine in private");
      await page.keyboard.press("Tab");
      await until(async () => (await text(page, "#card-label")) === "mine in private", 20, "it is called so", () => shown(page));
      assert.match(await notes(page), /Texas/, "the window itself remembers");
      await page.click("#model-open");
      await until(async () => /^1 label/.test(await text(page, "#labels-told")), 20, "it is counted", () => shown(page));
      return text(page, "#labels-told");
    });
    await inWindow(async (page) => {
      await page.goto(base);
      await untilState({ ...context, page }, "live");
      assert.doesNotMatch(await notes(page), /Texas/, "the next one knows nothing of it");
      assert.deepEqual(await filesOf(page).catch(() => []), []);
      await page.click("#model-open");
      await until(async () => /^0 labels/.test(await text(page, "#labels-told")), 20, "no label is left", () => shown(page));
    });
    return said;
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}

export const VISIT_CASES = {
  touch: { run: touch, seconds: 330, long: true },
  drops: { run: drops, seconds: 330 },
  clock: { run: clock, seconds: 900, long: true },
  no_storage: { run: noStorage, seconds: 600, long: true },
  private: { run: privately, seconds: 600, long: true },
};
