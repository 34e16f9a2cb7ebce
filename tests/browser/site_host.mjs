// A static host as strangers have them: the site below a path, no header of ours but that anybody may read. It notes every request, can
// be gone, and can have another version of the site. Its files are those of the test's server.

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const FOLDER = "/some/where/";
const PASSED = ["content-type", "content-length", "content-range", "accept-ranges"];
// What another version of the page has.
const MARK = "<!-- another version -->";

export class SiteHost {
  #server;
  #base;
  #version = "";
  #port = 0;
  #withheld;
  // { method, path, headers } of each request, with the query.
  log = [];

  constructor(base) {
    this.#base = base;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}${FOLDER}`;
  }

  // The same port every time.
  async start() {
    const answer = (request, response) => this.#answer(request, response).catch(() => response.destroy());
    this.#server = createServer(answer);
    await new Promise((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = this.#server.address().port;
    return this;
  }

  async stop() {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  // From now on another page is there, and a worker that knows it.
  change() {
    this.#version = MARK;
  }

  // Paths that match are not to be had, until there is nothing to match.
  withhold(pattern) {
    this.#withheld = pattern;
  }

  async #answer({ method, url, headers }, response) {
    this.log.push({ method, path: url, headers });
    const path = url.startsWith(FOLDER) ? url.slice(FOLDER.length) : undefined;
    if (path === undefined) return response.writeHead(404).end();
    if (this.#withheld?.test(path)) return response.writeHead(503).end();
    const given = headers.range ? { range: headers.range } : {};
    const got = await fetch(this.#base + path, { method, headers: given });
    const sent = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range" };
    for (const it of PASSED) if (got.headers.has(it)) sent[it] = got.headers.get(it);
    const bytes = await this.#versioned(path.split("?")[0], Buffer.from(await got.arrayBuffer()));
    if (sent["content-length"] && method === "GET") sent["content-length"] = bytes.length;
    response.writeHead(got.status, sent).end(bytes);
  }

  async #versioned(path, bytes) {
    if (!this.#version) return bytes;
    const page = (it) => Buffer.from(it.toString().replace("</body>", `${this.#version}</body>`));
    if (path === "" || path === "index.html") return page(bytes);
    if (path !== "sw.js") return bytes;
    const index = Buffer.from(await (await fetch(this.#base)).arrayBuffer());
    const hash = (it) => createHash("sha256").update(it).digest("base64");
    return Buffer.from(bytes.toString().replace(hash(index), hash(page(index))).replace(/"build":"[0-9a-f]+"/, '"build":"another"'));
  }
}

// A server that nobody is allowed to ask; what it was asked all the same.
export class Stranger {
  log = [];

  async start(page = "") {
    this.server = createServer((request, response) => {
      if (request.url !== "/") this.log.push(`${request.method} ${request.url}`);
      response.writeHead(200, { "content-type": "text/html", "access-control-allow-origin": "*" }).end(page);
    });
    this.server.on("upgrade", (request, socket) => {
      this.log.push(`upgrade ${request.url}`);
      socket.destroy();
    });
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
