// Cases of fetching from a Hub into the files of this origin, and of starting from them.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesServed, bytesServedTwice, headBytes, requestLines } from "./hub.mjs";
import { launch } from "./launch.mjs";
import { closePage, library, noErrors, openPage } from "./pages.mjs";
import { endState, fetchOf, hubSet, options, SMALL, stored, synthSet, whole } from "./sets.mjs";
import { sleep, until } from "./timing.mjs";

async function keepDump({ out, name, dumps }, what, base64, prefix, golden) {
  const file = join(out, `${name.replaceAll("::", ".")}.${what}.safetensors`);
  await writeFile(file, Buffer.from(base64, "base64"));
  dumps.push({ name: `${name}::${what}`, file, prefix, golden });
}

async function opens(tab, engine, set) {
  const { end } = await tab.open(engine, set);
  assert.ok(end.done, `opening ${JSON.stringify(set.model)} at ${set.precision}: ${JSON.stringify(end)}`);
}

// Two presets, the second made from the first. Then the server is gone, and what the formula gives comes from the store.
async function offline(context) {
  const { hub, golden, log } = context;
  const tab = await library(context);
  const at = (precision) => hubSet(hub.origin, "nano", precision);
  await hub.start();
  await tab.start("fetching", options("offline"));
  const first = whole(await tab.ask("fetching", fetchOf(at("reference"))));
  const served = bytesServed(await hub.log());
  const asked = (await hub.log()).length;
  const second = whole(await tab.ask("fetching", fetchOf(at("compact"))), "the lower preset");
  assert.equal(second.received_bytes, 0, "a lower preset is made from what is there");
  assert.equal((await hub.log()).length, asked, "nothing is asked for it");
  await tab.stop("fetching");
  await hub.stop();

  await tab.start("offline", options("offline"));
  await opens(tab, "offline", at("reference"));
  for (const [k, { ids }] of golden.prompts.entries()) {
    await keepDump(context, `p${k}`, await tab.siteDump("offline", ids), `p${k}.`);
    await keepDump(context, `scope.p${k}`, await tab.scopeDump("offline", ids), `p${k}.`, "scope");
  }
  const { ids } = golden.prompts[1];
  await opens(tab, "offline", at("compact"));
  const kept = [await tab.siteDump("offline", ids), await tab.scopeDump("offline", ids)];
  await opens(tab, "offline", synthSet("nano", "compact"));
  const made = [await tab.siteDump("offline", ids), await tab.scopeDump("offline", ids)];
  assert.ok(kept[0] === made[0] && kept[1] === made[1], "compact weights of the store are those of the formula, bit by bit");
  noErrors(log);
  return `${served} bytes served, ${first.disk_bytes} kept at reference, ${second.disk_bytes} at compact; prompts judged below`;
}

// Two pages fetch the same: nothing comes twice, and both end with all of it.
async function twoTabs(context) {
  const { hub, page } = context;
  const set = hubSet(hub.origin, "nano");
  await hub.start();
  const tab = await library(context);
  await tab.start("alone", options("alone"));
  whole(await tab.ask("alone", fetchOf(set)));
  await tab.stop("alone");
  const alone = requestLines(await hub.log()).sort();
  await hub.start({ throttle: 600_000 });
  const second = await openPage(page.browser());
  try {
    const tabs = [await library(context), await library({ ...context, page: second.page })];
    for (const tab of tabs) await tab.start("tab", options("tabs"));
    const handles = [await tabs[0].begin("tab", fetchOf(set))];
    const begun = async () => (await tabs[0].look(handles[0])).parts.length > 0;
    await until(begun, 30, "the first tab has a part", async () => JSON.stringify(await tabs[0].look(handles[0])));
    handles.push(await tabs[1].begin("tab", fetchOf(set)));
    const told = [await tabs[0].ended(handles[0]), await tabs[1].ended(handles[1])];
    const [first, other] = told.map((it, n) => whole(it, `tab ${n}`));
    // One fetch alone asks for some bytes twice: the ends of files that say what is in them are parts of the file too.
    const log = await hub.log();
    assert.deepEqual(requestLines(log).sort(), alone, "two tabs ask for what one asks for");
    for (const tab of tabs) {
      const { parts } = await stored(tab, "tab");
      for (const it of parts.values()) assert.ok(it.whole, `${it.key} is whole`);
    }
    assert.ok(told[1].progress?.done_bytes > 0, "the second tab shows how far the first is");
    return `${first.received_bytes} bytes through the first, ${other.received_bytes} through the second`;
  } finally {
    await closePage(second.page);
  }
}

// A request for the first bytes of an array: its type and shape.
function isHeader(line) {
  const [, start, end] = /bytes=(\d+)-(\d+)$/.exec(line) ?? [];
  return end - start < 1024;
}

