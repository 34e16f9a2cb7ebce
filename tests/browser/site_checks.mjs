// Cases of the site as it is published: without a network, in another version, below any path, framed; and what it never asks for.

import assert from "node:assert/strict";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { closePage, library, openPage } from "./pages.mjs";
import { fetchOf, hubSet, options, whole } from "./sets.mjs";
import { SiteHost, Stranger } from "./site_host.mjs";
import { sleep, until, withTimeout } from "./timing.mjs";

const KEEP_SECONDS = 120;
const TOKEN = "hf_aTokenOfTheTests";

// Without WebGPU the page settles at once, with what was recorded.
function withoutGpu() {
  Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined, configurable: true });
}

export const kept = (page) => page.evaluate(() => window.gemscopeSite?.state() ?? "");

export async function untilKept(page, wanted) {
  await until(async () => (await kept(page)) === wanted, KEEP_SECONDS, `the site is "${wanted}"`, async () => `(it is "${await kept(page)}") ${await shown(page)}`);
}

// What a browser has of a site: workers, caches, notes.
export function traces(page) {
  return page.evaluate(async () => ({
    workers: (await navigator.serviceWorker.getRegistrations()).map((it) => it.scope),
    caches: await caches.keys(),
    notes: Object.keys(localStorage).filter((it) => it.startsWith("gemscope.")),
  }));
}

// A page that may keep the site, at a host of its own; both gone at the end.
export async function atHost(context, act, { isKept = true } = {}) {
  const host = await new SiteHost(context.base).start();
  const { page } = await openPage(context.page.browser(), { isKept });
  try {
    return await act({ ...context, page }, host);
  } finally {
    await closePage(page);
    await host.stop();
  }
}

// One visit, then none of the server: the page starts, and the model answers.
function offline(context) {
  return atHost(context, async (context, host) => {
    const { page } = context;
    await page.goto(host.url);
    await untilState(context, "live");
    await untilKept(page, "ready");
    await host.stop();
    const n = host.log.length;
    await page.reload();
    await untilState(context, "live");
    assert.equal(await page.$eval("#source", (it) => it.innerText.startsWith("Live")), true, await shown(page));
    await run(context, "The capital of Texas is");
    assert.equal(await state(page), "live", await shown(page));
    assert.equal(host.log.length, n);
    return `${n} requests of the visit before`;
  });
}

// Another version is told of, and waits: the page that is open stays what it is until its visitor asks.
function update(context) {
  return atHost(context, async ({ page }, host) => {
    await page.evaluateOnNewDocument(withoutGpu);
    await page.goto(host.url);
    await untilKept(page, "ready");
    await page.evaluate(() => {
      window.told = [];
      window.gemscopeSite.onchange((it) => window.told.push(it));
    });
    host.change();
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
    await untilKept(page, "update");
    await sleep(1500);
    assert.deepEqual(await page.evaluate(() => window.told), ["update"], "the page is the same, and was told once");
    const isNew = () => page.content().then((it) => it.includes("another version"), () => false);
    assert.equal(await isNew(), false);
    // Where the page would be kept by force, this would be the old one.
    await page.evaluate(() => window.gemscopeSite.reload());
    await until(async () => (await isNew()) && (await kept(page)) === "ready", KEEP_SECONDS, "the new version is taken", () => shown(page));
    assert.equal((await traces(page)).caches.length, 1, "what the old one kept is gone");
  });
}

// The switch: nothing of the site stays, and nothing comes back by itself; everything that was noted goes where that is asked for.
function off(context) {
  return atHost(context, async ({ page }, host) => {
    await page.evaluateOnNewDocument(withoutGpu);
    const opens = async (query = "") => {
      await page.goto(host.url + query);
      await until(() => page.evaluate(() => document.documentElement.dataset.state === "recorded"), 60, "the page is there", () => shown(page));
    };
    await opens();
    await untilKept(page, "ready");
    await page.evaluate(() => window.gemscopeSite.setEnabled(false));
    const without = { workers: [], caches: [] };
    const left = async () => {
      const { workers, caches } = await traces(page);
      return { workers, caches };
    };
    assert.deepEqual(await left(), without);
    assert.equal(await kept(page), "off");
    await opens();
    await sleep(1000);
    assert.deepEqual(await left(), without, "off stays off");
    await page.evaluate(() => window.gemscopeSite.setEnabled(true));
    await untilKept(page, "ready");
    await opens("?sw=off");
    await until(async () => (await left()).workers.length === 0, 20, "the address alone switches it off");
    await opens("?sw=on");
    await untilKept(page, "ready");
    await page.evaluate(() => {
      localStorage.setItem("gemscope.history", "[]");
      localStorage.setItem("another", "site's");
      return window.gemscopeSite.clear();
    });
    assert.deepEqual(await traces(page), { ...without, notes: [] });
    assert.equal(await page.evaluate(() => localStorage.getItem("another")), "site's");
  });
}

