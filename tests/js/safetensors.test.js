/** Bodies as the safetensors library writes them, whole and damaged. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { readSafetensors } from "../../static/js/model/safetensors.js";
import { bodyOf } from "./bodies.js";

// safetensors.numpy.save of maps uint8 (2, 2, 3) = 0..11, scale (0.5, 2), offset (-1, 0), metadata channels 3:5, note a
const FROM_PYTHON =
  "4AAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoiYSIsImNoYW5uZWxzIjoiMzo1In0sIm9mZnNldCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpb" +
  "Ml0sImRhdGFfb2Zmc2V0cyI6WzAsOF19LCJzY2FsZSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzgsMTZdfSwibWFw" +
  "cyI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOlsyLDIsM10sImRhdGFfb2Zmc2V0cyI6WzE2LDI4XX19IAAAgL8AAAAAAAAAPwAAAEAAAQIDBAUGBwgJCgs=";

/** @param {string} base64 */
function bufferOf(base64) {
  const bytes = Buffer.from(base64, "base64");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

test("reads what the library wrote", () => {
  const { metadata, tensors } = readSafetensors(bufferOf(FROM_PYTHON));
  assert.deepEqual(metadata, { note: "a", channels: "3:5" });
  assert.deepEqual(Object.keys(tensors), ["offset", "scale", "maps"]);
  assert.deepEqual(tensors.maps, { shape: [2, 2, 3], data: Uint8Array.from({ length: 12 }, (_, i) => i) });
  assert.deepEqual(tensors.scale, { shape: [2], data: Float32Array.of(0.5, 2) });
  assert.deepEqual(tensors.offset, { shape: [2], data: Float32Array.of(-1, 0) });
});

test("reads floats that stand at an odd address", () => {
  const maps = { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) };
  const scale = { dtype: "F32", shape: [2], data: Float32Array.of(0.25, -3) };
  const { tensors } = readSafetensors(bodyOf({ maps, scale }));
  assert.deepEqual(tensors.scale.data, Float32Array.of(0.25, -3));
  assert.deepEqual(tensors.maps.data, Uint8Array.of(1, 2, 3));
});

test("a body cut anywhere is refused, never half read", () => {
  const whole = bufferOf(FROM_PYTHON);
  for (const length of [0, 7, 8, 100, whole.byteLength - 1]) {
    assert.throws(() => readSafetensors(whole.slice(0, length)), /^Error: safetensors: .* is incomplete$/, `at ${length}`);
  }
});

test("a type the page does not know is named", () => {
  const body = bodyOf({ maps: { dtype: "BF16", shape: [2], data: Uint8Array.of(0, 0, 0, 0) } });
  assert.throws(() => readSafetensors(body), { message: "safetensors: maps has the unknown type BF16" });
});
