/**
 * The server's own sentence about a value that the page could not take: the one place that owns the wording.
 *
 * @typedef {import("./store.js").State} State
 * @typedef {import("../model/params.js").Key} Key
 */
import { ApiError, getJson } from "./api.js";
import { layerQuery, mapsQuery } from "./url.js";

const MAPS_ONLY = new Set(["size", "weights", "seed", "gain", "relu", "image"]);

/**
 * @param {State} state  the last good one
 * @param {Partial<Record<Key, string>>} raw  what was asked for, as text
 * @param {AbortSignal} signal
 * @returns {Promise<string|null>} null when the server sees nothing wrong or cannot be asked
 */
export async function explain(state, raw, signal) {
  const keys = Object.keys(raw);
  const ofMaps = keys.some((key) => MAPS_ONLY.has(key));
  const query = new URLSearchParams(ofMaps ? mapsQuery(state) : `${layerQuery(state)}&${frame(state)}`);
  for (const key of keys) query.set(key, String(raw[/** @type {Key} */ (key)]).trim());
  if (query.get("scheme") !== "custom") query.delete("sizes");
  try {
    await getJson(`/api/${ofMaps ? "feature-maps" : "layer"}?${query}`, { signal });
  } catch (error) {
    const told = error instanceof ApiError && error.status === 422 && error.field !== "image";
    if (told) return error.sentence;
  }
  return null;
}

/** @param {State} state */
const frame = ({ size }) => `height=${size}&width=${size}`;
