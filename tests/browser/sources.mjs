// Cases of what comes from elsewhere: a snapshot that a link names, a model from a folder of this device. Nothing is asked for, and
// nothing read, before the visitor says so.

import assert from "node:assert/strict";
import { cp, mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { noErrors } from "./pages.mjs";
import { options } from "./sets.mjs";
import { until } from "./timing.mjs";

const REPO = "demo/snapshots";

// What the page saves as a snapshot of what it shows.
async function snapshotOf(page) {
  await page.evaluate(() => {
    URL.createObjectURL = (blob) => {
      blob.text().then((it) => (window.madeSnapshot = it));
      return "data:,";
    };
    HTMLAnchorElement.prototype.click = () => {};
  });
  await page.click("#share-open");
  await (await page.waitForSelector("#snapshot")).click();
  await until(() => page.evaluate(() => window.madeSnapshot !== undefined), 30, "a snapshot is made", () => shown(page));
  return page.evaluate(() => window.madeSnapshot);
}

const failure = (page) => page.evaluate(() => document.querySelector(".failure p")?.innerText ?? "");

// A link names a snapshot of a server: the page asks first, fetches what is allowed, shows it, and tells what is none.
async function linkedSnapshot(context) {
  const { page, base } = context;
  const { hub } = context;
  await hub.stop();
  const folder = join(hub.root, REPO);
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  const snapshot = await snapshotOf(page);
  // The live run's order, which may be another than the recorded one's.
  const strongest = await text(page, "#rows .row .id");
  await mkdir(folder, { recursive: true });
  for (const [name, content] of [
    ["good.json", snapshot],
    ["future.json", snapshot.replace('"gemscope_snapshot":1', '"gemscope_snapshot":7')],
    ["none.json", "{}"],
    ["markup.json", "<script>alert(1)</script>"],
    ["large.json", ""],
  ]) {
    await writeFile(join(folder, name), content);
  }
  await truncate(join(folder, "large.json"), 200_000_000);
  try {
    await hub.start();
    const at = (file) => `${hub.origin}/${REPO}/resolve/main/${file}`;
    const visit = async (address, more = "") => {
      await page.goto("about:blank");
      await page.goto(`${base}#/x?p=The%20capital%20of%20Texas%20is&src=${encodeURIComponent(address)}${more}`);
      await page.waitForSelector("#offer");
      await untilState(context, "live");
      await until(async () => /Texas/.test(await text(page, "#tokens")), PAGE_SECONDS, "the link's own prompt is shown", () => shown(page));
    };
    await visit(at("good.json"), "&l=2");
    assert.match(await text(page, "#offer"), new RegExp(`${new URL(hub.origin).host}/good\\.json`), "the host is named");
    assert.equal((await hub.log()).length, 0, "nothing is asked of it");
    await screenshot(context, "offer");
    await page.click("#offer-leave");
    await until(async () => !(await page.$("#offer")), 10, "it can be left alone");
    assert.equal((await hub.log()).length, 0, "and still nothing is");
    await visit(at("good.json"), "&l=2");
    await page.click("#offer-take");
    await until(async () => /Dallas/.test(await text(page, "#tokens")), 60, "it is shown", () => shown(page));
    assert.match(await text(page, "#source"), new RegExp(`^From a file: ${new URL(hub.origin).host}/good\\.json`));
    await until(async () => /Layer 2/.test(await text(page, "#list-place")), 20, "as the sender saw it", () => shown(page));
    await until(async () => /src=http/.test(await page.evaluate(() => location.hash)), 20, "its own link names it again", () => page.evaluate(() => location.hash));
    await screenshot(context, "offered");
    await page.keyboard.press("Escape");
    assert.equal(await text(page, "#rows .row .id"), strongest);
    const told = [];
    for (const [what, address, pattern] of [
      ["one of the future", at("future.json"), /form 7/],
      ["none", at("none.json"), /no snapshot/],
      ["markup", at("markup.json"), /no snapshot/],
      ["200 MB", at("large.json"), /64 MiB/],
      ["one that is not there", at("gone.json"), /taken away/],
      ["another server", "https://example.org/a.json", /not among the hosts/],
      ["a page of this site", `${base}index.html`, /no snapshot/],
      ["a file that this site lacks", `${base}none.json`, /none\.json/],
    ]) {
      await visit(address);
      await page.click("#offer-take");
      await until(async () => pattern.test(await failure(page)), 120, `${what} is told`, async () => `${await failure(page)} ${await shown(page)}`);
      assert.match(await text(page, "#tokens"), /Texas/, "nothing is lost");
      assert.equal(await page.$("#offer"), null);
      told.push(`${what}: ${await failure(page)}`);
    }
    return told.join("; ");
  } finally {
    await hub.stop();
    await rm(folder, { recursive: true });
  }
}

// Hands a folder to the page as a visitor does. A browser whose driver can't is given its files with their paths.
async function chooseFolder(page, folder) {
  const input = await page.waitForSelector("#folder");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
  if (await page.evaluate(() => navigator.userAgent.includes("Firefox"))) {
    // Its driver takes files, not folders: what a folder adds is the path of each.
    await page.$eval("#folder", (it) => it.removeAttribute("webkitdirectory"));
    await page.evaluate(
      (paths) => {
        const taken = [...paths];
        Object.defineProperty(File.prototype, "webkitRelativePath", { configurable: true, get: () => taken.shift() ?? "" });
      },
      files.map((it) => it.slice(folder.length - folder.split("/").pop().length)),
    );
    await input.uploadFile(...files);
    return;
  }
  await input.uploadFile(folder);
}

// The demo model from a folder, in place of a server: what lacks parts is told, the rest is read, kept, and opens.
async function fromDisk(context) {
  const { page, base, out, kind, log } = context;
  const folder = join(out, `${kind}.disk`, "gemma");
  await rm(folder, { recursive: true, force: true });
  await cp("www/demo", folder, { recursive: true });
  await rm(join(folder, "model", "tokenizer.json"));
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(`${base}?${options("disk")}`);
  await untilState(context, "live");
  await page.click("#model-open");
  await page.select("#origin", "disk");
  await page.waitForSelector("#folder");
  const fill = (selector, value) =>
    page.$eval(
      selector,
      (it, value) => {
        it.value = value;
        it.dispatchEvent(new Event("change", { bubbles: true }));
      },
      value,
    );
  await fill("#repo", "me/demo");
  await fill("#scope", "me/demo-transcoders");
  await page.select("#precision", "reference");
  const failed = (what, pattern) => until(async () => pattern.test(await text(page, "#model-failure")), 60, what, async () => `${await text(page, "#model-failure")} ${await shown(page)}`);
  await page.click("#fetch");
  await failed("that no folder was chosen is told", /Choose the folder/);
  await chooseFolder(page, folder);
  await until(async () => /files chosen/.test(await text(page, "#cost")), 30, "how much was chosen is told", () => shown(page));
  await page.click("#fetch");
  await failed("what is missing is told", /tokenizer\.json/);
  await screenshot(context, "disk_refused");
  await cp("www/demo/model/tokenizer.json", join(folder, "model", "tokenizer.json"));
  await chooseFolder(page, folder);
  await page.click("#fetch");
  await until(async () => /Whole: /.test(await text(page, "#model-told")), PAGE_SECONDS, "it is taken in", () => shown(page));
  await until(async () => /me\/demo:/.test(await text(page, "#kept")), 20, "it is kept under its name", () => shown(page));
  await screenshot(context, "disk");
  await page.click("#dialog-close");
  await until(async () => /me\/demo/.test(await text(page, "#source")) && (await state(page)) === "live", PAGE_SECONDS, "it is open", () => shown(page));
  await run(context, "The capital of Texas is");
  assert.match(await text(page, "#next"), /Austin/);
  // The next visit needs the folder no more.
  await rm(folder, { recursive: true });
  await page.goto(`${base}?${options("disk")}`);
  await until(async () => /me\/demo/.test(await text(page, "#source")) && (await state(page)) === "live", PAGE_SECONDS, "it opens from what is kept", () => shown(page));
  await page.click("#model-open");
  await page.click("#remove");
  await page.click("#remove");
  await until(async () => /freed/.test(await text(page, "#model-told")), 60, "it is removed", () => shown(page));
  noErrors(log);
}

export const SOURCE_CASES = {
  linked_snapshot: { run: linkedSnapshot, seconds: 900, long: true },
  from_disk: { run: fromDisk, seconds: 900, long: true },
};
