/**
 * Reads a safetensors body: 8 bytes of header length, a JSON header, then raw little-endian tensors.
 * Leaves out writing, and the number types the server never sends.
 *
 * @typedef {Uint8Array|Float32Array} Numbers
 * @typedef {{shape: number[], data: Numbers}} Tensor
 * @typedef {{metadata: Record<string, string>, tensors: Record<string, Tensor>}} Body
 * @typedef {{dtype: string, shape: number[], data_offsets: [number, number]}} Entry
 */

/** @type {Record<string, Uint8ArrayConstructor|Float32ArrayConstructor>} */
const TYPES = { U8: Uint8Array, F32: Float32Array };

/**
 * @param {ArrayBuffer} buffer
 * @returns {Body} views into `buffer` wherever the alignment allows
 */
export function readSafetensors(buffer) {
  const start = 8 + headerLength(buffer);
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)),
  );
  const tensors = Object.entries(entries).map(([name, entry]) => [name, readTensor(buffer, start, name, entry)]);
  return { metadata, tensors: Object.fromEntries(tensors) };
}

/** @param {ArrayBuffer} buffer */
function headerLength(buffer) {
  const length = buffer.byteLength < 8 ? NaN : Number(new DataView(buffer).getBigUint64(0, true));
  if (!(8 + length <= buffer.byteLength)) throw new Error("safetensors: the header is incomplete");
  return length;
}

/**
 * @param {ArrayBuffer} buffer
 * @param {number} start  where the tensors begin
 * @param {string} name
 * @param {Entry} entry
 * @returns {Tensor}
 */
function readTensor(buffer, start, name, { dtype, shape, data_offsets: [from, to] }) {
  const Type = TYPES[dtype];
  if (!Type) throw new Error(`safetensors: ${name} has the unknown type ${dtype}`);
  const count = shape.reduce((product, side) => product * side, 1);
  const complete = to - from === count * Type.BYTES_PER_ELEMENT && start + to <= buffer.byteLength;
  if (!complete) throw new Error(`safetensors: ${name} is incomplete`);
  const aligned = (start + from) % Type.BYTES_PER_ELEMENT === 0;
  const data = aligned
    ? new Type(buffer, start + from, count)
    : new Type(buffer.slice(start + from, start + to));
  return { shape, data };
}
