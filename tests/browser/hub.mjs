// The test Hub as a process of its own, so that it can be gone as a server is gone. Its controls are those of xtask/src/hub/control.rs.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { withTimeout } from "./timing.mjs";

const START_SECONDS = 300;
// What src/weights/zip.rs and npz.rs read of a file before they know it.
const END_BYTES = 65_633;
const ARRAY_HEAD_BYTES = 512;

export class Hub {
  #command;
  #ports;
  #child;

  // `command` is the program and its arguments but for the ports, which stay the same from start to start.
  constructor(command, ports) {
    this.#command = command;
    this.#ports = ports;
    this.origin = `http://127.0.0.1:${ports[0]}`;
    // The same server under the name by which the host table has it tell of features.
    this.teller = `http://localhost:${ports[0]}`;
    this.pid = null;
  }

  // One on the same ports and folder with other options; only one of the two may run.
  with(...more) {
    return new Hub([...this.#command, ...more], this.#ports);
  }

  // The folder with its repositories; they are read when it starts.
  get root() {
    return this.#command[this.#command.indexOf("--root") + 1];
  }

  // Begins with an empty log, no faults and no throttle, whatever was before.
  async start({ throttle = null, faults = [] } = {}) {
    if (!this.#child) await this.#spawn();
    await this.set({ throttle, faults });
    await this.#control("DELETE", "/_log");
  }

  async #spawn() {
    const [program, ...given] = this.#command;
    const ports = ["--port", this.#ports[0], "--signed-port", this.#ports[1]].map(String);
    const child = spawn(program, [...given, ...ports], { stdio: ["ignore", "pipe", "inherit"] });
    const ready = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => line.startsWith("signed") && resolve());
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`the test Hub ended with ${code}`)));
    });
    await withTimeout(ready, START_SECONDS, "starting the test Hub");
    this.#child = child;
    this.pid = child.pid;
  }

  // The server is gone: no connection is accepted, open ones break.
  async stop() {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    this.pid = null;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async set({ throttle, faults }) {
    if (faults !== undefined) await this.#control("POST", "/_faults", faults);
    if (throttle !== undefined) await this.#control("POST", "/_throttle", { bytes_per_second: throttle });
  }

  // Every request since the start; see xtask/src/hub/log.rs.
  async log() {
    return (await this.#control("GET", "/_log")).json();
  }

  // Gives a file other content of the same size, in a new commit.
  async touch(repo, path) {
    return (await this.#control("POST", "/_touch", { repo, path })).text();
  }

  async #control(method, path, body) {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await fetch(this.origin + path, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the test Hub's ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}

const isData = (it) => (it.status === 200 || it.status === 206) && it.method === "GET";

export function bytesServed(log) {
  return log.filter(isData).reduce((sum, it) => sum + it.bytes_sent, 0);
}

// Bytes of data that were sent a second time, or a third, over all files.
export function bytesServedTwice(log) {
  const spans = new Map();
  for (const it of log.filter(isData)) {
    if (!spans.has(it.path)) spans.set(it.path, []);
    spans.get(it.path).push([it.first_byte, it.first_byte + it.bytes_sent]);
  }
  let twice = 0;
  for (const of of spans.values()) {
    let reached = 0;
    for (const [start, end] of of.sort((a, b) => a[0] - b[0])) {
      twice += Math.max(0, Math.min(end, reached) - start);
      reached = Math.max(reached, end);
    }
  }
  return twice;
}

// Bytes that a fetch asks for twice by itself: the ends of zip files, which say what is in them, and the first bytes of each array.
export function headBytes(log) {
  const seen = new Set();
  const heads = log.filter((it) => {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(it.range ?? "") ?? [];
    const size = end - start + 1;
    const isHead = isData(it) && it.path.endsWith(".npz") && (size === END_BYTES || size === ARRAY_HEAD_BYTES) && !seen.has(`${it.path} ${it.range}`);
    if (isHead) seen.add(`${it.path} ${it.range}`);
    return isHead;
  });
  return bytesServed(heads);
}

// What was asked, a line for each request, without what differs from run to run: no times, no signatures.
export function requestLines(log) {
  return log.map((it) => {
    const query = it.origin === "hub" && it.query ? `?${it.query}` : "";
    return `${it.origin} ${it.method} ${it.path}${query} ${it.range ?? "whole"}`;
  });
}
