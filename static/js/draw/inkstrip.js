/**
 * Paints ink flowing through a stack: a row for the stem and one for each module, a cell for each channel. What is
 * exactly zero stays empty. Between two rows stand the walls of the groups that lead from one to the other, and above
 * them what mixes channels. All in device pixels. Leaves out labels.
 *
 * @typedef {import("../model/grouping.js").Span} Span
 * @typedef {object} Strip
 * @property {number} channels
 * @property {{strength: Float32Array, groups: Uint16Array, reached: Uint8Array|null, turn: number}[]} rows  the stem and the modules
 * @property {readonly Span[]} spans
 * @property {"none"|"shuffle"|"pointwise"|"rotated"} mixing
 * @property {number[]} order  of a shuffle
 * @property {number} dyed  channel of the stem, -1 for all
 * @typedef {object} StripLayout
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {number} cell  height of a row's cells
 * @property {number} line  width of a hairline
 * @property {number[]} tops  of each row
 * @property {number} crossing  height of what mixes, above the walls; 0 where nothing does
 * @property {number} walls  height of the gap in which a module's walls stand
 * @typedef {{colour: (group: number) => string, surface: string, line: string, ink: string, soft: string, accent: string}} Palette
 */

const MARK = 10; // CSS pixels above the stem, for the dye's mark
const CELL = 18;
const WALLS = 8;
const CROSSING = 36;
const FEW_ROWS = 10; // with more of them a crossing is lower
const LOW = 24;
const MOST_LINES = 128; // of a shuffle; between them the others lie
const LATTICE = 8; // lines a side that stand for "each with each"
const LEAST_GROUP = 16; // CSS pixels of a group, so that its walls leave most of it
const LEAST_CELL = 5; // CSS pixels of a cell that has room for a dot or an edge

/**
 * @param {{rows: number, channels: number, mixed: boolean, width: number, scale: number}} what  width in CSS pixels
 * @returns {StripLayout}
 */
export function layoutStrip({ rows, channels, mixed, width, scale }) {
  const [mark, cell, walls, line] = [MARK, CELL, WALLS, 1].map((px) => Math.max(1, Math.round(px * scale)));
  const crossing = mixed ? Math.round((rows > FEW_ROWS ? LOW : CROSSING) * scale) : 0;
  const tops = [mark];
  for (let row = 1; row < rows; row++) tops.push(tops[row - 1] + cell + walls + (row > 1 ? crossing : 0));
  return { width: Math.round(width * scale), height: tops[rows - 1] + cell + line, channels, cell, line, tops, crossing, walls };
}

/** The left edge of a channel. @param {StripLayout} layout @param {number} channel */
export const edgeOf = ({ width, channels, line }, channel) => Math.round(((width - line) * channel) / channels);

/**
 * @param {StripLayout} layout
 * @param {number} x
 * @param {number} y
 * @returns {{row: number, channel: number}|null}  of the cell there
 */
export function cellOfStrip({ width, line, channels, tops, cell }, x, y) {
  const row = tops.findIndex((top) => y >= top && y <= top + cell);
  const channel = Math.floor((x / (width - line)) * channels);
  return row < 0 || channel < 0 || channel >= channels ? null : { row, channel };
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Strip} strip
 * @param {StripLayout} layout
 * @param {Palette} palette
 * @param {number} shown  rows that the ink has reached so far
 */
export function paintStrip(ctx, strip, layout, palette, shown) {
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.surface;
  ctx.fillRect(0, 0, layout.width, layout.height);
  strip.rows.forEach((_, row) => {
    if (row > 1 && layout.crossing) paintCrossing(ctx, strip, layout, palette, row, row < shown);
    paintRow(ctx, strip, layout, palette, row, row < shown);
    if (row > 0) paintWalls(ctx, strip, layout, palette, row);
  });
  if (strip.dyed >= 0) paintMark(ctx, strip, layout, palette);
}

