/**
 * Filters of a first layer as small pictures: filters in, pixels out. One image channel: grey, darker where a weight is
 * negative, the middle grey zero. Three: red, green and blue each so. All filters share one range, so that a strong one
 * looks strong. Leaves out where the canvas stands.
 *
 * @typedef {object} Filters
 * @property {number} count
 * @property {number} channels  1 or 3
 * @property {[number, number]} kernel  height, width
 * @property {Float32Array} values  (count, channels, height, width)
 * @typedef {{columns: number, rows: number, zoom: number, gap: number, width: number, height: number}} FilterLayout  canvas pixels
 */

const OPAQUE = 0xff000000;
const MIDDLE = 127.5;
const MOST_COLUMNS = 32;

/** The largest |weight|; 0 of none. @param {Float32Array} values */
export const reachOf = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/**
 * As many filters in a row as there is room for.
 * @param {Filters} filters
 * @param {number} available  canvas pixels across
 * @param {number} zoom  canvas pixels of a weight
 * @param {number} gap  between two filters
 * @returns {FilterLayout}
 */
export function layoutFilters({ count, kernel: [kh, kw] }, available, zoom, gap) {
  const fit = Math.max(1, Math.floor((available + gap) / (kw * zoom + gap)));
  const columns = Math.min(count, fit, MOST_COLUMNS);
  const rows = Math.ceil(count / columns);
  return { columns, rows, zoom, gap, width: columns * (kw * zoom + gap) - gap, height: rows * (kh * zoom + gap) - gap };
}

/**
 * @param {Uint32Array} pixels  ABGR, layout.width * layout.height of them; between filters left as they are
 * @param {Filters} filters
 * @param {FilterLayout} layout
 */
export function fillFilters(pixels, { count, channels, kernel: [kh, kw], values }, { columns, zoom, gap, width }) {
  const most = reachOf(values) || 1;
  const area = kh * kw;
  /** @param {number} filter @param {number} channel @param {number} tap */
  const level = (filter, channel, tap) => Math.round(MIDDLE + (MIDDLE * values[(filter * channels + channel) * area + tap]) / most);
  for (let filter = 0; filter < count; filter++) {
    const left = (filter % columns) * (kw * zoom + gap);
    const top = Math.floor(filter / columns) * (kh * zoom + gap);
    for (let tap = 0; tap < area; tap++) {
      const [red, green, blue] = [0, 1, 2].map((channel) => level(filter, channels === 1 ? 0 : channel, tap));
      const pixel = OPAQUE + blue * 0x10000 + green * 0x100 + red;
      const [x, y] = [left + (tap % kw) * zoom, top + Math.floor(tap / kw) * zoom];
      for (let line = y; line < y + zoom; line++) pixels.fill(pixel, line * width + x, line * width + x + zoom);
    }
  }
}