// Everything that a script can ask for, in a page and in a worker; the answers that came.
async function tryAll(to) {
  const tries = {
    fetch: () => fetch(`${to}fetch`),
    opaque: () => fetch(`${to}opaque`, { mode: "no-cors" }),
    post: () => fetch(`${to}post`, { method: "POST", body: "a prompt" }),
    request: () =>
      new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.onload = resolve;
        request.onerror = reject;
        request.open("GET", `${to}request`);
        request.send();
      }),
    socket: () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${to.replace("http", "ws")}socket`);
        socket.onopen = resolve;
        socket.onerror = reject;
      }),
    script: () => import(`${to}script`),
    events: () =>
      new Promise((resolve, reject) => {
        const source = new EventSource(`${to}events`);
        source.onopen = resolve;
        source.onerror = () => reject(source.close());
      }),
  };
  if (typeof document === "object") {
    const element = (name, key) => () =>
      new Promise((resolve, reject) => {
        const it = document.createElement(name);
        it.onload = resolve;
        it.onerror = reject;
        it[key] = `${to}${name}`;
        if (name === "link") it.rel = "stylesheet";
        document.head.append(it);
      });
    tries.image = element("img", "src");
    tries.style = element("link", "href");
    tries.beacon = async () => navigator.sendBeacon(`${to}beacon`, "a prompt");
  }
  const late = () => new Promise((_, reject) => setTimeout(reject, 3000));
  const out = [];
  for (const [name, it] of Object.entries(tries)) {
    try {
      await Promise.race([it(), late()]);
      out.push(name);
    } catch {}
  }
  return out;
}

// Puts the same tries behind the engine's own text, before its worker is started from it.
function tryInTheEngine(text) {
  window.tried = new Promise((resolve) => (new BroadcastChannel("tried").onmessage = (it) => resolve(it.data)));
  window.Blob = class extends Blob {
    constructor(parts, given) {
      super(/javascript/.test(given?.type) ? [...parts, text] : parts, given);
    }
  };
}

// Of who tells of features nothing but features is to be had.
async function ofFeaturesAlone(page, hub) {
  const answers = await page.evaluate(async (teller) => {
    const paths = ["/api/models/synth/pair/tree/main", "/api/feature/gpt2-small/0-res-jb/1", "/api/feature/gemma-2-2b/0-gemmascope-transcoder-16k/1"];
    const status = (path) => fetch(teller + path).then((it) => it.status, () => "refused");
    return Promise.all(paths.map(status));
  }, hub.teller);
  assert.deepEqual(answers, ["refused", "refused", 200]);
}

// Without a service worker, by the page's policy alone: with our headers and on a host that sends none.
async function strangers(context) {
  const stranger = await new Stranger().start();
  const places = [stranger.url, `${context.hub.teller}/`];
  const tries = places.map((it) => `(${tryAll})(${JSON.stringify(it)})`);
  const text = `;Promise.all([${tries}]).then((it) => new BroadcastChannel("tried").postMessage(it.flat()));`;
  const at = (isOwn) => async (context, host) => {
    const { page, base, hub } = context;
    await page.evaluateOnNewDocument(tryInTheEngine, text);
    await page.goto(isOwn ? base : host.url);
    await until(() => page.evaluate(() => Boolean(window.gemscopeSite)), 60, "the page is there");
    assert.equal(await page.evaluate(() => Boolean(navigator.serviceWorker?.controller)), false, "no service worker");
    const inPage = [];
    for (const it of places) inPage.push(...(await page.evaluate(tryAll, it)).filter((it) => it !== "beacon"));
    const inWorker = await withTimeout(page.evaluate(() => window.tried), PAGE_SECONDS, "the engine's worker has tried");
    assert.deepEqual({ inPage, inWorker }, { inPage: [], inWorker: [] }, "answers of a stranger");
    assert.deepEqual(stranger.log, [], "requests to a stranger");
    const tried = (await hub.log()).filter((it) => !it.path.startsWith("/api/"));
    assert.deepEqual(tried, [], "requests to who tells of features");
    await ofFeaturesAlone(page, hub);
    // The same call gets through to a host of the table.
    const status = await page.evaluate(async (it) => (await fetch(it)).status, `${hub.origin}/api/models/synth/pair/tree/main`);
    assert.ok(status >= 200 && status < 500, `${status}`);
  };
  try {
    await context.hub.start();
    for (const isOwn of [true, false]) await atHost(context, at(isOwn), { isKept: false });
  } finally {
    await stranger.stop();
  }
}

// With its service worker the same requests end there, wherever they come from; those to hosts of the table are let through.
function firewall(context) {
  return atHost(context, async ({ page, hub }, host) => {
    const stranger = await new Stranger().start();
    try {
      await hub.start();
      await page.evaluateOnNewDocument(withoutGpu);
      await page.goto(host.url);
      await untilKept(page, "ready");
      await until(() => page.evaluate(() => Boolean(navigator.serviceWorker.controller)), 20, "the worker has the page");
      // A page of this site that forgot its policy.
      await page.goto(`${host.url}tests/browser/driver.html`);
      assert.equal(await page.evaluate(() => Boolean(navigator.serviceWorker.controller)), true);
      const answered = await page.evaluate(tryAll, stranger.url);
      assert.deepEqual(answered.filter((it) => !["beacon", "socket"].includes(it)), []);
      assert.deepEqual(stranger.log.filter((it) => !/^upgrade/.test(it)), [], "requests to a stranger");
      const status = await page.evaluate(async (it) => (await fetch(it)).status, `${hub.origin}/api/models/synth/pair/tree/main`);
      assert.ok(status >= 200 && status < 500, `${status}`);
      await ofFeaturesAlone(page, hub);
    } finally {
      await stranger.stop();
    }
  });
}

// Two visits in which different things are typed are the same to the server, and nothing of what was typed reaches it.
async function samePrompts(context) {
  const visits = [];
  for (const prompt of ["Zebras whisper", "The capital of the state containing Oakland is called what, quokka?"]) {
    const visit = async (context, host) => {
      await context.page.goto(host.url);
      await untilState(context, "live");
      await run(context, prompt);
      const all = JSON.stringify(host.log);
      for (const it of ["ebras", "hisper", "akland", "uokka"]) assert.ok(!all.includes(it), `${it} was sent`);
      return host.log.map((it) => `${it.method} ${it.path} ${it.headers.range ?? "whole"}`).sort();
    };
    visits.push(await atHost(context, visit, { isKept: false }));
  }
  assert.deepEqual(visits[0], visits[1], "the same is asked for both, as often");
  return `${visits[0].length} requests for each, ${new Set(visits[0]).size} different ones`;
}

// The token goes to the endpoint that it is for, in its header; not where that sends on to, and not to the site.
function token(context) {
  return atHost(context, async (context, host) => {
    const { hub, page } = context;
    await hub.start();
    const tab = await library({ page, base: host.url });
    await tab.start("token", options("token"));
    const given = await tab.ask("token", { Token: { endpoint: hub.origin, secret: TOKEN } });
    assert.ok(given.end.done, JSON.stringify(given.end));
    const told = whole(await tab.ask("token", fetchOf(hubSet(hub.origin, "pair"))));
    const log = (await hub.log()).filter((it) => it.method !== "OPTIONS");
    const [own, signed] = ["hub", "signed"].map((origin) => log.filter((it) => it.origin === origin));
    assert.ok(own.length > 0 && signed.length > 0, "both were asked");
    assert.ok(own.every((it) => it.has_authorization), "the endpoint gets it with each request");
    assert.ok(!signed.some((it) => it.has_authorization || it.leak), "nobody else does");
    assert.ok(!JSON.stringify([log, host.log]).includes(TOKEN), "it stands in no address, and the site never sees it");
    return `${own.length} requests with it, ${signed.length} without; ${told.received_bytes} bytes`;
  }, { isKept: false });
}

// In a page of another site, as it embeds one: it computes and keeps nothing. The page itself is not shown there.
async function framed(context) {
  const { page, base } = context;
  const sandboxes = ["allow-scripts allow-same-origin", "allow-scripts"];
  const frames = sandboxes.map((it) => `<iframe sandbox="${it}" src="${base}embed.html" width="900" height="600"></iframe>`);
  const stranger = await new Stranger().start(`<!doctype html>${frames.join("")}<iframe src="${base}"></iframe>`);
  try {
    await page.goto(stranger.url.replace("127.0.0.1", "localhost"));
    const [embed, opaque, own] = page.frames().slice(1);
    const settled = async (frame, states) => {
      const seen = () => frame.evaluate(() => document.documentElement?.dataset.state ?? "").catch((it) => `${it}`);
      await until(async () => states.includes(await seen()), PAGE_SECONDS, `the frame is ${states}`, seen);
    };
    await settled(embed, ["live"]);
    assert.equal(await embed.evaluate(() => window.gemscopeSite.state()), "off");
    // Without an origin of its own no engine starts in Chromium; what was recorded is there all the same.
    await settled(opaque, ["live", "recorded", "failed"]);
    assert.equal(await opaque.evaluate(() => self.origin), "null");
    assert.match(await opaque.evaluate(() => document.body.innerText), /Dallas[^]*Austin/);
    const refused = await withTimeout(own.evaluate(() => document.documentElement.dataset.state ?? "refused"), 10, "looking into it").catch(() => "refused");
    assert.equal(refused, "refused", "the page itself is not framed");
  } finally {
    await stranger.stop();
  }
}

// On a host that can't forbid frames the page gives way to what is made for them.
function framedAnyway(context) {
  return atHost(context, async ({ page }, host) => {
    const stranger = await new Stranger().start(`<!doctype html><iframe src="${host.url}#x=1"></iframe>`);
    try {
      await page.evaluateOnNewDocument(withoutGpu);
      await page.goto(stranger.url);
      const address = () => page.frames()[1]?.url();
      await until(async () => address() === `${host.url}embed.html#x=1`, 30, "the frame shows embed.html", async () => address());
    } finally {
      await stranger.stop();
    }
  });
}

