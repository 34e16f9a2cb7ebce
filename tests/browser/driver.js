// What the cases ask of the bare page. Starting an engine takes long on a software GPU, so that each set of options has one per page.

import { Engine, selftest } from "./engine.js";
import { siteDump } from "./dumps.js";
import { library } from "./library.js";
import { scope } from "./scope.js";

const BASE = new URL("../../", location.href).href;
const GREEDY = { temperature: 0, top_k: 0, top_p: 1, seed: 0 };

function open(model) {
  return { Open: { model, precision: "reference", n_ctx: null, max_gpu_bytes: null } };
}

function nano(tokenizer = null) {
  return { Synth: { preset: "nano", tokenizer: tokenizer && BASE + tokenizer } };
}

const engines = new Map();

// The page's engine with these options, nano open in it.
async function engineWith(options = "") {
  if (!engines.has(options)) {
    const started = Engine.start(BASE, options).then(async (engine) => {
      const { Opened } = await engine.ask(open(nano()));
      return { engine, config: Opened.config };
    });
    engines.set(options, started);
  }
  return engines.get(options);
}

// Every site of a prompt, computed afresh, as a safetensors file in base64.
async function dump(ids, options) {
  return siteDump(await engineWith(options), ids);
}

// Speeds of kernels, then of a model at both precisions, each in an engine of its own.
async function bench(seconds, only, preset) {
  const first = await Engine.start(BASE);
  const { Described: adapter } = await first.ask("Describe");
  const kernels = [];
  await first.ask({ Measure: { seconds, only } }, ({ Speed }) => kernels.push(Speed));
  first.stop();
  const models = [];
  for (const precision of preset === "none" ? [] : ["reference", "compact"]) models.push(await timing(preset, precision));
  return { adapter, kernels, models };
}

async function timing(preset, precision) {
  const engine = await Engine.start(BASE);
  const since = (start) => (performance.now() - start) / 1000;
  const prefill = async (first) => {
    const ids = [2, ...Array.from({ length: 63 }, (_, i) => first + i)];
    const start = performance.now();
    const { Ran } = await engine.ask({ Run: { input: { Ids: ids }, want: [], writes: [] } });
    return { run: Ran.run, seconds: since(start) };
  };
  const start = performance.now();
  const model = { Synth: { preset, tokenizer: null } };
  await engine.ask({ Open: { model, precision, n_ctx: null, max_gpu_bytes: null } });
  const load_seconds = since(start);
  await prefill(100); // once for warmth: the pace of submits is learned
  const { run, seconds } = await prefill(200);
  const { Generated } = await engine.ask({ Generate: { run, n: 4, sampling: GREEDY, watch: false } });
  const { Described } = await engine.ask("Describe");
  engine.stop();
  return {
    preset,
    precision,
    load_seconds,
    prefill_tokens_per_second: 64 / seconds,
    decode_tokens_per_second: Generated.tokens.length / Generated.seconds,
    heap_bytes: Described.heap_bytes,
    peak_gpu_bytes: Described.peak_gpu_bytes,
    planned_gpu_bytes: Described.open.plan.total_bytes,
  };
}

// The ids of a greedy continuation.
async function greedy(ids, n) {
  const { engine } = await engineWith();
  const { Ran } = await engine.ask({ Run: { input: { Ids: ids }, want: [], writes: [] } });
  const { Generated } = await engine.ask({ Generate: { run: Ran.run, n, sampling: GREEDY, watch: false } });
  return Generated.tokens.map((it) => it.id);
}

// A model in a folder, read by ranges, with the tokenizer of Gemma's vocabulary.
async function tokenize(texts) {
  const model = { Folder: { path: `${BASE}tests/made/vocabulary`, tokenizer: `${BASE}tests/tokenizer/tokenizer.json` } };
  const engine = await Engine.start(BASE);
  await engine.ask(open(model));
  const out = [];
  for (const text of texts) out.push((await engine.ask({ Tokenize: { text, tokenizer: null } })).Tokens);
  engine.stop();
  return out;
}

async function failure(engine, body) {
  try {
    return { unexpected: await engine.ask(body) };
  } catch (error) {
    return error.failure ?? { unexpected: String(error) };
  }
}

async function openFails(model) {
  const engine = await Engine.start(BASE);
  const told = await failure(engine, open(model));
  engine.stop();
  return told;
}

// Commands that can't be done, and what is told; the engine goes on in between.
async function badInput() {
  const engine = await Engine.start(BASE);
  const run = (ids) => ({ Run: { input: { Ids: ids }, want: [], writes: [] } });
  const told = {};
  told["nothing open"] = await failure(engine, run([2]));
  told["no such preset"] = await failure(engine, open({ Synth: { preset: "tiny", tokenizer: null } }));
  told["no such folder"] = await failure(engine, open({ Folder: { path: `${BASE}nowhere`, tokenizer: null } }));
  await engine.ask(open(nano()));
  told["empty prompt"] = await failure(engine, run([]));
  told["id outside the vocabulary"] = await failure(engine, run([2, 512]));
  told["text without a tokenizer"] = await failure(engine, { Tokenize: { text: "a", tokenizer: null } });
  told["no such run"] = await failure(engine, { Ask: { run: "0", what: { Site: ["logits"] }, positions: "*" } });
  await engine.ask(run([2, 74]));
  engine.stop();
  return told;
}

// A feature's line before the text, where the dialect wants one.
function enabled(text, needs, kind) {
  if (needs.includes("shader-f16")) text = `enable f16;\n${text}`;
  if (needs.includes("subgroups") && kind === "chromium") text = `enable subgroups;\n${text}`;
  return text;
}

// Compiles every resolved shader, and makes a pipeline of it with its overrides at their defaults.
async function shaders(kind) {
  const texts = await (await fetch(`${BASE}tests/made/shaders.json`)).json();
  const adapter = await navigator.gpu.requestAdapter();
  const has = ["subgroups", "shader-f16"].filter((it) => adapter.features.has(it));
  const device = await adapter.requestDevice({ requiredFeatures: has });
  const out = { compiled: [], skipped: [], faults: [] };
  for (const [name, text] of Object.entries(texts)) {
    const needs = [...text.matchAll(/^\/\/ needs (\S+)/gm)].map((it) => it[1]);
    if (needs.some((it) => !has.includes(it))) {
      out.skipped.push(name);
      continue;
    }
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label: name, code: enabled(text, needs, kind) });
    const { messages } = await module.getCompilationInfo();
    for (const it of messages.filter((it) => it.type === "error")) out.faults.push(`${name}:${it.lineNum}: ${it.message}`);
    try {
      await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: name.split("/").pop() } });
      out.compiled.push(name);
    } catch (error) {
      out.faults.push(`${name}: ${error.message}`);
    }
    const error = await device.popErrorScope();
    if (error) out.faults.push(`${name}: ${error.message}`);
  }
  device.destroy();
  return out;
}

window.driver = { bench, nano, dump, greedy, tokenize, openFails, badInput, shaders, scope, library, selftest: () => selftest(BASE) };
