// Starts the page's program, and keeps the site for visits without a network. A file of its own, since the content security policy forbids
// scripts inside the page.
//
// `window.gemscopeSite` is what the page's views use of it:
//
//   state()          "off": nothing is kept; "installing": the site is being kept; "ready": it is there without a network;
//                    "update": a new version is there too, and taken by reload() alone
//   onchange(call)   calls with each new state; gives a function that ends that
//   reload()         takes the new version, where there is one, and loads the page again
//   setEnabled(on)   whether the site may be kept, remembered for later visits: the same as `?sw=on` and `?sw=off`
//   clear()          a promise: nothing of the site is kept any longer, nor what the page has noted (keys that begin with "gemscope.");
//                    the engine's files are removed by the engine
//   requests         every request that the page can make: [{ origin, path, bytes, why }], of the site itself (origin "self") and of the
//                    hosts of its table
import init from "./page.js";

const KEYS = "gemscope.";
const SWITCH = "gemscope.sw";
const SETTLED = ["live", "recorded", "failed"];
// The site is kept when the page has all that it wants from the network itself, or has not got it for so long.
const PATIENCE_MILLIS = 120_000;
const LOOK_AGAIN_MILLIS = 3_600_000;

const page = document.documentElement;
const query = new URLSearchParams(location.search);
const isFramed = window.top !== window;
const folder = new URL(".", location.href).href;
const listeners = new Set();
let state = "off";
let registration;
let isReloading = false;
let isReplaced = false;

function tell(it) {
  if (it === state) return;
  state = it;
  for (const call of listeners) call(it);
}

// Does something with what the browser keeps of small texts; it may refuse.
function withNotes(act) {
  try {
    return act(localStorage);
  } catch {
    return undefined;
  }
}

// None in a frame, in a private window of some browsers, without HTTPS; none that a test of the page's own start could want.
function workers() {
  return isFramed || query.has("still") || !window.isSecureContext ? undefined : navigator.serviceWorker;
}

function look() {
  if (!registration) return tell("off");
  const { installing, waiting, active } = registration;
  if (isReplaced || (waiting && active)) tell("update");
  else if (active) tell("ready");
  else tell(installing || waiting ? "installing" : "off");
}

function follow(worker) {
  worker?.addEventListener("statechange", look);
}

async function keep() {
  if (!workers() || withNotes((it) => it.getItem(SWITCH)) === "off") return;
  try {
    registration = await workers().register("sw.js", { updateViaCache: "none" });
  } catch (error) {
    return console.info(`The site is not kept for visits without a network: ${error.message}`);
  }
  follow(registration.installing);
  registration.addEventListener("updatefound", () => {
    follow(registration?.installing);
    look();
  });
  look();
}

async function forget() {
  const found = await workers()?.getRegistration(folder);
  registration = undefined;
  isReplaced = false;
  await found?.unregister();
  const names = isFramed ? [] : await globalThis.caches?.keys().catch(() => []);
  for (const it of names ?? []) {
    if (it.startsWith(`gemscope ${folder} `)) await caches.delete(it);
  }
  look();
}

async function setEnabled(on) {
  withNotes((it) => (on ? it.removeItem(SWITCH) : it.setItem(SWITCH, "off")));
  await (on ? keep() : forget());
}

async function clear() {
  withNotes((it) => Object.keys(it).filter((key) => key.startsWith(KEYS)).forEach((key) => it.removeItem(key)));
  await forget();
}

function reload() {
  isReloading = true;
  if (registration?.waiting) registration.waiting.postMessage("take over");
  else location.reload();
}

function whenSettled(act) {
  const isSettled = () => SETTLED.includes(page.dataset.state);
  if (isSettled()) return act();
  const settle = () => {
    watch.disconnect();
    clearTimeout(timer);
    act();
  };
  const watch = new MutationObserver(() => isSettled() && settle());
  watch.observe(page, { attributeFilter: ["data-state"] });
  const timer = setTimeout(settle, PATIENCE_MILLIS);
}

function listen() {
  let had = Boolean(workers()?.controller);
  let lookedAt = Date.now();
  workers()?.addEventListener("controllerchange", () => {
    if (isReloading) return location.reload();
    // Another tab took the new version: this one goes on with what it has, until it is asked.
    isReplaced = had && Boolean(registration);
    had = true;
    look();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !registration || Date.now() - lookedAt < LOOK_AGAIN_MILLIS) return;
    lookedAt = Date.now();
    registration.update().catch(() => {});
  });
}

async function start() {
  if (query.get("sw") === "on") withNotes((it) => it.removeItem(SWITCH));
  if (query.get("sw") === "off") await setEnabled(false);
  else whenSettled(keep);
}

window.gemscopeSite = {
  state: () => state,
  onchange(call) {
    listeners.add(call);
    return () => listeners.delete(call);
  },
  reload,
  setEnabled,
  clear,
  requests: JSON.parse(document.getElementById("requests")?.textContent || "[]"),
};

if (isFramed && page.dataset.entry !== "embed") {
  // Not every host can forbid it. In a frame stands what is made for one.
  location.replace(`embed.html${location.search}${location.hash}`);
} else {
  listen();
  start().catch((error) => console.info(`The site is not kept for visits without a network: ${error.message}`));
  init().catch((error) => {
    page.dataset.state = "failed";
    const said = document.createElement("p");
    said.setAttribute("role", "alert");
    said.textContent = `The page could not start: ${error}. What you see was recorded.`;
    document.body.prepend(said);
  });
}
