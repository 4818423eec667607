/**
 * The server's own sentence about a value that the page could not take: the one place that owns the wording.
 *
 * @typedef {import("./store.js").State} State
 * @typedef {import("../model/params.js").Key} Key
 */
import { ApiError, getJson } from "./api.js";
import { layerQuery, mapsQuery } from "./url.js";

const MAPS_ONLY = new Set(["weights", "checkpoint", "seed", "gain", "relu", "image"]);
const FRAME = new Set(["height", "width"]);

/**
 * The layer is asked first: it owns most rules, and sends no maps should it see nothing wrong.
 * @param {State} state  the last good one
 * @param {Partial<Record<Key, string>>} raw  what was asked for, as text
 * @param {AbortSignal} signal
 * @returns {Promise<string|null>} null when the server sees nothing wrong or cannot be asked
 */
export async function explain(state, raw, signal) {
  const { size, ...others } = raw;
  if (!Object.keys(others).some((key) => MAPS_ONLY.has(key))) {
    const side = size ?? String(state.size);
    const told = await refusal("layer", layerQuery(state), { ...others, height: side, width: side }, signal);
    if (told && !(size !== undefined && FRAME.has(told.field ?? ""))) return told.sentence;
    if (size === undefined) return null;
  }
  const told = await refusal("feature-maps", `${mapsQuery(state)}&tile=1&channels=0:1`, raw, signal);
  return told && told.field !== "image" ? told.sentence : null;
}

/**
 * @param {string} endpoint
 * @param {string} good  query of the last good state
 * @param {Record<string, string>} raw  in place of what it says
 * @param {AbortSignal} signal
 * @returns {Promise<ApiError|null>}
 */
async function refusal(endpoint, good, raw, signal) {
  const query = new URLSearchParams(good);
  for (const [key, text] of Object.entries(raw)) query.set(key, text.trim());
  if (query.get("scheme") !== "custom") query.delete("sizes");
  try {
    await getJson(`/api/${endpoint}?${query}`, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return error;
  }
  return null;
}
