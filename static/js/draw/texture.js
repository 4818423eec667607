/** Textures over a group's colour, for canvases: from the ninth group on they carry what colour no longer can. */

const CELL = 6; // CSS pixels

/** @typedef {import("../core/palette.js").Texture} Texture */

/** @type {Record<Texture, (ctx: CanvasRenderingContext2D, s: number) => void>} */
const STROKES = {
  solid() {},
  rising: (ctx, s) => line(ctx, [[-1, 1, 1, -1], [0, s, s, 0], [s - 1, s + 1, s + 1, s - 1]]),
  falling: (ctx, s) => line(ctx, [[-1, s - 1, 1, s + 1], [0, 0, s, s], [s - 1, -1, s + 1, 1]]),
  level: (ctx, s) => line(ctx, [[0, s / 2, s, s / 2]]),
  dots(ctx, s) {
    ctx.beginPath();
    ctx.arc(s / 2, s / 2, s / 4, 0, 2 * Math.PI);
    ctx.fill();
  },
};

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number[][]} segments
 */
function line(ctx, segments) {
  ctx.beginPath();
  for (const [x0, y0, x1, y1] of segments) {
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
  }
  ctx.stroke();
}

/** @type {Map<string, HTMLCanvasElement>} */
const cells = new Map();

/**
 * One cell of a texture, for createPattern.
 * @param {Texture} texture
 * @param {string} colour
 * @param {number} scale  device pixels per CSS pixel
 */
export function textureCell(texture, colour, scale) {
  const key = `${texture} ${colour} ${scale}`;
  let cell = cells.get(key);
  if (!cell) {
    cell = document.createElement("canvas");
    cell.width = cell.height = Math.round(CELL * scale);
    const ctx = /** @type {CanvasRenderingContext2D} */ (cell.getContext("2d"));
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = 1.5 * scale;
    STROKES[texture](ctx, cell.width);
    cells.set(key, cell);
  }
  return cell;
}
