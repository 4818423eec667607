/**
 * Writes safetensors bodies, in the order given and without padding: the reader must cope with any.
 *
 * @param {Record<string, {dtype: string, shape: number[], data: Uint8Array|Float32Array}>} tensors
 * @param {Record<string, string>} [metadata]
 * @returns {ArrayBuffer}
 */
export function bodyOf(tensors, metadata = {}) {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const data_offsets = [at, (at += data.byteLength)];
    return [name, { dtype, shape, data_offsets }];
  });
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const body = new Uint8Array(8 + header.length + at);
  new DataView(body.buffer).setBigUint64(0, BigInt(header.length), true);
  body.set(header, 8);
  let end = 8 + header.length;
  for (const { data } of Object.values(tensors)) {
    body.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), end);
    end += data.byteLength;
  }
  return body.buffer;
}
