/**
 * Colour maps for what is shown as a picture: 256 colours each, from few anchors with straight lines between them.
 * Leaves out which value has which colour: a painter takes a table and a range.
 *
 * viridis (van der Walt and Smith, CC0) and cividis (Nuñez, Anderton and Renslow 2018, CC0) are within 2 levels of the
 * tables matplotlib publishes. diverging goes from blue over light grey to orange, both sides as dark as each other at
 * the same distance. Its two middle entries are neutral, so zero of a range [-m, m] is grey even where eight bits have
 * moved it: a quantised value is off by half a step of its own map, at most half an entry.
 *
 * @typedef {"grey"|"viridis"|"cividis"|"diverging"} ColourMap
 */

/** Entry and colour. @type {Record<ColourMap, readonly (readonly [number, string])[]>} */
const ANCHORS = {
  grey: [[0, "000000"], [255, "ffffff"]],
  viridis: [
    [0, "440154"], [23, "482173"], [46, "433e85"], [75, "355e8d"], [127, "21908d"], [147, "1fa287"], [162, "2ab07f"],
    [180, "46c06f"], [200, "70cf57"], [236, "cde11d"], [244, "e2e418"], [251, "f4e61e"], [255, "fde725"],
  ],
  cividis: [
    [0, "00224e"], [20, "003070"], [23, "013271"], [29, "143670"], [41, "293f6e"], [72, "4b546c"], [116, "727374"],
    [137, "858279"], [181, "b0a571"], [215, "d4c15f"], [239, "efd748"], [252, "fee434"], [255, "fee838"],
  ],
  diverging: [
    [0, "03528f"], [25, "1e74be"], [51, "4798e5"], [76, "81bbf6"], [102, "bbd9f9"], [127, "eeeeee"],
    [128, "eeeeee"], [153, "fdccb3"], [179, "f8a174"], [204, "e0773a"], [230, "b95308"], [255, "853a02"],
  ],
};

export const COLOUR_MAPS = /** @type {ColourMap[]} */ (Object.keys(ANCHORS));

const OPAQUE = 0xff000000;

/** @param {string} colour @returns {number[]} red, green, blue */
const channels = (colour) => [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16));

/** @type {Map<ColourMap, Uint32Array>} */
const tables = new Map();

/**
 * @param {ColourMap} name
 * @returns {Uint32Array} 256 pixels, ABGR, the same array each time: not to be written to
 */
export function colourTable(name) {
  let table = tables.get(name);
  if (!table) {
    table = tableOf(ANCHORS[name]);
    tables.set(name, table);
  }
  return table;
}

/** @param {readonly (readonly [number, string])[]} anchors */
function tableOf(anchors) {
  const table = new Uint32Array(256);
  for (let k = 1; k < anchors.length; k++) {
    const [[from, low], [to, high]] = [anchors[k - 1], anchors[k]];
    const [a, b] = [channels(low), channels(high)];
    for (let q = from; q <= to; q++) {
      const [red, green, blue] = a.map((value, i) => Math.round(value + ((b[i] - value) * (q - from)) / (to - from)));
      table[q] = OPAQUE + blue * 0x10000 + green * 0x100 + red;
    }
  }
  return table;
}

/**
 * The same colours as a background for a legend's bar, lowest value at the left.
 * @param {ColourMap} name
 */
export function cssGradient(name) {
  const stops = ANCHORS[name].map(([entry, colour]) => `#${colour} ${Number(((100 * entry) / 255).toFixed(2))}%`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
