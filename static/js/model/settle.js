/**
 * What follows when one control moves: the number of groups that is possible, the sizes of a custom split,
 * and whether such a layer exists at all. Pure, so that no illegal state ever reaches the store.
 *
 * @typedef {import("../core/store.js").State} State
 * @typedef {import("./params.js").Params} Params
 * @typedef {import("./params.js").Key} Key
 * @typedef {{wanted: number, legal: number[]}} Moved  the number of groups that was asked for, and what there is
 */
import { describeLayer } from "./counts.js";
import { Illegal, groupSizes, hasChoice, legalGroups, nearest } from "./grouping.js";
import { number } from "./format.js";
import { defaultOf } from "./params.js";

/** @param {State} state */
export const legalFor = (state) =>
  legalGroups(state.scheme, state.in_channels, state.out_channels, state.base, state.sizes);

/**
 * The state after `patch`. Asked for outright, an illegal number of groups is refused; left to follow, it moves to
 * the nearest legal one.
 * @param {State} prev
 * @param {Partial<State>} patch
 * @param {number} wanted  groups to keep to where the scheme has a choice
 * @returns {{state: State, moved: Moved|null}}
 * @throws {Illegal}
 */
export function settle(prev, patch, wanted) {
  const next = { ...prev, ...patch };
  if (next.scheme !== "custom") next.sizes = [];
  else if (prev.scheme !== "custom" && !patch.sizes) next.sizes = groupSizes(prev);
  const legal = legalFor(next);
  if (!hasChoice(next.scheme)) next.groups = legal[0] ?? prev.groups;
  else if (patch.groups === undefined) next.groups = nearest(legal, wanted);
  checkLayer(next);
  if (next.selected !== null && next.selected >= next.groups) next.selected = null;
  const stays = !hasChoice(next.scheme) || patch.groups !== undefined || next.groups === wanted;
  return { state: next, moved: stays ? null : { wanted, legal } };
}

/**
 * @param {State} state
 * @throws {Illegal}
 */
function checkLayer(state) {
  const layer = describeLayer({ ...state, height: state.size, width: state.size });
  // Counts stay exact integers: what passes 2^53 - 1 is refused here as it is by the server.
  const most = [layer.fully_connected, layer.standard].flatMap(({ flops, params, memory_access_bytes }) => [flops, params, memory_access_bytes]);
  if (Math.max(...most) > Number.MAX_SAFE_INTEGER) throw new Illegal("size");
}

/**
 * Why the number of groups is not what it was.
 * @param {State} state
 * @param {Moved} moved
 */
export function movedSentence(state, { wanted, legal }) {
  const { in_channels: a, out_channels: b, scheme, base } = state;
  const channels = a === b ? `${number(a)} channels` : `${number(a)} → ${number(b)} channels`;
  if (scheme === "logarithmic") {
    return `${channels} leave room for at most ${state.groups} logarithmic groups of base ${base}, not ${wanted}.`;
  }
  const around = [legal.findLast((n) => n < wanted), legal.find((n) => n > wanted)].filter((n) => n !== undefined);
  return `${channels} can’t be split into ${wanted} equal groups. Nearest: ${around.join(" or ")}.`;
}

/**
 * A pasted link, key by key legal, as one legal state.
 * @param {State} asked
 * @param {Params} params
 * @returns {{state: State, errors: {field: Key, message: string}[]}}
 */
export function settleLink(asked, params) {
  const errors = /** @type {{field: Key, message: string}[]} */ ([]);
  /** @param {Key} field @param {string} what @param {Key[]} keys */
  const replace = (field, what, keys) => {
    const patch = Object.fromEntries(keys.map((key) => [key, defaultOf(key, params)]));
    errors.push({ field, message: `The link asks for ${what}. Using ${Object.values(patch).join(", ")} instead.` });
    return patch;
  };
  let state = asked;
  const mended = /** @type {Set<string|null>} */ (new Set());
  for (;;) {
    try {
      const settled = settle({ ...state, scheme: "standard" }, sizedPatch(state), state.groups);
      if (settled.moved) errors.push({ field: "groups", message: movedSentence(settled.state, settled.moved) });
      return { state: settled.state, errors };
    } catch (error) {
      if (!(error instanceof Illegal)) throw error;
      // What is wrong once more lies elsewhere, such as in a padding without end: all of the layer is replaced.
      const patch = mended.has(error.field) ? replace("size", "a layer that can’t be", SHAPE) : mend(error.field, replace);
      mended.add(error.field);
      state = { ...state, ...patch };
    }
  }
}

const SHAPE = /** @type {Key[]} */ (["in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "scheme", "size"]);

/** @param {State} state */
const sizedPatch = ({ scheme, sizes }) => (scheme === "custom" ? { scheme, sizes } : { scheme });

/**
 * @param {string|null} field
 * @param {(field: Key, what: string, keys: Key[]) => object} replace
 */
function mend(field, replace) {
  switch (field) {
    case "kernel_size":
      return replace("kernel_size", "a kernel larger than its padded input", ["kernel_size", "padding", "dilation", "size"]);
    case "size":
      return replace("size", "a layer too large to count exactly", ["in_channels", "out_channels", "size"]);
    default:
      return replace("scheme", "a split that does not fit its channels", ["scheme"]);
  }
}
