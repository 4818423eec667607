/**
 * One-click ways out of a split that does not fit its channels.
 *
 * @typedef {import("../core/store.js").State} State
 * @typedef {import("./params.js").Key} Key
 * @typedef {{label: string, patch: Partial<State>}} Way
 */
import { number } from "./format.js";
import { readValue, writeValue } from "./params.js";

/**
 * @param {State} state  as asked for, impossible as it stands
 * @param {import("./params.js").Params} params  no way leads past their limits
 * @returns {Way[]}
 */
export function waysOut(state, params) {
  return waysOf(state).filter(({ patch }) =>
    Object.entries(patch).every(([key, value]) => {
      const field = /** @type {Key} */ (key);
      return readValue(field, writeValue(field, value), params) !== undefined;
    }),
  );
}

/**
 * @param {State} state
 * @returns {Way[]}
 */
function waysOf(state) {
  if (state.scheme === "depthwise") return outOfDepthwise(state);
  if (state.scheme === "custom" && state.sizes.length) return outOfCustom(state);
  return [];
}

/**
 * The nearest multiple of the input channels, ties up: as compute/grouping.py says it.
 * @param {State} state
 */
function outOfDepthwise({ in_channels: a, out_channels: b }) {
  if (b % a === 0) return [];
  const near = Math.max(a, Math.floor((2 * b + a) / (2 * a)) * a);
  return [{ label: `Set output channels to ${number(near)}`, patch: { out_channels: near } }];
}

/** @param {State} state */
function outOfCustom({ in_channels, out_channels, sizes }) {
  const ins = sizes.reduce((sum, [a]) => sum + a, 0);
  const outs = sizes.reduce((sum, [, b]) => sum + b, 0);
  if (ins === in_channels && outs === out_channels) return [];
  const [a, b] = sizes[sizes.length - 1];
  const last = /** @type {[number, number]} */ ([a + in_channels - ins, b + out_channels - outs]);
  const ways = [
    {
      label: `Set channels to ${number(ins)} → ${number(outs)}`,
      patch: /** @type {Partial<State>} */ ({ in_channels: ins, out_channels: outs }),
    },
  ];
  if (Math.min(...last) >= 1) {
    ways.unshift({ label: `Make the last group ${last.join("×")}`, patch: { sizes: [...sizes.slice(0, -1), last] } });
  }
  return ways;
}
