/** States for the tests: the defaults with a few keys changed. */
import { parseQuery } from "../../static/js/core/url.js";

/**
 * @param {Partial<import("../../static/js/core/store.js").State>} patch
 * @returns {import("../../static/js/core/store.js").State}
 */
export const stateOf = (patch = {}) => ({ ...parseQuery("", {}).state, ...patch });