// What is typed while a set arrives changes nothing in what is asked for, byte by byte.
async function sameRequests(context) {
  const { hub } = context;
  const tab = await library(context);
  const set = hubSet(hub.origin, "typed");
  const logs = [];
  for (const [n, text] of ["ab", "the cat sat on the mat and saw a dog"].entries()) {
    // One request at a time, or their order would be one of chance.
    const sizes = { ...SMALL, in_flight: 1 };
    await hub.start({ throttle: 400_000 });
    await tab.start("typing", options(`typed-${n}`, sizes));
    const fetching = await tab.begin("typing", fetchOf(set));
    // The visitor's own prompt runs once the table of tokens is there.
    const some = async () => {
      const { parts, end } = await tab.look(fetching);
      return end || JSON.stringify(parts).includes("embedding.");
    };
    await until(some, 60, "the table of tokens has arrived");
    await tab.begin("typing", { Open: set });
    const typed = await tab.begin("typing", { Run: { input: { Text: text }, want: [], writes: [] } });
    whole(await tab.ended(fetching));
    const { end } = await tab.ended(typed);
    assert.ok(end.done?.Ran, `the prompt runs: ${JSON.stringify(end)}`);
    logs.push(requestLines(await hub.log()));
    await tab.stop("typing");
  }
  // Headers are asked for side by side and arrive in an order of chance; everything else comes one after the other.
  assert.deepEqual([...logs[0]].sort(), [...logs[1]].sort());
  const inTurn = (log) => log.filter((it) => !isHeader(it));
  assert.deepEqual(inTurn(logs[0]), inTurn(logs[1]));
  return `${logs[0].length} requests each, ${inTurn(logs[0]).length} of them in the same order`;
}

// A browser that gives the page no files: the engine says so with a remedy, and what needs no files works.
async function noFiles(context) {
  const { hub, golden } = context;
  const tab = await library(context);
  await hub.start();
  await tab.start("bare", options("bare"), { noFiles: true });
  for (const body of [fetchOf(hubSet(hub.origin, "nano")), "Stored", { Open: hubSet(hub.origin, "nano") }]) {
    const { end } = await tab.ask("bare", body);
    assert.ok(end.failed?.what && end.failed?.remedy, JSON.stringify(end));
  }
  assert.equal(bytesServed(await hub.log()), 0, "nothing is fetched that could not be kept");
  await opens(tab, "bare", synthSet("nano"));
  const { end } = await tab.ask("bare", { Run: { input: { Ids: golden.prompts[0].ids }, want: [], writes: [] } });
  assert.ok(end.done?.Ran, "the engine goes on");
}

// A private window. Firefox gives it no files; in Chromium they go with the window.
async function privateWindow(context) {
  const { hub, kind, executable, base, page } = context;
  await hub.start();
  const isFirefox = kind === "firefox";
  const preferences = { "browser.privatebrowsing.autostart": true };
  const opened = isFirefox ? await launch(kind, executable, { preferences }) : await page.browser().createBrowserContext();
  try {
    const tab = await library({ page: await opened.newPage(), base });
    await tab.start("private", options("private"));
    const told = await tab.ask("private", fetchOf(hubSet(hub.origin, "pair")));
    if (!isFirefox) return `${whole(told).disk_bytes} bytes kept as long as the window is open`;
    assert.ok(told.end.failed?.what && told.end.failed?.remedy, JSON.stringify(told.end));
    return told.end.failed.what;
  } finally {
    await opened.close();
  }
}

// A fetch that is stopped leaves what has arrived; the same again goes on from there, and is held and let go on the way.
async function stoppedAndHeld(context) {
  const { hub } = context;
  const tab = await library(context);
  const set = hubSet(hub.origin, "pair");
  await hub.start({ throttle: 200_000 });
  await tab.start("held", options("held"));
  const first = await tab.begin("held", fetchOf(set));
  await until(async () => (await tab.look(first)).parts.length > 0, 30, "a part is there");
  await tab.cancel(first);
  const { end } = await tab.ended(first);
  assert.equal(end.failed?.what, "cancelled", JSON.stringify(end));
  const { list } = await stored(tab, "held");
  const again = await tab.begin("held", fetchOf(set));
  await tab.ask("held", { Pause: { paused: true } });
  await sleep(300); // what is under way when it is held may still arrive
  const still = bytesServed(await hub.log());
  await sleep(700);
  const later = bytesServed(await hub.log());
  await tab.ask("held", { Pause: { paused: false } });
  await hub.set({ throttle: null });
  const done = whole(await tab.ended(again));
  assert.ok(list.sources.length > 0, "what had arrived is kept");
  assert.ok(later - still <= SMALL.in_flight * SMALL.range_bytes, `${later - still} bytes came while it was held`);
  const twice = bytesServedTwice(await hub.log()) - headBytes(await hub.log());
  assert.ok(twice <= SMALL.journal_bytes + SMALL.in_flight * SMALL.piece_bytes, `${twice} bytes were served twice`);
  const bytes = await endState(tab, "held");
  assert.ok(bytes.length > 0, "files of this origin");
  return `${done.received_bytes} bytes after it was stopped, ${twice} served twice`;
}

export const FETCH_CASES = {
  fetch_offline: { run: offline, seconds: 900 },
  fetch_two_tabs: { run: twoTabs, seconds: 240 },
  fetch_same_requests: { run: sameRequests, seconds: 600 },
  fetch_no_files: { run: noFiles, seconds: 200 },
  fetch_private_window: { run: privateWindow, seconds: 120 },
  fetch_stopped: { run: stoppedAndHeld, seconds: 240 },
};
