// Cases of what is kept, by the page alone: damage and its repair, single rows removed, copies out and in, a full disk, and everything
// cleared in one place.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { bytesServed, bytesServedTwice, headBytes } from "./hub.mjs";
import { launch } from "./launch.mjs";
import { choose, failure, told, untilTold, withDemo } from "./model_page.mjs";
import { library, openPage, Skip } from "./pages.mjs";
import { killTree } from "./processes.mjs";
import { options, SMALL } from "./sets.mjs";
import { atHost, traces, untilKept } from "./site_checks.mjs";
import { until, withTimeout } from "./timing.mjs";

// What Firefox may keep in all of the quota's case, and Chromium of this site: less than the demo model takes.
const QUOTA_BYTES = 3 << 20;
// Room for what an engine notes beside the weights.
const NOTES_BYTES = 64 << 10;

const isAt = async (page, origin) => (await text(page, "#source")).includes(origin.split("//")[1]);
export const untilLiveAt = (page, origin) =>
  until(async () => (await isAt(page, origin)) && (await state(page)) === "live" && (await page.title()) === "Gemscope", PAGE_SECONDS, "the fetched model answers", () => shown(page));
const keptWords = (page) => text(page, "#kept");

export async function opened({ page, base }, store) {
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(`${base}?${options(store)}`);
  await untilState({ page }, "live");
}

// The demo model from the Hub, whole, on the model screen of the page.
async function fetched(context, hub, store) {
  await opened(context, store);
  await choose(context.page, hub.origin);
  await context.page.click("#fetch");
  await untilTold(context.page, "it is whole", /Whole: /);
}

export async function twice(page, selector) {
  await page.click(selector);
  await page.click(selector);
}