/** @param {CanvasRenderingContext2D} ctx @param {Strip} strip @param {StripLayout} layout @param {Palette} palette @param {number} row @param {boolean} inked */
function paintRow(ctx, { rows, channels }, layout, palette, row, inked) {
  const { strength, groups, reached } = rows[row];
  const { cell, line, width } = layout;
  const top = layout.tops[row];
  const wide = (width - line) / channels >= LEAST_CELL * line;
  for (let c = 0; inked && c < channels; c++) {
    const [left, right] = [edgeOf(layout, c), edgeOf(layout, c + 1)];
    if (strength[c] > 0) {
      ctx.globalAlpha = strength[c];
      ctx.fillStyle = palette.colour(groups[c]);
      ctx.fillRect(left, top, Math.max(1, right - left), cell);
    } else if (reached?.[c] && wide) {
      ctx.globalAlpha = 1;
      ctx.fillStyle = palette.soft;
      const dot = 2 * line;
      ctx.fillRect(Math.round((left + right - dot) / 2), top + Math.round((cell - dot) / 2), dot, dot);
    }
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.line;
  if (wide) for (let c = 1; c < channels; c++) ctx.fillRect(edgeOf(layout, c), top, line, cell);
  ctx.fillRect(0, top, width, line);
  ctx.fillRect(0, top + cell, width, line);
  ctx.fillRect(0, top, line, cell);
  ctx.fillRect(width - line, top, line, cell);
}

/**
 * Where a module's groups end: from what they read to what they make, and down along it.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Strip} strip
 * @param {StripLayout} layout
 * @param {Palette} palette
 * @param {number} row
 */
function paintWalls(ctx, { spans, channels, rows }, layout, palette, row) {
  const { turn } = rows[row];
  const { tops, walls, cell, line } = layout;
  ctx.globalAlpha = 1;
  ctx.strokeStyle = palette.ink;
  ctx.lineWidth = spans.length * LEAST_GROUP * line > layout.width ? line : 2 * line;
  ctx.beginPath();
  for (const { in_start, out_start } of spans) {
    const [from, to] = [(in_start + turn) % channels, (out_start + turn) % channels];
    const [x0, x1] = [from, to].map((c) => edgeOf(layout, c) + line / 2);
    const along = in_start + turn < channels === out_start + turn < channels; // else its ends are on both sides of the edge
    if (along && from > 0) ctx.moveTo(x0, tops[row] - walls);
    if (along && from > 0 && to > 0) ctx.lineTo(x1, tops[row]);
    if (to === 0) continue;
    ctx.moveTo(x1, tops[row]);
    ctx.lineTo(x1, tops[row] + cell + line);
  }
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {Strip} strip @param {StripLayout} layout @param {Palette} palette @param {number} row @param {boolean} inked */
function paintCrossing(ctx, { mixing, order, channels, rows }, layout, palette, row, inked) {
  const { tops, cell, walls, crossing, line } = layout;
  const bottom = tops[row] - walls;
  const before = rows[row - 1];
  const centre = (/** @type {number} */ c) => (edgeOf(layout, c) + edgeOf(layout, c + 1)) / 2;
  /** @param {number} from @param {number} to @param {boolean} carries */
  const draw = (from, to, carries) => {
    ctx.globalAlpha = carries ? 0.6 : 0.7;
    ctx.strokeStyle = carries ? palette.colour(before.groups[from]) : palette.line;
    ctx.lineWidth = line;
    const [x0, x1, y0, y1] = [centre(from), centre(to), bottom - crossing + line, bottom];
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
    ctx.stroke();
  };
  const pairs = mixing === "shuffle" ? shuffled(order) : lattice(channels);
  const carries = (/** @type {number} */ from) => inked && before.strength[from] > 0;
  for (const now of [false, true]) for (const [from, to] of pairs) if (carries(from) === now) draw(from, to, now);
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.line;
  ctx.fillRect(0, tops[row - 1] + cell, layout.width, line);
}

/** @param {readonly number[]} order @returns {[number, number][]} from, to */
function shuffled(order) {
  const every = Math.ceil(order.length / MOST_LINES);
  return order.flatMap((from, to) => (from % every === 0 ? [/** @type {[number, number]} */ ([from, to])] : []));
}

/** @param {number} channels @returns {[number, number][]} */
function lattice(channels) {
  const some = Math.min(LATTICE, channels);
  const at = Array.from({ length: some }, (_, k) => Math.floor(((k + 0.5) * channels) / some));
  return at.flatMap((from) => at.map((to) => /** @type {[number, number]} */ ([from, to])));
}

/** @param {CanvasRenderingContext2D} ctx @param {Strip} strip @param {StripLayout} layout @param {Palette} palette */
function paintMark(ctx, { dyed }, layout, palette) {
  const half = 0.55 * layout.tops[0];
  const x = Math.min(layout.width - half, Math.max(half, (edgeOf(layout, dyed) + edgeOf(layout, dyed + 1)) / 2));
  ctx.fillStyle = palette.accent;
  ctx.beginPath();
  ctx.moveTo(x, layout.tops[0] - layout.line);
  ctx.lineTo(x - half, 0);
  ctx.lineTo(x + half, 0);
  ctx.fill();
}
