// Yardsticks beside which the store is measured, without any code of ours: a plain copy into the files of this origin, and reading them
// back into nothing or into buffers of the GPU. A module worker; each message is one measurement, each answer its seconds.

const BINDING_BYTES = 128 << 20;

async function folder(path, create) {
  let at = await navigator.storage.getDirectory();
  for (const it of path.split("/")) at = await at.getDirectoryHandle(it, { create });
  return at;
}

// The address that a large file is sent from.
async function signed(url) {
  const answer = await fetch(url, { headers: { Range: "bytes=0-0" }, cache: "no-store" });
  await answer.arrayBuffer();
  return answer.url;
}

// One range of a file, gathered into pieces, each written where it belongs.
async function copyRange({ url, handle, start, end, piece_bytes }) {
  const answer = await fetch(url, { headers: { Range: `bytes=${start}-${end - 1}` }, cache: "no-store" });
  if (answer.status !== 206) throw new Error(`${url}: ${answer.status}`);
  const reader = answer.body.getReader();
  const piece = new Uint8Array(piece_bytes);
  let [at, filled] = [start, 0];
  const write = () => {
    if (handle.write(piece.subarray(0, filled), { at }) !== filled) throw new Error("there is no room");
    at += filled;
    filled = 0;
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    for (let from = 0; from < value.length; ) {
      const n = Math.min(value.length - from, piece_bytes - filled);
      piece.set(value.subarray(from, from + n), filled);
      filled += n;
      from += n;
      if (filled === piece_bytes) write();
    }
  }
  if (filled > 0) write();
  if (at !== end) throw new Error(`${url}: ${at} and not ${end}`);
}

// Files as they are, in the same ranges, pieces and requests at once as ours, into a fresh folder.
async function copy({ files, path, range_bytes, piece_bytes, in_flight }) {
  const into = await folder(path, true);
  const ranges = [];
  const handles = [];
  for (const [n, { url, size }] of files.entries()) {
    const file = await into.getFileHandle(`plain-${n}`, { create: true });
    const handle = await file.createSyncAccessHandle();
    handle.truncate(size);
    handles.push(handle);
    const from = await signed(url);
    for (let start = 0; start < size; start += range_bytes) {
      ranges.push({ url: from, handle, start, end: Math.min(size, start + range_bytes), piece_bytes });
    }
  }
  const worker = async () => {
    for (let it = ranges.shift(); it; it = ranges.shift()) await copyRange(it);
  };
  await Promise.all(Array.from({ length: in_flight }, worker));
  for (const handle of handles) {
    handle.flush();
    handle.close();
  }
  return { bytes: files.reduce((sum, it) => sum + it.size, 0) };
}

async function* below(folder, ending) {
  for await (const [name, it] of folder.entries()) {
    if (it.kind === "directory") yield* below(it, ending);
    else if (name.endsWith(ending)) yield it;
  }
}

// Every file below a folder whose name ends so, piece by piece; each piece is handed on before the next is read.
async function readAll({ path, ending, piece_bytes }, begin) {
  let bytes = 0;
  for await (const file of below(await folder(path, false), ending)) {
    const handle = await file.createSyncAccessHandle();
    const size = handle.getSize();
    const take = begin(size);
    const piece = new Uint8Array(piece_bytes);
    for (let at = 0; at < size; at += piece_bytes) {
      const n = handle.read(piece.subarray(0, Math.min(piece_bytes, size - at)), { at });
      take(piece.subarray(0, n), at);
    }
    handle.close();
    bytes += size;
  }
  return { bytes };
}

function drop(given) {
  return readAll(given, () => () => {});
}

async function upload(given) {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const { queue } = device;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const start = performance.now();
  const told = await readAll(given, (size) => {
    const buffers = [];
    for (let at = 0; at < size; at += BINDING_BYTES) {
      buffers.push(device.createBuffer({ size: Math.ceil(Math.min(BINDING_BYTES, size - at) / 4) * 4, usage }));
    }
    return (piece, at) => {
      const whole = piece.length - (piece.length % 4);
      queue.writeBuffer(buffers[Math.floor(at / BINDING_BYTES)], at % BINDING_BYTES, piece, 0, whole);
    };
  });
  await queue.onSubmittedWorkDone();
  const seconds = (performance.now() - start) / 1000;
  device.destroy();
  return { ...told, seconds };
}

const MEASURES = { copy, drop, upload };

onmessage = async ({ data: { what, given } }) => {
  try {
    const start = performance.now();
    const told = await MEASURES[what](given);
    postMessage({ done: { seconds: (performance.now() - start) / 1000, ...told } });
  } catch (error) {
    postMessage({ failed: String(error.stack ?? error) });
  }
};
