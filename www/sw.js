// The site's service worker: keeps the site for visits without a network, and lets no request of the page or its worker out to a host
// that is off the list; sockets, which it never sees, the page's policy alone forbids. What goes to a host on the list is the browser's
// own business, and so are the engine's files.
//
// The pages are asked for afresh, and taken from what is kept after three seconds; everything else is taken from what is kept, after its
// hash has been compared. A new version waits until the page asks for it. See start.js for the page's side.

// { build, files: { path: sha256 }, allowed: [..] }, written in by `cargo xtask build`.
const SITE = __SITE__;

// Asked for afresh first: what the others are named in.
const FRESH = ["index.html", "embed.html", "hosts.json"];
const FRESH_MILLIS = 3000;
// Caches belong to an origin, which sites may share: ours have our folder in their names.
const SCOPE = self.registration.scope;
const PREFIX = `gemscope ${SCOPE} `;
const CACHE = PREFIX + SITE.build;

const urlOf = (path) => new URL(path, SCOPE).href;
// Paths whose copies have been hashed since this worker started.
const compared = new Set();
// Whether the site has gone on to another version: its page must not meet our files of the same names.
let isOutdated = false;

// The answer as it will be kept, if its bytes are those of the list. It is made anew: kept bytes are neither compressed nor redirected.
async function sound(answer, path) {
  const bytes = await answer.arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  if (btoa(String.fromCharCode(...hash)) !== SITE.files[path]) return undefined;
  const headers = new Headers(answer.headers);
  for (const it of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(it);
  return new Response(bytes, { headers });
}

async function fetched(path) {
  const cache = path.startsWith("hashed/") ? "default" : "no-cache";
  const answer = await fetch(urlOf(path), { cache, credentials: "same-origin", referrerPolicy: "no-referrer" });
  const good = answer.ok && (await sound(answer, path));
  if (!good) throw new Error(`${path} is not the one of this version`);
  return good;
}

// What an earlier version has kept is not asked for again.
async function keptBefore(path) {
  for (const name of await caches.keys()) {
    const found = name.startsWith(PREFIX) && (await (await caches.open(name)).match(urlOf(path)));
    const good = found && (await sound(found, path));
    if (good) return good;
  }
  return undefined;
}

// One after the other: the page may be busy.
async function keepAll() {
  const cache = await caches.open(CACHE);
  for (const path of Object.keys(SITE.files)) {
    await cache.put(urlOf(path), (await keptBefore(path)) ?? (await fetched(path)));
  }
}

async function dropCaches(isKept) {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && !isKept(name)) await caches.delete(name);
  }
}

// A copy whose hash is right.
async function copyOf(path) {
  const found = await caches.match(urlOf(path), { cacheName: CACHE });
  if (!found || compared.has(path)) return found;
  const good = await sound(found, path);
  if (good) compared.add(path);
  return good;
}

// One that was damaged, or is gone, is fetched again; nothing is kept any longer where the visitor does not want it.
async function mendedCopy(path) {
  const fresh = await fetched(path);
  if (await caches.has(CACHE)) await (await caches.open(CACHE)).put(urlOf(path), fresh.clone());
  return fresh;
}

// The part of a whole answer that was asked for.
async function part(whole, request) {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "") ?? [];
  if (first === undefined) return whole;
  const bytes = await whole.blob();
  const headers = new Headers(whole.headers);
  if (Number(first) >= bytes.size) {
    headers.set("content-range", `bytes */${bytes.size}`);
    return new Response(null, { status: 416, headers });
  }
  const end = Math.min(last ? Number(last) + 1 : bytes.size, bytes.size);
  headers.set("content-range", `bytes ${first}-${end - 1}/${bytes.size}`);
  return new Response(bytes.slice(Number(first), end), { status: 206, headers });
}

async function copyFirst(request, path) {
  const copy = (await copyOf(path).catch(() => undefined)) ?? (await mendedCopy(path).catch(() => undefined));
  return copy ? part(copy, request) : fetch(request);
}

async function compareVersions(answer, path) {
  if (!(await sound(answer, path))) isOutdated = true;
}

async function freshFirst(request, path) {
  const asked = fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, FRESH_MILLIS));
  const answer = await Promise.race([asked, late]).catch(() => undefined);
  if (answer?.ok && answer.status === 200) compareVersions(answer.clone(), path).catch(() => {});
  if (answer?.ok || answer?.type === "opaqueredirect") return answer;
  const copy = await copyOf(path).catch(() => undefined);
  // Nobody may be left who hears how it ends.
  asked.catch(() => {});
  return copy ? part(copy, request) : asked;
}

// Whether the host table allows it: an origin, a domain below one with a star, or what lies below a path.
function isAllowed(url) {
  return SITE.allowed.some((it) => {
    const [, scheme, host, path] = /^(\w+):\/\/([^/]+)(.*)$/.exec(it);
    const isHost = host.startsWith("*.") ? url.host.endsWith(host.slice(1)) && url.host.length >= host.length : url.host === host;
    return isHost && url.protocol === `${scheme}:` && url.pathname.startsWith(path);
  });
}

// The path of a file of this site that is kept; hosts may leave out a page's name or its ending.
function keptPath(url) {
  if (!url.href.startsWith(SCOPE)) return undefined;
  const path = url.pathname.slice(new URL(SCOPE).pathname.length) || "index.html";
  return [path, `${path}.html`].find((it) => Object.hasOwn(SITE.files, it));
}

addEventListener("install", (event) => event.waitUntil(keepAll()));

addEventListener("activate", (event) => {
  event.waitUntil(dropCaches((name) => name === CACHE).then(() => clients.claim()));
});

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) {
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead || !isAllowed(url)) event.respondWith(Response.error());
    return;
  }
  // A way out that needs nothing of the page.
  if (request.mode === "navigate" && url.searchParams.get("sw") === "off") {
    event.waitUntil(Promise.all([dropCaches(() => false), registration.unregister()]));
    return;
  }
  const path = request.method === "GET" ? keptPath(url) : undefined;
  if (!path) return;
  const isFresh = FRESH.includes(path) || (isOutdated && !path.startsWith("hashed/"));
  event.respondWith(isFresh ? freshFirst(request, path) : copyFirst(request, path));
});
