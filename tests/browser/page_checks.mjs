// What holds for the page beside its use: its numbers are the command line's, it loses nothing with its GPU, everybody can use it, and it is
// quick at sizes that the demo model does not have.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { PAGE_SECONDS, run, screenshot, shown, state, text, untilState } from "./explore.mjs";
import { noErrors, Skip } from "./pages.mjs";
import { sleep, until } from "./timing.mjs";

const PROMPTS = ["Fact: the capital of the state containing Dallas is", "When Mary and John went to the store, John gave a drink to", "Le contraire de petit est"];
// A feature this near to its threshold, as a share of it, may fire here and not there.
const NEAR = 1e-3;
const MOST_ROWS = 60;
const HOVER_MILLIS = 8;
const TASK_MILLIS = 50;

// Sets a setting that the page keeps, before it starts.
const keep = (page, settings) => page.evaluateOnNewDocument((it) => location.protocol === "http:" && localStorage.setItem("gemscope.settings", it), settings);

// Every row of the list, by scrolling through it: feature -> activation as shown.
async function allRows(page) {
  const rows = new Map();
  const height = await page.$eval("#rows", (it) => it.scrollHeight);
  for (let top = 0; top <= height; top += 300) {
    await page.$eval("#rows", (it, top) => (it.scrollTop = top), top);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const here = await page.$$eval("#rows .row .id", (all) => all.map((it) => [it.textContent, it.closest(".row").querySelectorAll(".number")[0].textContent]));
    assert.ok(here.length <= MOST_ROWS, `${here.length} rows are in the document`);
    here.forEach(([id, value]) => rows.set(id, value));
  }
  return rows;
}

// A number as the page shows it, and half a unit of its last digit.
function read(shown) {
  const digits = shown.replace("−", "-");
  const [mantissa, exponent] = digits.split("e");
  const decimals = (mantissa.split(".")[1] ?? "").length;
  return { value: Number(digits), half: 0.5 * 10 ** (Number(exponent ?? 0) - decimals) };
}

// What the page shows is what `gemscope features --json` says on the same machine's other WebGPU.
async function numbers(context) {
  const { page, base, gemscope, log } = context;
  if (!gemscope) throw new Skip("the command line was not built");
  const demo = ["--model", "www/demo/model", "--transcoders", "www/demo/transcoders"];
  const json = async (asked) => JSON.parse((await promisify(execFile)(gemscope, ["--json", ...asked, ...demo], { maxBuffer: 1 << 26 })).stdout);
  await keep(page, "sort=layer group=none common=true");
  await page.goto(base);
  await untilState(context, "live");
  let n = 0;
  for (const prompt of PROMPTS) {
    await run(context, prompt);
    const rows = await allRows(page);
    const said = await json(["features", "--text", prompt, "--top", "0"]);
    const expected = new Map();
    for (const it of said.features) {
      if (it.pos === 0) continue;
      const id = `L${it.layer}/${it.feature}`;
      const known = expected.get(id);
      if (!known || it.activation > known.activation) expected.set(id, it);
    }
    const ids = new Set([...rows.keys(), ...expected.keys()]);
    for (const id of ids) {
      const [here, there] = [rows.get(id), expected.get(id)];
      if (here === undefined || there === undefined) {
        const value = there?.activation ?? read(here).value;
        const about = await json(["feature", id.slice(1).replace("/", ".")]);
        assert.ok(Math.abs(value - about.threshold) <= NEAR * Math.abs(about.threshold), `${id} fires on one side alone: ${here} here, ${there?.activation} there`);
        continue;
      }
      const { value, half } = read(here);
      assert.ok(Math.abs(value - there.activation) <= half * 1.001 + 1e-5 * there.activation, `${prompt}: ${id} is ${here} here, ${there.activation} there`);
    }
    assert.ok(ids.size > 100, `${prompt}: ${ids.size} features are compared`);
    n += ids.size;
  }
  noErrors(log);
  return `${n} features of ${PROMPTS.length} prompts are the command line's`;
}

