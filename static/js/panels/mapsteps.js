/**
 * Where the cursor goes among the maps: left and right in the order of display, up and down to the nearest map of the next row,
 * whatever group it is in.
 *
 * @typedef {import("./mapgrid.js").Box} Box
 */

/** @param {Box} box */
const middle = ({ left, width }) => left + width / 2;

/**
 * @param {number} at  a place in the order of display
 * @param {number} count
 * @param {(place: number) => Box} boxOf
 * @param {1|-1} direction
 */
function nextRow(at, count, boxOf, direction) {
  const here = boxOf(at);
  let best = at;
  let bestScore = Infinity;
  for (let place = 0; place < count; place++) {
    const box = boxOf(place);
    const down = (box.top - here.top) * direction;
    if (down <= 0) continue;
    const score = down * 1e6 + Math.abs(middle(box) - middle(here));
    if (score < bestScore) [best, bestScore] = [place, score];
  }
  return best;
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} count
 * @param {(place: number) => Box} boxOf
 * @returns {number|null} the place to go to; null for any other key
 */
export function step(key, at, count, boxOf) {
  switch (key) {
    case "ArrowRight": return Math.min(count - 1, at + 1);
    case "ArrowLeft": return Math.max(0, at - 1);
    case "ArrowDown": return nextRow(at, count, boxOf, 1);
    case "ArrowUp": return nextRow(at, count, boxOf, -1);
    case "Home": return 0;
    case "End": return count - 1;
    default: return null;
  }
}
