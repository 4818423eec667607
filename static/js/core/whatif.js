/**
 * The network on screen beside its variant, as POST /api/networks/whatif answers: one request, read by many panels.
 *
 * @typedef {number|string} Count  a string beyond 2^53, where a number would lose digits
 * @typedef {object} NetworkRow
 * @property {number} index
 * @property {string} name
 * @property {string} kind
 * @property {string[]} inputs
 * @property {number} in_channels
 * @property {number} out_channels
 * @property {[number, number]|null} kernel_size
 * @property {[number, number]|null} stride
 * @property {[number, number]|null} padding
 * @property {[number, number]|null} dilation
 * @property {{scheme: string, groups: number, base: number|null, sizes: [number, number][]|null, text: string}|null} grouping
 * @property {number[]} output_shape
 * @property {Count|null} fully_connected_weights
 * @typedef {NetworkRow & Record<string, any>} Row
 * @typedef {{name: string, source: string, convention: string, published: Record<string, number|null>|null,
 *   input_shape: number[], rows: Row[], totals: Record<string, Count>}} Analysis
 * @typedef {{name: string, changed: boolean, edited: boolean, left_alone: string|null, deltas: Record<string, Count>,
 *   ratios: Record<string, number|null>, halving: Record<string, any>|null}} LayerChange
 * @typedef {{target: string, wanted: Count, reached: Count, relative: number, factor: number}} Hold
 * @typedef {object} WhatIf
 * @property {Analysis} original
 * @property {Analysis} variant
 * @property {LayerChange[]} layers
 * @property {Record<string, Count>} deltas
 * @property {Record<string, number|null>} ratios
 * @property {Hold|null} hold
 * @property {string[]} notes
 * @typedef {ReturnType<typeof createWhatIf>} WhatIfLoader
 *
 * @typedef {import("../model/networkstate.js").NetworkState} NetworkState
 * @typedef {import("../model/networkstate.js").FrozenNetworkState} FrozenNetworkState
 * @typedef {import("../model/networkstate.js").Subject} Subject
 */
import { OWN, canonical, pinOf } from "../model/networkstate.js";
import { ownDocument } from "../model/own.js";
import { ApiError, postJson, sentenceOf } from "./api.js";
import { createLoader } from "./loader.js";

/**
 * An id stays one, the reader's own network goes along whole.
 * @param {import("../model/networkstate.js").Pin} pin
 * @returns {Subject}
 */
export const sent = (pin) => ({ ...pin, network: pin.network === OWN ? ownDocument() : pin.network });

/** @param {FrozenNetworkState} state @returns {Subject} */
export const subjectOf = (state) => sent(pinOf(state));

/** @param {FrozenNetworkState} state */
export const subjectKey = (state) => JSON.stringify(subjectOf(state));

/**
 * @param {Subject} subject
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<WhatIf>}
 */
export const askWhatIf = (subject, options) => postJson("/api/networks/whatif", subject, options);

/**
 * @param {object} deps
 * @param {import("../model/networkstate.js").NetworkStore} deps.store
 * @param {(error: Error, state: FrozenNetworkState) => void} deps.fail
 * @param {() => void} deps.good
 */
export const createWhatIf = ({ store, fail, good }) =>
  createLoader({
    store,
    key: subjectKey,
    load: (/** @type {FrozenNetworkState} */ state, signal) => askWhatIf(subjectOf(state), { signal }),
    canonical,
    fail,
    good,
  });

/**
 * The answer that one panel shows; what goes wrong stands in the panel's own message.
 * @template D
 * @param {object} deps
 * @param {import("../model/networkstate.js").NetworkStore} deps.store
 * @param {import("./errors.js").Errors} deps.errors
 * @param {string} panel  its id
 * @param {(state: FrozenNetworkState) => string} key  equal keys, equal answers
 * @param {(state: FrozenNetworkState, signal: AbortSignal) => Promise<D>} load
 */
export function createPanelLoader({ store, errors }, panel, key, load) {
  /** @param {Error} error */
  function fail(error) {
    const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    errors.showFieldError(panel, sentenceOf(error), refused ? [] : [{ label: "Try again", run: () => loader.refresh() }]);
  }
  const loader = createLoader({ store, key, load, canonical, fail, good: () => errors.clearFieldError(panel) });
  return loader;
}