// The rest of the page's program can't be had: the recorded run is there all the same, and once it can, trying again is enough.
async function withoutRest(context) {
  return atHost(
    context,
    async (context, host) => {
      const { page } = context;
      host.withhold(/later\.[0-9a-f]+\.wasm$/);
      await page.goto(host.url);
      await until(async () => /could not be fetched/.test(await page.evaluate(() => document.querySelector(".failure")?.innerText ?? "")), 60, "it is said", () => shown(page));
      await page.click("#rows .row .feature");
      await until(async () => (await page.$("#card-label")) !== null, 20, "the recorded run is looked at", () => shown(page));
      await page.click("#about-open");
      await page.waitForSelector("#part-again");
      await screenshot(context, "without_rest");
      host.withhold(undefined);
      await page.click("#part-again");
      await until(async () => /licen[cs]e/i.test(await text(page, "#about")), 30, "the rest is there", () => shown(page));
      await untilState(context, "live");
      assert.equal(await page.evaluate(() => document.activeElement?.id), "dialog-close", "the focus is where it begins");
    },
    { isKept: false },
  );
}

export const SITE_CASES = {
  site_without_rest: { run: withoutRest, seconds: 600 },
  site_offline: { run: offline, seconds: 900 },
  site_update: { run: update, seconds: 300 },
  site_off: { run: off, seconds: 400 },
  site_strangers: { run: strangers, seconds: 700 },
  site_firewall: { run: firewall, seconds: 200 },
  site_same_prompts: { run: samePrompts, seconds: 900 },
  site_token: { run: token, seconds: 200 },
  site_framed: { run: framed, seconds: 330 },
  site_framed_anyway: { run: framedAnyway, seconds: 120 },
};
