// What the cases ask of fetching and of the store: engines by name, commands under way, the files of this origin.

import { partsDump, scopeDump, siteDump } from "./dumps.js";
import { Engine, said } from "./engine.js";
import { keystrokes, loadLabels } from "./labels.js";

const BASE = new URL("../../", location.href).href;
// Stands for a browser that gives a page no files.
const NO_FILES = "delete StorageManager.prototype.getDirectory;";

const engines = new Map();
const commands = new Map();

// Starts an engine under a name of the caller's choosing; `options` is the name of its worker.
async function start(name, options = "", { noFiles = false } = {}) {
  engines.set(name, await Engine.start(BASE, options, noFiles ? NO_FILES : ""));
}

function stop(name) {
  engines.get(name).stop();
  engines.delete(name);
}

// Begins a command and gives the handle under which `look` tells how far it is.
function begin(name, body) {
  const told = { plan: null, progress: null, parts: [], phases: {}, others: [], end: null };
  const clock = { at: performance.now(), phase: "" };
  // Seconds count for the phase that was told last.
  const enter = (phase) => {
    const now = performance.now();
    if (clock.phase) told.phases[clock.phase] = (told.phases[clock.phase] ?? 0) + (now - clock.at) / 1000;
    clock.at = now;
    clock.phase = phase;
  };
  const partial = (it) => {
    if (it.Fetch?.Plan) told.plan = it.Fetch.Plan;
    else if (it.Fetch?.Progress) {
      told.progress = it.Fetch.Progress;
      enter(told.progress.phase);
    } else if (it.Fetch?.Part) told.parts.push({ ...it.Fetch.Part, seconds: (performance.now() - start) / 1000 });
    else told.others.push(it);
  };
  const start = performance.now();
  const { id, end } = engines.get(name).begin(body, partial, (it) => enter(it.phase));
  const ended = end.then(
    (done) => ({ done }),
    (error) => (error.failure ? { failed: error.failure } : { died: String(error) }),
  );
  const handle = `${name}/${id}`;
  ended.then((it) => {
    enter("");
    told.seconds = (performance.now() - start) / 1000;
    told.end = it;
  });
  commands.set(handle, { name, id, told, ended });
  return handle;
}

function look(handle) {
  return commands.get(handle).told;
}

// What was told of a command, once it has ended.
async function ended(handle) {
  const { told, ended } = commands.get(handle);
  await ended;
  return told;
}

function ask(name, body) {
  return ended(begin(name, body));
}

function cancel(handle) {
  const { name, id } = commands.get(handle);
  return engines.get(name).ask({ Cancel: { id } });
}

// Opens a set; what was told of it.
async function open(name, set) {
  const told = await ask(name, { Open: set });
  if (told.end.done) engines.get(name).config = told.end.done.Opened.config;
  return told;
}

function opened(name) {
  const engine = engines.get(name);
  return { engine, config: engine.config };
}

// Files of a folder of this origin that is named by its path, with their sizes.
async function* files(path) {
  let folder = await navigator.storage.getDirectory();
  for (const it of path.split("/").filter((it) => it)) folder = await folder.getDirectoryHandle(it);
  yield* walk(folder, "");
}

async function* walk(folder, prefix) {
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === "directory") yield* walk(handle, `${prefix}${name}/`);
    else yield [`${prefix}${name}`, await handle.getFile()];
  }
}

const HASHED_BYTES = 8 << 20;

// [name, bytes, hash] of the files of a folder; the hash is one of the hashes of their pieces.
async function listed(path) {
  const hex = (it) => [...new Uint8Array(it)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const out = [];
  for await (const [name, file] of files(path)) {
    let hashes = "";
    for (let at = 0; at < file.size; at += HASHED_BYTES) {
      const piece = await file.slice(at, at + HASHED_BYTES).arrayBuffer();
      hashes += hex(await crypto.subtle.digest("SHA-256", piece));
    }
    out.push([name, file.size, hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(hashes)))]);
  }
  return out.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

// Changes a byte in the middle of the largest file whose name ends so; its name. No engine may have it open.
async function damage(path, ending) {
  let largest;
  for await (const [name, file] of files(path)) {
    if (name.endsWith(ending) && file.size > (largest?.size ?? 0)) largest = { name, size: file.size };
  }
  let folder = await navigator.storage.getDirectory();
  const steps = [...path.split("/"), ...largest.name.split("/")];
  for (const it of steps.slice(0, -1)) folder = await folder.getDirectoryHandle(it);
  const handle = await folder.getFileHandle(steps.at(-1));
  const at = largest.size >> 1;
  const byte = new Uint8Array(await (await handle.getFile()).slice(at, at + 1).arrayBuffer())[0];
  const out = await handle.createWritable({ keepExistingData: true });
  await out.write({ type: "write", position: at, data: new Uint8Array([byte ^ 1]) });
  await out.close();
  return largest.name;
}

async function removeFolder(path) {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(path, { recursive: true }).catch((error) => {
    if (error.name !== "NotFoundError") throw error;
  });
}

// A measurement of tests/browser/plain.js, in a worker of its own.
function plain(what, given) {
  const worker = new Worker(new URL("plain.js", import.meta.url), { type: "module" });
  const told = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.done ? resolve(data.done) : reject(new Error(data.failed)));
    worker.onerror = (event) => reject(new Error(`the worker died: ${event.message}`));
  });
  worker.postMessage({ what, given });
  return told.finally(() => worker.terminate());
}

// Seconds in which the engine's program hashes so many bytes that lie in the JavaScript heap, doing nothing else.
async function hashSeconds(bytes) {
  const answer = await said(BASE, `hash=${bytes}`);
  const [word, seconds] = answer.split("\n");
  if (word !== "hashed") throw new Error(answer);
  return Number(seconds);
}

async function usedBytes(path) {
  let out = 0;
  for await (const [, file] of files(path)) out += file.size;
  return out;
}

export const library = {
  start,
  stop,
  begin,
  look,
  ended,
  ask,
  cancel,
  open,
  listed,
  usedBytes,
  damage,
  removeFolder,
  plain,
  hashSeconds,
  loadLabels: (name, ...sizes) => loadLabels(engines.get(name), ...sizes),
  keystrokes: (name, ...given) => keystrokes(engines.get(name), ...given),
  keystrokesBeside: (name, texts, rounds, handle) => keystrokes(engines.get(name), texts, rounds, () => look(handle).end === null),
  siteDump: (name, ids) => siteDump(opened(name), ids),
  scopeDump: (name, ids) => scopeDump(opened(name), ids),
  partsDump: (name, ids) => partsDump(opened(name), ids),
};
