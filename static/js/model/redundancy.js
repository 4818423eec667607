/**
 * GET /api/stack/redundancy as the page reads it: two matrices, in which order their channels stand, and their files.
 *
 * @typedef {import("./grouping.js").Span} Span
 * @typedef {{layer: number|null, groups: (number|null)[], before: number|null, stem: number|null, stem_most: number}} Rank
 * @typedef {object} Redundancy
 * @property {number} channels
 * @property {Float32Array} correlation  (channels, channels), absolute
 * @property {Float32Array} covariance  (channels before, channels after)
 * @property {number[]} dead
 * @property {number[]} dead_before
 * @property {number[]} order_before
 * @property {Rank} rank
 * @property {number} samples
 * @property {number} rotation
 * @property {Span[]} groups
 */
import { float32Text } from "./format.js";
import { readSafetensors } from "./safetensors.js";

const FACTS = ["dead", "dead_before", "order_before", "rank", "samples", "rotation", "groups"];

/** @param {ArrayBuffer} buffer @returns {Redundancy} */
export function readRedundancy(buffer) {
  const { metadata, tensors: { correlation, covariance } } = readSafetensors(buffer);
  const facts = Object.fromEntries(FACTS.map((name) => [name, JSON.parse(metadata[name])]));
  return /** @type {Redundancy} */ ({ channels: correlation.shape[0], correlation: correlation.data, covariance: covariance.data, ...facts });
}

/** Channels in the order of the groups that made them. @param {Redundancy} redundancy */
export const orderAfter = ({ channels, rotation }) => Array.from({ length: channels }, (_, c) => (c + rotation) % channels);

/**
 * The group at each place of the order of display.
 * @param {Redundancy} redundancy
 * @param {"in"|"out"} end
 */
export function groupsInOrder({ channels, groups }, end) {
  const at = new Uint16Array(channels);
  for (const group of groups) at.fill(group.index, group[`${end}_start`], group[`${end}_start`] + group[`${end}_channels`]);
  return at;
}

/** The largest |value|; 0 of none. @param {Float32Array} values */
export function largest(values) {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
}

/**
 * A matrix as CSV, line by line: its first line and its first column name the channels.
 * @param {Float32Array} values
 * @param {number} channels
 * @param {string} corner  what rows and columns are
 */
export function* matrixCsv(values, channels, corner) {
  yield `${corner},${Array.from({ length: channels }, (_, c) => c).join(",")}\r\n`;
  for (let row = 0; row < channels; row++) {
    yield `${row},${Array.from(values.subarray(row * channels, (row + 1) * channels), float32Text).join(",")}\r\n`;
  }
}
