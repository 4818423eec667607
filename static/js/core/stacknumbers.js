/**
 * The stack in numbers, as GET /api/stack answers for each side: asked for once, read by many panels.
 *
 * @typedef {object} ModuleNumbers
 * @property {number} module
 * @property {number} height
 * @property {number} width
 * @property {number} rotation
 * @property {boolean} downsampled
 * @property {number} params
 * @property {number} macs
 * @property {number} mixing_params
 * @property {number} mixing_macs
 * @property {[number, number]} receptive_field
 * @property {number} connected
 * @property {number} share
 * @typedef {object} Numbers
 * @property {number} params
 * @property {number} macs
 * @property {{params: number, macs: number, flops: number}} ratios
 * @property {number[]|null} order
 * @property {ModuleNumbers[]} modules
 * @property {string[]} notes
 * @typedef {{a: Numbers, b: Numbers|null}} StackNumbers
 * @typedef {ReturnType<typeof createStackNumbers>} NumbersLoader
 */
import { canonical, numbersQuery } from "../model/stackstate.js";
import { getJson, sentenceOf } from "./api.js";
import { createLoader } from "./loader.js";

/**
 * @typedef {import("../model/stackstate.js").FrozenStackState} State
 * @param {object} deps
 * @param {import("../model/stackstate.js").StackStore} deps.store
 * @param {import("./errors.js").Errors} deps.errors
 * @param {(state: State, error: import("./api.js").ApiError) => import("./errors.js").WayOut[]} deps.waysOut
 */
export function createStackNumbers({ store, errors, waysOut }) {
  /** Where the last failure stands. @type {string|null|undefined} */
  let complained;

  /**
   * @param {State} state
   * @param {AbortSignal} signal
   * @returns {Promise<StackNumbers>}
   */
  async function load(state, signal) {
    const sides = /** @type {const} */ (["a", "b"]).filter((side) => side === "a" || state.compare);
    const [a, b = null] = await Promise.all(sides.map((side) => getJson(`/api/stack?${numbersQuery(state, side)}`, { signal })));
    return { a, b };
  }

  function good() {
    if (complained !== undefined) errors.clearFieldError(complained);
    complained = undefined;
  }

  /** @param {Error} error @param {State} state */
  function fail(error, state) {
    good();
    const refusal = /** @type {import("./api.js").ApiError} */ (error);
    const { field = null } = refusal;
    complained = field && document.getElementById(`${field}-message`) ? field : null;
    errors.showFieldError(complained, sentenceOf(error), waysOut(state, refusal));
  }

  /** @param {State} state */
  const key = (state) => `${numbersQuery(state)}|${state.compare ? numbersQuery(state, "b") : ""}`;
  return createLoader({ store, key, load, canonical, fail, good });
}
