// Processes of this machine: a browser and all that it has started, what they hold in memory, how they all end at once.

import { readdir, readFile } from "node:fs/promises";
import { until } from "./timing.mjs";

const PAGE_BYTES = 4096;

// Ids of a process and of all below it; a process that has ended has none.
export async function tree(root) {
  const children = new Map();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // "pid (name) state parent ..", where the name may hold anything.
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (!parent || state === "Z") continue;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(name);
  }
  const out = [];
  const take = (pid) => {
    out.push(Number(pid));
    (children.get(String(pid)) ?? []).forEach(take);
  };
  take(root);
  return out;
}

// Ends a process and all below it without a warning, and waits until none is left.
export async function killTree(root) {
  const all = await tree(root);
  for (const pid of all) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }
  const isGone = async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    return stat === "" || stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  };
  const allGone = async () => (await Promise.all(all.map(isGone))).every((it) => it);
  await until(allGone, 20, `the processes below ${root} have ended`);
}

// Bytes that a process and all below it hold: `resident` counts shared pages for each of them, `proportional` once in all.
async function held(root, withShares) {
  let resident = 0;
  let proportional = 0;
  for (const pid of await tree(root)) {
    const statm = await readFile(`/proc/${pid}/statm`, "utf8").catch(() => "");
    resident += Number(statm.split(" ")[1] ?? 0) * PAGE_BYTES;
    if (!withShares) continue;
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
    proportional += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
  }
  return { resident, proportional };
}

// Watches what a process and all below it hold, until it is stopped. Shares are counted every fifth time: that takes a while.
export class MemoryWatch {
  #timer;
  #round = 0;
  peak = { resident: 0, proportional: 0 };

  constructor(root, millis = 1000) {
    const look = async () => {
      const now = await held(root, this.#round++ % 5 === 0).catch(() => ({ resident: 0, proportional: 0 }));
      for (const key of ["resident", "proportional"]) this.peak[key] = Math.max(this.peak[key], now[key]);
      if (this.#timer !== null) this.#timer = setTimeout(look, millis);
    };
    this.#timer = setTimeout(look, 0);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    return this.peak;
  }
}
