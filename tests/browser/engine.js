// The engine's worker, spoken to in plain JSON: commands and events of src/session/protocol.rs.

// `PROTOCOL` of that file.
const PROTOCOL = 6;
const READY_SECONDS = 60;

// `before` is a script that runs in the worker before the engine's program does.
async function worker(base, name, before = "") {
  const text = await (await fetch(`${base}engine-worker.js`)).text();
  const parts = [before, text.replaceAll("__BASE__", base.replace(/\/$/, ""))];
  const blob = new Blob(parts, { type: "text/javascript" });
  return new Worker(URL.createObjectURL(blob), { type: "module", name });
}

// What the engine's program says of the browser that it runs in.
export async function selftest(base) {
  return said(base, "selftest");
}

// What a worker of that name answers instead of being an engine.
export async function said(base, name) {
  const tried = await worker(base, name);
  const answer = new Promise((resolve) => {
    tried.onmessage = (event) => resolve(event.data);
    tried.onerror = (event) => resolve(`failed\nthe worker died: ${event.message ?? "its script does not load"}`);
  });
  return answer.finally(() => tried.terminate());
}

export class Engine {
  #worker;
  #next = 1;
  #asked = new Map();

  // Starts as the page does: a worker from a blob, which inherits the page's policy. Its name holds the engine's options.
  static async start(base, name = "", before = "") {
    const engine = new Engine();
    await engine.#listen(await worker(base, name, before));
    await engine.ask({ Hello: { protocol: PROTOCOL, build: "tests" } });
    return engine;
  }

  #listen(worker) {
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the worker is not ready")), READY_SECONDS * 1000);
      worker.onerror = (event) => {
        const error = new Error(`the worker died: ${event.message ?? "its script does not load"}`);
        reject(error);
        for (const it of this.#asked.values()) it.reject(error);
      };
      worker.onmessage = (event) => {
        if (event.data === "ready") {
          clearTimeout(late);
          resolve();
        } else {
          this.#take(event.data);
        }
      };
    });
  }

  // The outcome of a command; `partial` gets each piece and its attachments. Rejects with the failure as `failure`.
  ask(body, partial) {
    return this.begin(body, partial).end;
  }

  // A command under way: its id and, as a promise, its outcome. `progress` gets how far it is; `beside` goes with it.
  begin(body, partial = () => {}, progress = () => {}, beside = []) {
    const id = this.#next++;
    const end = new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject, partial, progress });
      this.#post({ id, body }, beside);
    });
    return { id, end };
  }

  stop() {
    this.#worker.terminate();
  }

  #post(command, beside = []) {
    const json = JSON.stringify(command);
    this.#worker.postMessage(beside.length > 0 ? [json, ...beside] : json);
  }

  #take([json, ...parts]) {
    const { id, body } = JSON.parse(json);
    const asked = this.#asked.get(id);
    if (!asked) return;
    if (body.Partial) {
      asked.partial(body.Partial, parts);
      this.#post({ id: this.#next++, body: { Ack: { id, n: 1 } } });
    } else if (body.Progress) {
      asked.progress(body.Progress);
    } else if (body.Done || body.Failed || body === "Cancelled") {
      this.#asked.delete(id);
      if (body.Done) {
        asked.resolve(body.Done);
      } else {
        const failure = body.Failed ?? { what: "cancelled", remedy: "" };
        asked.reject(Object.assign(new Error(`${failure.what} ${failure.detail ?? ""}`), { failure }));
      }
    }
  }
}
