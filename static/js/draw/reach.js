/** Fills a boolean matrix of reachability: a pixel a pair, in the colour of its row's group where the two are connected. */

const OPAQUE = 0xff000000;

/** @param {string} hex  #rrggbb @returns {number} ABGR */
export function pixelOf(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return OPAQUE + blue * 0x10000 + green * 0x100 + red;
}

/**
 * @param {readonly string[]} rows  row o, character i: 1 where stem channel i can reach channel o
 * @param {ArrayLike<number>} groups  of each row
 * @param {(group: number) => number} colour  ABGR
 * @param {number} empty  ABGR
 */
export function fillReach(rows, groups, colour, empty) {
  const cells = new Uint32Array(rows.length * rows.length).fill(empty);
  rows.forEach((row, o) => {
    const pixel = colour(groups[o]);
    for (let i = row.indexOf("1"); i >= 0; i = row.indexOf("1", i + 1)) cells[o * rows.length + i] = pixel;
  });
  return cells;
}
