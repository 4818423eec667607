/** One-click ways out of a stack that cannot be. */
import { number } from "../../model/format.js";

/**
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../core/errors.js").WayOut} WayOut
 */

/**
 * @param {State} state  as it was asked for
 * @param {string|null} field  that the server named
 * @param {(patch: Partial<State>) => void} update
 * @returns {WayOut[]}
 */
export function waysOut(state, field, update) {
  /** @param {string} label @param {Partial<State>} patch */
  const way = (label, patch) => ({ label, run: () => update(patch) });
  switch (field) {
    case "kernel_size":
      return [-1, 1].map((by) => odd(state.kernel_size, by)).filter(([h, w]) => h > 0 && w > 0)
        .map((kernel_size) => way(`Use ${kernel_size[0]} × ${kernel_size[1]}`, { kernel_size }));
    case "stage":
      return [way("Halve nothing", { downsample: "none" }), way(`Stage of ${number(state.modules)}`, { stage: state.modules })];
    case "normalisation":
      return [way("No normalisation", { normalisation: "none" })];
    case "gain":
      return [way("Gain fan-in", { gain: "fan-in" })];
    case "size":
      return [way(`Size ${number(Math.max(1, state.size >> 1))}`, { size: Math.max(1, state.size >> 1) })];
    case "in_channels":
      return state.mixing === "rotated" ? [way("No mixing", { mixing: "none" })] : [];
    default:
      return [];
  }
}

/**
 * @param {readonly [number, number]} kernel
 * @param {number} by
 * @returns {[number, number]}
 */
const odd = ([h, w], by) => [h % 2 ? h : h + by, w % 2 ? w : w + by];
