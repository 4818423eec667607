/**
 * A split that follows the other controls: groups move to what the channels allow, custom sizes to their sums.
 *
 * @typedef {import("../core/store.js").Pair} Pair
 * @typedef {import("./grouping.js").GroupingSpec} GroupingSpec
 */
import { groupSizes, hasChoice, legalGroups, nearest } from "./grouping.js";

/** Every number of groups a split may have. @param {GroupingSpec} spec */
export const legalOf = ({ scheme, in_channels, out_channels, base, sizes }) =>
  legalGroups(scheme, in_channels, out_channels, base, sizes);

/**
 * Sizes and number of groups of `next`; a custom split begins with the sizes there were. Where the scheme is not
 * possible on these channels, the number stays.
 * @param {GroupingSpec} prev
 * @param {GroupingSpec} next
 * @returns {{sizes: Pair[], groups: number}}
 * @throws {import("./grouping.js").Illegal}
 */
export function settled(prev, next) {
  let sizes = /** @type {Pair[]} */ ([]);
  if (next.scheme === "custom") sizes = fitted(next.sizes.length ? next.sizes : groupSizes(prev), [next.in_channels, next.out_channels]);
  const legal = legalOf({ ...next, sizes });
  return { sizes, groups: hasChoice(next.scheme) ? nearest(legal, next.groups) : legal[0] ?? next.groups };
}

/**
 * Sizes whose sums are the channels: the last groups give or take what is missing.
 * @param {readonly Pair[]} sizes
 * @param {Pair} channels
 * @returns {Pair[]}
 */
function fitted(sizes, channels) {
  const kept = sizes.map((pair) => /** @type {Pair} */ ([...pair]));
  for (const at of /** @type {const} */ ([0, 1])) {
    let off = channels[at] - kept.reduce((sum, pair) => sum + pair[at], 0);
    for (let i = kept.length - 1; off !== 0 && i >= 0; i--) {
      const by = Math.max(off, 1 - kept[i][at]);
      kept[i][at] += by;
      off -= by;
    }
    if (off !== 0) return [channels];
  }
  return kept;
}
