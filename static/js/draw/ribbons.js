/**
 * The channel split: bands of input channels at the left, of output channels at the right, one ribbon a group.
 * Each group has a slot as high as its wider side, and both of its bands stand in the middle of it.
 *
 * @typedef {import("../model/grouping.js").Span} Span
 * @typedef {{top: number, height: number, inTop: number, inHeight: number, outTop: number, outHeight: number}} Slot
 * @typedef {object} RibbonLayout
 * @property {number} width
 * @property {number} height
 * @property {number} unit  height of a channel
 * @property {number} left  where the bands begin
 * @property {number} right  where they end
 * @property {number} every  one group in so many is drawn
 * @property {Slot[]} slots
 * @typedef {object} Inks
 * @property {(index: number) => string} colour
 * @property {(index: number) => import("../core/palette.js").Texture} texture
 * @property {string} ink
 * @property {string} soft
 * @property {string} surface
 * @property {string} font
 */
import { span } from "../model/format.js";
import { textureCell } from "./texture.js";

const BAND = 14; // width of a band
const GAP = 8; // between slots, while there is room
const APART = 3; // least distance of ribbons that are told apart; where there is less, some are left out
const THINNEST = 1.5; // of a ribbon that stands for its neighbours too
const LABEL = 18; // least height of a slot that carries text
const TEXTURED = 7; // least height of a slot that shows its texture
const TICK = 3; // least height of a channel that is drawn apart from its neighbours
const THREADS = 1600; // most threads in the whole picture
const SIDE = 16; // most channels a side that have threads, within one group

/**
 * @param {readonly Span[]} groups
 * @param {number} width
 * @param {number} height
 * @param {number} margin  for labels at both sides
 * @returns {RibbonLayout}
 */
export function ribbonLayout(groups, width, height, margin) {
  const channels = groups.reduce((sum, g) => sum + Math.max(g.in_channels, g.out_channels), 0);
  const room = (0.3 * height) / Math.max(1, groups.length - 1);
  const gap = room < 0.5 ? 0 : Math.min(GAP, room);
  const unit = (height - gap * (groups.length - 1)) / channels;
  let top = 0;
  const slots = groups.map((g) => {
    const slot = placeGroup(g, top, unit);
    top += slot.height + gap;
    return slot;
  });
  return { width, height, unit, left: margin, right: width - margin, every: thinning(height / groups.length), slots };
}

/**
 * An odd number, so that all eight colours are met.
 * @param {number} pitch  height there is for each group
 */
function thinning(pitch) {
  const every = Math.ceil(APART / pitch);
  return pitch >= 2 ? 1 : every + 1 - (every % 2);
}

/**
 * @param {Span} group
 * @param {number} top
 * @param {number} unit
 * @returns {Slot}
 */
function placeGroup(group, top, unit) {
  const inHeight = group.in_channels * unit;
  const outHeight = group.out_channels * unit;
  const height = Math.max(inHeight, outHeight);
  return {
    top,
    height,
    inTop: top + (height - inHeight) / 2,
    inHeight,
    outTop: top + (height - outHeight) / 2,
    outHeight,
  };
}

/** @param {Slot} slot */
function thickened(slot) {
  const more = (/** @type {number} */ side) => Math.max(THINNEST, side);
  return { ...slot, inHeight: more(slot.inHeight), outHeight: more(slot.outHeight) };
}

/**
 * The group at a height, or null above and below all of them; gaps belong to the nearer group.
 * @param {RibbonLayout} layout
 * @param {number} y
 * @returns {number|null}
 */
