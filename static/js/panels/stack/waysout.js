/** One-click ways out of a stack that cannot be, or that is too much. */
import { counted, number } from "../../model/format.js";
import { settle } from "../../model/stackstate.js";

/**
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../core/errors.js").WayOut} WayOut
 * @typedef {{label: string, patch: Partial<import("../../model/stackstate.js").StackState>}} Way
 */

const LEAST_SIZE = 16; // of a picture that the size is halved to

/**
 * @param {State} state  as it was asked for
 * @param {{code?: string, field?: string|null}} error  the server's
 * @param {(patch: Way["patch"]) => void} update
 * @returns {WayOut[]}
 */
export const waysOut = (state, error, update) =>
  waysOf(state, error).filter(({ patch }) => !holds(state, patch)).map(({ label, patch }) => ({ label, run: () => update(patch) }));

/** Whether a state is so already: then it is no way out. @param {State} state @param {Way["patch"]} patch */
const holds = (state, patch) =>
  /** @type {(keyof Way["patch"])[]} */ (Object.keys(patch)).every((key) => JSON.stringify(patch[key]) === JSON.stringify(state[key]));

/**
 * @param {State} state
 * @param {{code?: string, field?: string|null}} error
 * @returns {Way[]}
 */
function waysOf(state, { code, field }) {
  if (code === "too_much_work") return [...halfTheSize(state), ...halfTheChannels(state)];
  switch (field) {
    case "kernel_size":
      return [-1, 1].map((by) => odd(state.kernel_size, by)).filter(([h, w]) => h > 0 && w > 0)
        .map((kernel_size) => ({ label: `Use ${kernel_size[0]} × ${kernel_size[1]}`, patch: { kernel_size } }));
    case "stage":
      return [{ label: "Halve nothing", patch: { downsample: "none" } }, { label: `Stage of ${number(state.modules)}`, patch: { stage: state.modules } }];
    case "normalisation":
      return [{ label: "No normalisation", patch: { normalisation: "none" } }];
    case "gain":
      return [{ label: "Gain fan-in", patch: { gain: "fan-in" } }];
    case "size":
      return halfTheSize(state);
    case "in_channels":
      return state.mixing === "rotated" ? [{ label: "No mixing", patch: { mixing: "none" } }] : [];
    default:
      return [];
  }
}

/** @param {State} state @returns {Way[]} */
function halfTheSize({ size }) {
  const half = Math.max(LEAST_SIZE, size >> 1);
  return size > LEAST_SIZE ? [{ label: `Size ${number(half)}`, patch: { size: half } }] : [];
}

/**
 * Where both splits keep their groups: as many of them, or, of a custom one, each half as large.
 * @param {State} state
 * @returns {Way[]}
 */
function halfTheChannels(state) {
  const in_channels = state.in_channels >> 1;
  if (in_channels < (state.mixing === "rotated" ? 4 : 1)) return [];
  const sides = state.compare ? /** @type {const} */ (["", "b_"]) : /** @type {const} */ ([""]);
  const customs = sides.filter((prefix) => state[`${prefix}scheme`] === "custom");
  if (customs.some((prefix) => state[`${prefix}sizes`].flat().some((size) => size % 2))) return [];
  /** @type {Way["patch"]} */
  const patch = { in_channels };
  for (const prefix of customs) patch[`${prefix}sizes`] = state[`${prefix}sizes`].map(([a, b]) => [a / 2, b / 2]);
  const next = settle(state, patch);
  const kept = sides.every((prefix) => state[`${prefix}scheme`] === "depthwise" || next[`${prefix}groups`] === state[`${prefix}groups`]);
  return kept ? [{ label: counted(in_channels, "channel"), patch }] : [];
}

/**
 * @param {readonly [number, number]} kernel
 * @param {number} by
 * @returns {[number, number]}
 */
const odd = ([h, w], by) => [h % 2 ? h : h + by, w % 2 ? w : w + by];
