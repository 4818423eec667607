/**
 * The connectivity matrix, C_out rows by C_in columns, one canvas pixel a connection; the page scales it up.
 * A pixel that is not connected stays transparent.
 *
 * @typedef {import("../model/grouping.js").Span} Span
 */

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {readonly Span[]} groups
 * @param {number|null} selected
 * @param {(index: number) => string} colour
 */
export function paintMatrix(ctx, groups, selected, colour) {
  ctx.clearRect(0, 0, ctx.canvas.width, ctx.canvas.height);
  for (const { index, in_start, in_channels, out_start, out_channels } of groups) {
    ctx.globalAlpha = selected === null || selected === index ? 1 : 0.3;
    ctx.fillStyle = colour(index);
    ctx.fillRect(in_start, out_start, in_channels, out_channels);
  }
  ctx.globalAlpha = 1;
}

/**
 * The group whose block holds a connection, or null where it is cut.
 * @param {readonly Span[]} groups
 * @param {number} input
 * @param {number} output
 * @returns {number|null}
 */
export function groupOfConnection(groups, input, output) {
  const found = groups.find((g) => input < g.in_start + g.in_channels);
  if (!found || output < found.out_start || output >= found.out_start + found.out_channels) return null;
  return found.index;
}