export function groupAt({ slots, height }, y) {
  if (y < 0 || y > height) return null;
  let low = 0;
  let high = slots.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const boundary = (slots[middle].top + slots[middle].height + slots[middle + 1].top) / 2;
    if (y > boundary) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {CanvasRenderingContext2D} ctx  in CSS pixels
 * @param {RibbonLayout} layout
 * @param {readonly Span[]} groups
 * @param {number|null} selected
 * @param {Inks} inks
 * @param {number} scale  device pixels per CSS pixel
 */
export function paintRibbons(ctx, layout, groups, selected, inks, scale) {
  ctx.clearRect(0, 0, layout.width, layout.height);
  const side = Math.min(SIDE, Math.floor(Math.sqrt(THREADS / groups.length)));
  for (const [index, slot] of layout.slots.entries()) {
    if (index % layout.every !== 0 && index !== selected && slot.height < APART) continue;
    const faded = selected !== null && selected !== index;
    paintGroup(ctx, layout, layout.every > 1 ? thickened(slot) : slot, groups[index], inks, { scale, side, alpha: faded ? 0.3 : 1 });
  }
  ctx.globalAlpha = 1;
  paintLabels(ctx, layout, groups, selected, inks);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {RibbonLayout} layout
 * @param {Slot} slot
 * @param {Span} group
 * @param {Inks} inks
 * @param {{scale: number, side: number, alpha: number}} how
 */
function paintGroup(ctx, layout, slot, group, inks, { scale, side, alpha }) {
  const colour = inks.colour(group.index);
  ctx.fillStyle = ctx.strokeStyle = colour;
  const ribbon = ribbonPath(layout, slot);
  ctx.globalAlpha = alpha * (slot.height < TICK ? 0.6 : 0.22);
  ctx.fill(ribbon);
  if (side > 0 && slot.height >= TICK) {
    ctx.globalAlpha = alpha * 0.4;
    ctx.lineWidth = 0.75;
    ctx.stroke(threadsPath(layout, slot, group, side));
  }
  ctx.globalAlpha = alpha;
  ctx.fill(bandsPath(layout, slot));
  const texture = inks.texture(group.index);
  if (texture !== "solid" && slot.height >= TEXTURED) {
    const pattern = ctx.createPattern(textureCell(texture, inks.surface, scale), "repeat");
    pattern?.setTransform(new DOMMatrix().scale(1 / scale));
    ctx.fillStyle = pattern ?? colour;
    ctx.fill(bandsPath(layout, slot));
    ctx.globalAlpha = alpha * 0.4;
    ctx.fill(ribbon);
  }
  if (layout.unit >= TICK) paintTicks(ctx, layout, slot, group, inks.surface);
}

/**
 * @param {RibbonLayout} layout
 * @param {Slot} slot
 */
function ribbonPath({ left, right }, slot) {
  const [a, b] = [left + BAND, right - BAND];
  const bend = (b - a) / 2;
  const path = new Path2D();
  path.moveTo(a, slot.inTop);
  path.bezierCurveTo(a + bend, slot.inTop, b - bend, slot.outTop, b, slot.outTop);
  path.lineTo(b, slot.outTop + slot.outHeight);
  const [inEnd, outEnd] = [slot.inTop + slot.inHeight, slot.outTop + slot.outHeight];
  path.bezierCurveTo(b - bend, outEnd, a + bend, inEnd, a, inEnd);
  path.closePath();
  return path;
}

/**
 * Threads from input to output channels: every connection of a small group, every second, third, … channel of a large one.
 * @param {RibbonLayout} layout
 * @param {Slot} slot
 * @param {Span} group
 * @param {number} side  most channels a side
 */
function threadsPath({ left, right, unit }, slot, group, side) {
  const [a, b] = [left + BAND, right - BAND];
  const bend = (b - a) / 3;
  const path = new Path2D();
  for (const i of thinned(group.in_channels, side)) {
    const y0 = slot.inTop + i * unit;
    for (const o of thinned(group.out_channels, side)) {
      const y1 = slot.outTop + o * unit;
      path.moveTo(a, y0);
      path.bezierCurveTo(a + bend, y0, b - bend, y1, b, y1);
    }
  }
  return path;
}

/**
 * Middles of at most `most` channels, evenly apart.
 * @param {number} channels
 * @param {number} most
 */
function thinned(channels, most) {
  const step = Math.ceil(channels / most);
  const count = Math.floor((channels - 1) / step) + 1;
  const first = (channels - (count - 1) * step) / 2;
  return Array.from({ length: count }, (_, i) => first + i * step);
}

/**
 * @param {RibbonLayout} layout
 * @param {Slot} slot
 */
function bandsPath({ left, right }, slot) {
  const path = new Path2D();
  path.rect(left, slot.inTop, BAND, slot.inHeight);
  path.rect(right - BAND, slot.outTop, BAND, slot.outHeight);
  return path;
}

/**
 * Lines between channels.
 * @param {CanvasRenderingContext2D} ctx
 * @param {RibbonLayout} layout
 * @param {Slot} slot
 * @param {Span} group
 * @param {string} surface
 */
function paintTicks(ctx, { left, right, unit }, slot, group, surface) {
  ctx.fillStyle = surface;
  ctx.globalAlpha = 1;
  const thin = Math.min(1, unit / 5);
  for (let i = 1; i < group.in_channels; i++) ctx.fillRect(left, slot.inTop + i * unit - thin / 2, BAND, thin);
  for (let o = 1; o < group.out_channels; o++) {
    ctx.fillRect(right - BAND, slot.outTop + o * unit - thin / 2, BAND, thin);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {RibbonLayout} layout
 * @param {readonly Span[]} groups
 * @param {number|null} selected
 * @param {Inks} inks
 */
function paintLabels(ctx, layout, groups, selected, inks) {
  ctx.font = inks.font;
  ctx.textBaseline = "middle";
  for (const [index, slot] of layout.slots.entries()) {
    if (slot.height < LABEL && index !== selected) continue;
    const { in_start, in_channels, out_start, out_channels } = groups[index];
    const middle = Math.min(layout.height - LABEL / 2, Math.max(LABEL / 2, slot.top + slot.height / 2));
    ctx.fillStyle = index === selected ? inks.ink : inks.soft;
    ctx.textAlign = "right";
    ctx.fillText(span(in_start, in_channels), layout.left - 8, middle);
    ctx.textAlign = "left";
    ctx.fillText(span(out_start, out_channels), layout.right + 8, middle);
  }
}
