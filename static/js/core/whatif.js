/**
 * The network on screen beside its variant, as POST /api/networks/whatif answers: asked for once, read by many panels.
 *
 * @typedef {import("../model/comparison.js").Count} Count
 * @typedef {import("../model/comparison.js").Row} Row
 * @typedef {import("../model/comparison.js").Analysis} Analysis
 * @typedef {import("../model/comparison.js").LayerChange} LayerChange
 * @typedef {import("../model/comparison.js").WhatIf} WhatIf
 * @typedef {ReturnType<typeof createWhatIf>} WhatIfLoader
 *
 * @typedef {import("../model/networkstate.js").NetworkState} NetworkState
 * @typedef {import("../model/networkstate.js").FrozenNetworkState} FrozenNetworkState
 * @typedef {import("../model/networkstate.js").Subject} Subject
 */
import { merged } from "../model/comparison.js";
import { OWN, canonical, pinOf } from "../model/networkstate.js";
import { postJson } from "./api.js";
import { createLoader } from "./loader.js";
import { createPanelLoader as createLoaderOf } from "./panelloader.js";

/**
 * An id stays one, the reader's own network goes along whole.
 * @param {FrozenNetworkState} state
 * @param {import("../model/networkstate.js").Pin} [pin]
 * @returns {Subject}
 */
export const subjectOf = (state, pin = pinOf(state)) => ({ ...pin, network: pin.network === OWN ? state.document : pin.network });

/** @param {FrozenNetworkState} state */
export const subjectKey = (state) => JSON.stringify(subjectOf(state));

/** The last network as it is, all its rows: every variant shares most of them. */
let plain = { key: "", answer: /** @type {Promise<WhatIf>|null} */ (null) };

/** @param {Subject["network"]} network */
function plainOf(network) {
  const key = JSON.stringify(network);
  if (plain.key !== key || !plain.answer) {
    plain = { key, answer: postJson("/api/networks/whatif", { network }) };
    plain.answer?.catch(() => (plain = { key: "", answer: null })); // asked again next time
  }
  return /** @type {Promise<WhatIf>} */ (plain.answer);
}

/**
 * @param {Subject} subject
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<WhatIf>}
 */
export async function askWhatIf(subject, options) {
  const [whole, changes] = await Promise.all([
    plainOf(subject.network),
    postJson("/api/networks/whatif", { ...subject, changed_only: true }, options),
  ]);
  return merged(whole, changes);
}

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
 * A panel's own answer; `last`: once the chart is there, which follows the finger.
 * @template D
 * @param {object} deps
 * @param {import("../model/networkstate.js").NetworkStore} deps.store
 * @param {import("./errors.js").Errors} deps.errors
 * @param {string} panel
 * @param {(state: FrozenNetworkState) => string} key
 * @param {(state: FrozenNetworkState, signal: AbortSignal) => Promise<D>} load
 * @param {{last?: boolean, exits?: (error: import("./api.js").ApiError) => import("./errors.js").WayOut[]}} [more]
 */
export const createPanelLoader = ({ store, errors }, panel, key, load, { last = false, exits } = {}) =>
  createLoaderOf({ store, errors, canonical }, panel, key, load, { after: last ? "curves" : "", exits });