// A byte that turns is found by the page, in which file, and comes again alone.
async function repair(context) {
  const { page, base } = context;
  const hub = await withDemo(context.hub);
  try {
    await hub.start();
    await fetched(context, hub, "damaged");
    const all = bytesServed(await hub.log());
    const damaged = await (await library({ page, base })).damage("damaged", ".data");
    await opened(context, "damaged");
    await choose(page, hub.origin);
    await page.click("#verify");
    await untilTold(page, "the damage is told", /Damaged: \S+ \(1 piece, /);
    const said = (await told(page)).split("\n").at(-1);
    await until(async () => /damaged: \S+ \(1 piece/.test(await keptWords(page)), 20, "it stands at its file", () => keptWords(page));
    await screenshot(context, "damaged");
    await page.click("#repair");
    await untilTold(page, "it is forgotten", /Was damaged: .* Get it again/);
    await hub.start();
    await page.click("#fetch");
    await until(async () => (await told(page)).split("\n").at(-1).startsWith("Whole"), PAGE_SECONDS, "it is whole again", () => told(page));
    const again = bytesServed(await hub.log());
    assert.ok(again < all / 4, `${again} bytes of ${all} came again`);
    await page.click("#verify");
    await until(async () => /nothing is damaged/.test((await told(page)).split("\n").at(-1)), 60, "nothing is damaged", () => told(page));
    await page.click("#dialog-close");
    await untilLiveAt(page, hub.origin);
    await run(context, "The capital of Texas is");
    assert.match(await text(page, "#next"), /Austin/);
    return `${damaged}: ${said} ${again} of ${all} bytes came again`;
  } finally {
    await hub.stop();
  }
}

// One layer's transcoder is removed, the rest of the model stays open; the same again brings that layer alone.
async function rows(context) {
  const { page } = context;
  const hub = await withDemo(context.hub);
  try {
    await hub.start();
    await fetched(context, hub, "rows");
    const all = bytesServed(await hub.log());
    await page.waitForSelector("#kept details");
    await page.$$eval("#kept details", (all) => all.forEach((it) => (it.open = true)));
    const rows = () => page.$$eval("#kept details li", (all) => all.map((it) => it.innerText));
    const before = await rows();
    const n = before.findIndex((it) => /layers 3\b/.test(it));
    assert.ok(before.length >= 6 && n >= 0, before.join("\n"));
    const press = (name) => page.$$eval("#kept details li", (all, n, name) => all[n].querySelector(name).click(), n, name);
    await press(".row-verify");
    await untilTold(page, "a row is verified", /read: nothing is damaged/);
    await until(async () => (await rows())[n].includes("undamaged"), 20, "its row says so", async () => (await rows()).join("\n"));
    assert.equal((await rows()).filter((it) => it.includes("undamaged")).length, 1, "the others were not read");
    await page.$$eval("#kept details", (all) => all.forEach((it) => (it.open = true)));
    await press(".row-remove");
    await press(".row-remove");
    await untilTold(page, "it is removed", /freed/);
    await until(async () => (await rows()).length === before.length - 1, 20, "it is off the list", async () => (await rows()).join("\n"));
    await screenshot(context, "rows");
    await page.click("#dialog-close");
    await untilLiveAt(page, hub.origin);
    const layers = () => page.$eval("#rows", (it) => it.innerText);
    assert.match(await layers(), /L\d/, "features of the other layers are there");
    await hub.start();
    await page.click("#model-open");
    await page.click("#fetch");
    await until(async () => (await told(page)).split("\n").at(-1).startsWith("Whole"), PAGE_SECONDS, "it comes again", () => told(page));
    const again = bytesServed(await hub.log());
    assert.ok(again < all / 3, `${again} bytes of ${all} came again`);
    await until(async () => (await rows()).length === before.length, 20, "it is on the list", async () => (await rows()).join("\n"));
    return `${before.length} rows; ${again} of ${all} bytes came again`;
  } finally {
    await hub.stop();
  }
}

// What the command line exports the page takes in by its file picker, and opens without a server; what the page exports is whole again.
async function copies(context) {
  const { page, kind, gemscope, out, base } = context;
  if (!gemscope) throw new Skip("the command line was not built");
  const hub = await withDemo(context.hub);
  const folder = join(out, `${kind}.exported`);
  const place = join(out, `${kind}.native`);
  try {
    await hub.start();
    const native = (...given) => promisify(execFile)(gemscope, ["--store", place, ...given], { maxBuffer: 1 << 26 });
    await native("fetch", "--endpoint", hub.origin, "--model", "demo/model", "--transcoders", "demo/transcoders");
    await native("store", "export", folder);
    await opened(context, "copies");
    await page.click("#model-open");
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
    const said = [];
    const fails = async (given, pattern) => {
      const chosen = page.waitForFileChooser();
      await page.click("#import");
      await (await chosen).accept(given);
      const answer = async () => `${await failure(page)}${(await told(page)).split("\n").at(-1)}`;
      await until(async () => pattern.test(await answer()), 60, `${given[0]} is refused`, () => text(page, "#model"));
      said.push(await answer());
    };
    const nonsense = join(out, `${kind}.nonsense.data`);
    await writeFile(nonsense, "nothing");
    await fails([nonsense], /./);
    const chosen = page.waitForFileChooser();
    await page.click("#import");
    await (await chosen).accept(files);
    await untilTold(page, "it is taken in", /^\d+ parts, .*B\./m);
    await until(async () => /demo\/model/.test(await keptWords(page)), 20, "it is on the list", () => keptWords(page));
    await hub.stop();
    await choose(page, hub.origin);
    await page.click("#open");
    await page.click("#verify");
    await untilTold(page, "nothing is damaged", /nothing is damaged/);
    await page.click("#export");
    const exported = await exportedFiles(context, files.length);
    await page.click("#dialog-close");
    await untilLiveAt(page, hub.origin);
    assert.match(await text(page, "#next"), /Austin/);
    return `${files.length} files of the command line's; ${exported}; refused: ${said.join("; ")}`;
  } finally {
    await hub.stop();
    for (const it of [folder, place]) await rm(it, { recursive: true, force: true });
  }
}

// How many files the page exports. Firefox lets no page write into a folder, which is said. Chromium opens no picker without a screen: a
// folder of this origin stands for the one that a visitor would choose.
async function exportedFiles({ page, kind }) {
  if (kind === "firefox") {
    await page.click("#export");
    await until(async () => /lets no page write into a folder/.test(await failure(page)), 20, "it is said", () => shown(page));
    return "no export in Firefox, which is said";
  }
  await page.evaluate(() => {
    window.showDirectoryPicker = async () => (await navigator.storage.getDirectory()).getDirectoryHandle("handed", { create: true });
  });
  await page.click("#export");
  await until(async () => /^\d+ parts, /.test((await told(page)).split("\n").at(-1)), 120, "it is exported", () => told(page));
  const n = (await filesOf(page)).filter(([name]) => name.startsWith("handed/")).length;
  assert.ok(n > 4, `${n} files`);
  return `${n} files exported`;
}

// Files of this origin with their sizes, without the one that says which form the store is of; none where a page has no files. What is taken
// away while they are counted is not there.
export const filesOf = (page) =>
  page.evaluate(async () => {
    const out = [];
    const gone = (it) => {
      if (it.name !== "NotFoundError") throw it;
    };
    const walk = async (folder, prefix) => {
      for await (const [name, it] of folder.entries()) {
        if (it.kind === "directory") await walk(it, `${prefix}${name}/`).catch(gone);
        else if (name !== "VERSION") await it.getFile().then((file) => out.push([prefix + name, file.size]), gone);
      }
    };
    await walk(await navigator.storage.getDirectory(), "");
    return out;
  });

// A browser of a profile, for one visit.
export async function visit({ kind, executable }, given, act) {
  const browser = await withTimeout(launch(kind, executable, given), 90, `starting ${kind}`);
  try {
    return await act({ ...(await openPage(browser)), browser });
  } finally {
    await withTimeout(browser.close(), 30, "closing the browser").catch(() => killTree(browser.process().pid));
  }
}

// The disk, or the site's share of it, is full in the middle: the page says so and stays as it is; once there is room the same goes on.
async function quota(context) {
  const { kind, out, base } = context;
  const hub = await withDemo(context.hub);
  const profile = join(out, `${kind}.quota`);
  await rm(profile, { recursive: true, force: true });
  await mkdir(profile, { recursive: true });
  const limit = (bytes) => ({ profile, preferences: { "dom.quotaManager.temporaryStorage.fixedLimit": bytes } });
  const narrow = async (page) => {
    if (kind !== "chromium") return;
    const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage);
    await (await page.createCDPSession()).send("Storage.overrideQuotaForOrigin", { origin: new URL(base).origin, quotaSize: used + QUOTA_BYTES });
  };
  try {
    await hub.start();
    const said = await visit(context, limit(QUOTA_BYTES >> 10), async ({ page }) => {
      const here = { ...context, page };
      await opened(here, "quota");
      await narrow(page);
      await choose(page, hub.origin);
      await page.click("#fetch");
      await until(async () => /room|space/.test(await failure(page)), 90, "it is said that it is full", () => text(page, "#model"));
      await screenshot(here, "quota");
      const it = await failure(page);
      assert.match(it, /[Rr]emove|make room/, "and what to do");
      await page.click("#dialog-close");
      await run(here, "The capital of Texas is");
      assert.equal(await state(page), "live", await shown(page));
      return it;
    });
    const first = bytesServed(await hub.log());
    const kept = await visit(context, limit(-1), async ({ page }) => {
      const here = { ...context, page };
      await opened(here, "quota");
      const kept = (await filesOf(page)).reduce((sum, [, size]) => sum + size, 0);
      await choose(page, hub.origin);
      await page.click("#fetch");
      await untilTold(page, "with room it goes on", /Whole: /);
      await page.click("#dialog-close");
      await untilLiveAt(page, hub.origin);
      return kept;
    });
    const log = await hub.log();
    const again = bytesServedTwice(log) - headBytes(log);
    const most = SMALL.journal_bytes + SMALL.in_flight * SMALL.range_bytes + NOTES_BYTES;
    assert.ok(first > 0 && again <= most, `${again} bytes came again, ${most} may; ${first} came before, ${kept} were kept`);
    return `${said} ${first} of ${bytesServed(log)} bytes came before, ${again} again`;
  } finally {
    await hub.stop();
    await rm(profile, { recursive: true, force: true });
  }
}

// One button: nothing of what the page has kept is left, a download under way or not; nothing of it is back at the next visit.
function clears(context) {
  return atHost(context, async (context, host) => {
    const { page } = context;
    const here = { ...context, base: host.url };
    const hub = await withDemo(context.hub);
    try {
      await hub.start();
      await fetched(here, hub, "cleared");
      await page.click("#dialog-close");
      await untilLiveAt(page, hub.origin);
      await run(here, "The capital of Texas is");
      await page.$eval("#rows .row .feature", (it) => it.click());
      const input = await page.waitForSelector("#own-label");
      await input.type("mine alone");
      await page.keyboard.press("Tab");
      await until(async () => (await text(page, "#card-label")) === "mine alone", 20, "it is called so", () => shown(page));
      await untilKept(page, "ready");
      assert.ok((await filesOf(page)).length > 5, "weights and labels are kept");
      // Settings are noted once they are not the usual ones.
      await page.click("#theme");
      assert.ok((await traces(page)).notes.length >= 3, "notes are kept");
      await page.click("#about-open");
      await twice(page, "#clear-all");
      await isCleared(page);
      await untilState(here, "live");
      await page.click("#dialog-close");
      await hub.start({ throttle: 300_000 });
      await choose(page, hub.origin);
      await page.click("#fetch");
      await until(async () => /^[1-9]\d* %/.test(await page.title()), 60, "it comes", () => shown(page));
      await page.click("#dialog-close");
      await page.click("#about-open");
      await twice(page, "#clear-all");
      await isCleared(page);
      await page.click("#dialog-close");
      await page.goto(`${host.url}?${options("cleared")}`);
      await untilState(here, "live");
      assert.match(await text(page, "#source"), /demo/, "the demo opens");
      assert.doesNotMatch(await page.content(), /mine alone|not on this device/);
      await page.click("#model-open");
      await until(async () => /^\d+ bytes kept/.test(await text(page, "#kept [role=status]")), 20, "nothing is kept", () => shown(page));
    } finally {
      await hub.stop();
    }
  });
}

async function isCleared(page) {
  const left = async () => [await filesOf(page), await traces(page), await page.title()];
  const isNone = async () => {
    const [files, { workers, caches, notes }, title] = await left();
    return files.length + workers.length + caches.length + notes.length === 0 && title === "Gemscope";
  };
  await until(isNone, 60, "nothing is left", async () => `${JSON.stringify(await left())} ${await shown(page)}`);
}

export const KEEPING_CASES = {
  keep_repair: { run: repair, seconds: 900, long: true },
  keep_rows: { run: rows, seconds: 900, long: true },
  keep_copies: { run: copies, seconds: 900, long: true },
  keep_quota: { run: quota, seconds: 900, long: true },
  keep_clears: { run: clears, seconds: 900, long: true },
};
