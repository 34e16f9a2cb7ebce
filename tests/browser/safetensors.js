// Writes tensors of f32 as a safetensors file.

// Pieces of one site, which come in runs of positions: [n_pos, ..], or [n_heads, n_pos, n_src] for a pattern.
export function joined(site, pieces) {
  pieces.sort((a, b) => a.first - b.first);
  const axis = site.endsWith("hook_pattern") ? 1 : 0;
  const shape = [...pieces[0].shape];
  shape[axis] = pieces.reduce((sum, it) => sum + it.shape[axis], 0);
  const outer = axis === 0 ? 1 : shape[0];
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  let at = 0;
  for (let head = 0; head < outer; head++) {
    for (const it of pieces) {
      const run = it.values.length / outer;
      values.set(it.values.subarray(head * run, (head + 1) * run), at);
      at += run;
    }
  }
  return { shape, values };
}

// `tensors` maps names to { shape, values: Float32Array }.
export function safetensors(tensors) {
  const header = {};
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const out = new Uint8Array(8 + text.length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(new TextEncoder().encode(text), 8);
  let at = 8 + text.length;
  for (const { values } of tensors.values()) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return out;
}

export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
