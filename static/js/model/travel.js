/** Where a slider comes to rest that may only stop on some values. */

/**
 * `to` where it is legal, else the next legal value in the direction of travel, else the last one there is.
 * @param {readonly number[]} legal  ascending, not empty
 * @param {number} from
 * @param {number} to
 * @returns {number}
 */
export function travel(legal, from, to) {
  if (legal.includes(to)) return to;
  const ahead = to >= from ? legal.find((n) => n > to) : legal.findLast((n) => n < to);
  return ahead ?? (to >= from ? legal[legal.length - 1] : legal[0]);
}