// The device goes in the middle of a run: the page says so, nothing on it is lost, the run is made once more.
async function lostDevice(context) {
  const { page, base } = context;
  await page.evaluateOnNewDocument(() => {
    window.said = [];
    const note = () => {
      const line = document.querySelector(".engine")?.textContent ?? "";
      if (window.said.at(-1) !== line) window.said.push(line);
    };
    new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await page.goto(`${base}?lose_at_submit=12`);
  await untilState(context, "live");
  await run(context, "The capital of Texas is");
  const said = await page.evaluate(() => window.said);
  assert.ok(said.some((it) => /GPU was lost/.test(it)), `the page says that the GPU was lost: ${said.join(" | ")}`);
  assert.match(await text(page, "#tokens"), /Texas/);
  await run(context, PROMPTS[0]);
  assert.match(await text(page, "#next"), /Austin/, "the run is right on the new device");
  return said.join(" | ");
}

// The whole GPU process is killed while a prompt runs, as a driver that crashes does it.
async function killedGpu(context) {
  const { page, base, kind } = context;
  if (kind !== "chromium") throw new Skip("only Chromium has a GPU process that a test can end");
  await page.goto(base);
  await untilState(context, "live");
  await page.$eval("#prompt", (it) => {
    it.value = "The capital of Texas is";
    it.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.click("#run");
  const browser = await page.browser().target().createCDPSession();
  // It never answers: what it would answer through is gone.
  browser.send("Browser.crashGpuProcess").catch(() => {});
  await until(async () => ["live", "failed"].includes(await state(page)), PAGE_SECONDS, "the run ends", () => shown(page));
  await until(async () => /ready|back/.test(await text(page, ".engine")), PAGE_SECONDS, "the GPU is back", () => shown(page));
  if ((await state(page)) === "failed") assert.match(await text(page, ".failure"), /./);
  await run(context, PROMPTS[0]);
  assert.match(await text(page, "#next"), /Austin/, await shown(page));
  return await text(page, ".engine");
}

// What axe finds wrong, in the states that a visitor meets, light and dark.
async function accessible(context) {
  const { page, base } = context;
  const axe = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  await page.setBypassCSP(true).catch(() => {});
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await page.evaluate(axe);
  const found = new Set();
  const look = async (what) => {
    for (const theme of ["light", "dark"]) {
      await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
      await sleep(300);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const it of violations) found.add(`${what}, ${theme}: ${it.id}: ${it.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
    }
  };
  await look("opened");
  await page.click("#rows .row .feature");
  await until(() => page.$("#card-examples li"), 60, "the card is there", () => shown(page));
  await page.click("#rows .row .pin");
  await page.click("#explain summary");
  await until(() => page.$("#figures tbody tr"), 120, "the figures are there", () => shown(page));
  await look("a feature");
  await page.click("#help");
  await look("the sheet");
  await page.keyboard.press("Escape");
  for (const [what, opener, dialog] of [
    ["the model screen", "#model-open", "#model"],
    ["the palette", "#palette-open", "#palette"],
    ["share", "#share-open", "#share"],
    ["about", "#about-open", "#about"],
  ]) {
    await page.click(opener);
    await page.waitForSelector(dialog);
    await look(what);
    await page.keyboard.press("Escape");
  }
  await page.click("#examples summary");
  await look("examples");
  await run(context, "");
  await look("a failure");
  assert.deepEqual([...found], [], "what axe finds");
}

// Text of twice the size: nothing is cut off, and the page does not scroll sideways.
async function largeText(context) {
  const { page, base } = context;
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  await page.evaluate(() => (document.documentElement.style.fontSize = "28px"));
  await page.click("#rows .row .feature");
  await until(() => page.$("#card-examples li"), 60, "the card is there", () => shown(page));
  await screenshot(context, "large_text");
  const rows = await allRows(page);
  assert.ok(rows.size > 50 && String(rows.size) === /^[\d,]+/.exec(await text(page, "#list-counts"))[0].replace(",", ""), `${rows.size} rows are reached by scrolling`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 1, `the page is ${wide} px too wide`);
  const cut = await page.$$eval("button, label, h2, summary", (all) => {
    const scrolls = (it) => it.closest(".map-scroll, .row, .near");
    const isCut = (it) => it.checkVisibility() && !it.classList.contains("unseen") && !scrolls(it) && (it.scrollWidth > it.clientWidth + 2 || it.scrollHeight > it.clientHeight + 4) && getComputedStyle(it).display !== "inline";
    return all.filter(isCut).map((it) => it.outerHTML.slice(0, 120));
  });
  assert.deepEqual(cut, [], "what is cut off");
}

// The page of any feature, the next one that fires, panels that are dragged and remembered.
async function panels(context) {
  const { page, base, log } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(base);
  await untilState(context, "live");
  const go = async (what) => {
    await page.$eval("#go", (it) => (it.value = ""));
    await page.type("#go", what);
    await page.keyboard.press("Enter");
  };
  await go("9/1");
  await until(async () => /Layers are 0 to 5/.test(await text(page, "#go-told")), 10, "a layer that is not there is said", () => shown(page));
  await go("nonsense");
  await until(async () => /12\/9377/.test(await text(page, "#go-told")), 10, "what is no feature is said", () => shown(page));
  await go("1/700");
  await until(async () => /features 0 to 639/.test(await text(page, "#go-told")), 10, "a feature that is not there is said", () => shown(page));
  await go("3/120");
  await until(async () => /L3\/120/.test(await text(page, ".card-name")), 20, "any feature has a card", () => shown(page));
  await page.focus("#rows");
  const name = () => text(page, ".card-name .id");
  await page.keyboard.press("n");
  await until(async () => (await name()) !== "L3/120", 10, "the next one that fires");
  assert.match(await text(page, "#card-here"), /Fires at/);
  await page.focus("#card .large");
  await page.keyboard.press("m");
  await until(() => page.$('.explore[data-maximised="card"]'), 10, "the card is a page");
  await until(() => page.$("#card-examples li"), 60, "with its examples", () => shown(page));
  await screenshot(context, "feature_page");
  await page.keyboard.press("Escape");
  const width = () => page.$eval("#map", (it) => it.getBoundingClientRect().width);
  const before = await width();
  await page.focus(".divider");
  for (let n = 0; n < 5; n += 1) await page.keyboard.press("ArrowLeft");
  await until(async () => (await width()) < before - 50, 10, "a border moves by keys");
  const narrow = await width();
  const box = await page.$eval(".divider", (it) => it.getBoundingClientRect().toJSON());
  await page.mouse.move(box.x + 3, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + 103, box.y + 80, { steps: 5 });
  await page.mouse.up();
  await until(async () => (await width()) > narrow + 60, 10, "and by the pointer");
  const moved = await width();
  await run(context, "The capital of Texas is");
  assert.match(await text(page, "#card-session"), /Dallas|Texas|never/i, "where it fires in this session");
  await page.reload();
  await untilState(context, "live");
  assert.ok(Math.abs((await width()) - moved) < 3, "widths are remembered");
  noErrors(log);
}

// A run as large as the real model's, in place of the recorded ones: 26 layers, 512 tokens, 16,384 features in the list.
function largeRun() {
  const [n_layers, n_pos, n_rows] = [26, 512, 16_384];
  const tokens = Array.from({ length: n_pos }, (_, n) => ({ id: n + 2, piece: n === 0 ? "<bos>" : ` word${n}`, bytes: null, special: n === 0 }));
  const firings = [];
  for (let layer = 0; layer < n_layers; layer += 1) {
    const own = Math.ceil(n_rows / n_layers);
    for (let pos = 1; pos < n_pos; pos += 1) {
      const here = new Set(Array.from({ length: 20 }, (_, n) => (pos * 20 + n * 37) % own));
      for (const index of [...here].sort((a, b) => a - b)) {
        if (layer * own + index < n_rows) firings.push([layer, pos, index, 1 + ((index * 7 + pos) % 100) / 10]);
      }
    }
  }
  const run = { prompt: "a large run", tokens, n_layers, n_features: 16_384, loaded: Array(n_layers).fill(true), firings, next: [], metrics: [], effects: null };
  return { runs: [run], made: "a test", labels: [], examples: [] };
}

async function speed(context) {
  const { page, base } = context;
  await page.setViewport({ width: 1440, height: 900 });
  await page.evaluateOnNewDocument((recorded) => {
    Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined, configurable: true });
    // What the page reads is in the HTML; it is replaced before the page's program, a module, runs.
    document.addEventListener("readystatechange", () => {
      const it = document.getElementById("recorded");
      if (it && document.readyState === "interactive") it.textContent = recorded;
    });
  }, JSON.stringify(largeRun()));
  await page.goto(base);
  await untilState(context, "recorded", 120);
  assert.equal((await page.$$("#tokens .token")).length, 512, await shown(page));
  assert.match(await text(page, "#list-counts"), /16,384 features/);
  const rows = await page.evaluate(async () => {
    const list = document.getElementById("rows");
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    let most = 0;
    const millis = [];
    for (let n = 0; n < 60; n += 1) {
      const start = performance.now();
      list.scrollTop = (n * 7919 * 32) % list.scrollHeight;
      list.dispatchEvent(new Event("scroll"));
      await frame();
      await frame();
      millis.push(performance.now() - start);
      most = Math.max(most, list.querySelectorAll(".row").length);
    }
    return { most, median: millis.sort((a, b) => a - b)[30] };
  });
  assert.ok(rows.most > 5 && rows.most <= MOST_ROWS, `${rows.most} rows are in the document`);
  const hover = await page.evaluate(async () => {
    const grid = document.getElementById("map-grid");
    const box = grid.getBoundingClientRect();
    const millis = [];
    for (let n = 0; n < 80; n += 1) {
      const [x, y] = [(n * 97) % box.width, (n * 31) % box.height];
      const start = performance.now();
      grid.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: box.x + x, clientY: box.y + y }));
      // Views follow in microtasks; a message comes after all of them.
      await new Promise((done) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(0);
      });
      millis.push(performance.now() - start);
      await new Promise((done) => setTimeout(done, 5));
    }
    millis.sort((a, b) => a - b);
    return { median: millis[40], most: millis.at(-4) };
  });
  assert.ok((await text(page, "#map-told")).length > 0);
  await screenshot(context, "large_run");
  const told = `26 x 512: hover ${hover.median.toFixed(1)} ms in the median, ${hover.most.toFixed(1)} at most of 76 in 80; 16,384 rows: ${rows.most} in the document, two frames ${rows.median.toFixed(0)} ms`;
  // Four times the aim: what fails here is another order, not a busy machine.
  assert.ok(hover.median <= 4 * HOVER_MILLIS, told);
  return told;
}

// From navigation to the answer, by parts; and how long the page was busy meanwhile.
async function start(context) {
  const { page, base, kind } = context;
  await page.evaluateOnNewDocument(() => {
    window.times = [];
    window.gap = 0;
    let last = performance.now();
    const frame = (now) => {
      window.gap = Math.max(window.gap, now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const note = () => {
      const said = `${document.documentElement.dataset.state ?? "html"}; ${document.querySelector(".engine")?.textContent ?? ""} ${document.querySelector("#wait")?.textContent.split(":")[0] ?? ""}`;
      if (window.times.at(-1)?.said !== said) window.times.push({ said, at: performance.now() });
    };
    new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  const isTraced = kind === "chromium";
  await page.goto(base);
  await untilState(context, "live");
  // The second visit is the warm one.
  if (isTraced) await page.tracing.start({ categories: ["toplevel", "disabled-by-default-devtools.timeline"] });
  await page.goto(base);
  await untilState(context, "live");
  const { times, gap, paint } = await page.evaluate(() => ({
    times: window.times,
    gap: window.gap,
    paint: performance.getEntriesByType("paint").map((it) => `${it.name} ${it.startTime.toFixed(0)} ms`),
  }));
  const at = (pattern) => times.find((it) => pattern.test(it.said))?.at ?? Number.NaN;
  // How long the page said so, by what it waited for.
  const phases = new Map();
  for (const [n, it] of times.entries()) {
    const phase = it.said.split(".").pop().trim();
    const until = times[n + 1]?.at ?? it.at;
    if (phase) phases.set(phase, (phases.get(phase) ?? 0) + until - it.at);
  }
  const parts = [
    ...paint,
    `interactive ${at(/^(loading|live|running)/).toFixed(0)} ms`,
    `worker ready ${at(/engine is ready/).toFixed(0)} ms`,
    `model open ${at(/Live: the demo/).toFixed(0)} ms`,
    `answer ${at(/^live/).toFixed(0)} ms`,
    ...[...phases].map(([phase, millis]) => `${phase} ${millis.toFixed(0)} ms`),
    `largest gap between frames ${gap.toFixed(0)} ms`,
  ];
  if (isTraced) {
    const trace = JSON.parse(Buffer.from(await page.tracing.stop()).toString());
    const names = trace.traceEvents.filter((it) => it.name === "thread_name" && it.args.name === "CrRendererMain");
    const main = new Set(names.map((it) => `${it.pid}/${it.tid}`));
    const tasks = trace.traceEvents.filter((it) => it.ph === "X" && it.tdur !== undefined && main.has(`${it.pid}/${it.tid}`) && /RunTask/.test(it.name));
    const longest = tasks.reduce((most, it) => Math.max(most, it.tdur / 1000), 0);
    parts.push(`longest task of the main thread ${longest.toFixed(0)} ms of CPU time, of ${tasks.length}`);
    assert.ok(longest <= TASK_MILLIS, parts.join("; "));
  }
  return parts.join("; ");
}

export const PAGE_CASES = {
  numbers: { run: numbers, seconds: 600 },
  lost_device: { run: lostDevice, seconds: 600 },
  killed_gpu: { run: killedGpu, seconds: 900 },
  accessible: { run: accessible, seconds: 600 },
  large_text: { run: largeText, seconds: 330 },
  panels: { run: panels, seconds: 600 },
  speed: { run: speed, seconds: 300 },
  start: { run: start, seconds: 600, long: true },
};
