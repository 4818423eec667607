/**
 * The module as a drawing: what comes in, how it is mixed, the groups, the identity around them, the sum, what leaves.
 * Bars stand for the channels, in their order and proportion; a channel has the colour of the group it belongs to.
 *
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../model/grouping.js").Span} Span
 * @typedef {import("../../model/stacksections.js").Part} Part
 */
import { COLOURS } from "../../core/palette.js";
import { counted, number } from "../../model/format.js";
import { partsOf } from "../../model/stacksections.js";
import { pooledAt, rotationOf, sideLength, spansOf } from "../../model/stackstate.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const [TOP, TALL, WIDE] = [44, 168, 760];
const BAR = 12;
const LABELLED = 13; // units of height that a label needs
const MOST_LINES = 128; // of a shuffle: more would be a grey field

/**
 * @param {string} name
 * @param {Record<string, string|number|undefined>} attributes
 * @param {...(Node|string)} children
 */
function svg(name, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** @param {number} index */
const colour = (index) => `var(--group-${(index % COLOURS) + 1})`;

/**
 * @param {State} state
 * @param {"a"|"b"} side
 * @param {readonly number[]|null} order  of a shuffle
 * @returns {SVGElement}
 */
export function drawModule(state, side, order) {
  const { module, in_channels: total } = state;
  const spans = spansOf(state, side);
  const turn = rotationOf(state, module);
  /** @param {number} channel */
  const y = (channel) => TOP + (TALL * channel) / total;
  const mixed = module > 1 && (state.mixing === "shuffle" || state.mixing === "pointwise");
  const pooled = pooledAt(state, module);
  const [halved, mixing] = [pooled ? 134 : 0, mixed ? (pooled ? 86 : 130) : 0]; // what stands before the groups needs room
  const [first, read] = [60 + halved, 60 + halved + mixing];
  const x = { before: 60, first, read, conv: Math.max(170, read + 70), write: 440, norm: 490, sum: 560, relu: 610, out: 690 };

  /** @param {number} left @param {Part[]} parts @param {string} name */
  const bar = (left, parts, name) => svg("g", {}, ...parts.map(({ index, from, to }) =>
    svg("rect", { x: left, y: y(from), width: BAR, height: Math.max(0.5, y(to) - y(from)), fill: colour(index), class: "part" })),
    label(left + BAR / 2, TOP + TALL + 18, name));

  /** @param {number} at @param {number} up @param {string} text @param {string} [cls] */
  const label = (at, up, text, cls = "") => svg("text", { x: at, y: up, class: `diagram-label ${cls}` }, text);

  const was = partsOf(spans, "out", module > 1 ? rotationOf(state, module - 1) : 0, total);
  const reads = partsOf(spans, "in", turn, total);
  const writes = partsOf(spans, "out", turn, total);
  const pieces = [];

  if (module === 0) {
    pieces.push(svg("rect", { x: 60, y: TOP, width: BAR, height: TALL, class: "picture" }), label(66, TOP + TALL + 18, "3 colours"),
      box(300, TOP + TALL / 2, "stem, 3 × 3, ReLU"), line(60 + BAR, 220), line(380, x.out), bar(x.out, reads, `${number(total)} channels`));
    return frame(pieces);
  }
  /** @param {number} from @param {number} to @param {number} [up] */
  function line(from, to, up = TOP + TALL / 2) {
    return svg("line", { x1: from, y1: up, x2: to, y2: up, class: "wire" });
  }
  /** @param {number} at @param {number} up @param {string} text */
  function box(at, up, text) {
    const half = 6 + text.length * 3.6;
    return svg("g", {}, svg("rect", { x: at - half, y: up - 12, width: 2 * half, height: 24, class: "box" }), label(at, up + 5, text));
  }

  pieces.push(bar(x.before, module === 1 ? reads : was, module === 1 ? "from the stem" : `from module ${module - 1}`));
  if (pooled) {
    const middle = (x.before + BAR + x.first) / 2;
    pieces.push(line(x.before + BAR, x.first), box(middle, TOP + TALL / 2, `2 × 2 ${state.downsample}`), bar(x.first, was, "halved"));
  }
  if (mixed) {
    if (state.mixing === "shuffle" && order) pieces.push(...shuffleLines(order, was, x.first + BAR, x.read, y));
    else pieces.push(svg("path", { d: `M${x.first + BAR} ${y(0)}L${x.read} ${y(total)}V${y(0)}L${x.first + BAR} ${y(total)}Z`, class: "mesh" }));
    pieces.push(label((x.first + BAR + x.read) / 2, TOP - 10, state.mixing === "shuffle" ? "shuffle" : "1 × 1"), bar(x.read, reads, "read"));
  }
  for (const { index, from, to } of reads) {
    const target = writes.filter((part) => part.index === index);
    for (const part of target) {
      pieces.push(svg("path", {
        d: `M${x.read + BAR} ${y(from)}C${x.conv} ${y(from)} ${x.conv} ${y(part.from)} ${x.write} ${y(part.from)}V${y(part.to)}C${x.conv} ${y(part.to)} ${x.conv} ${y(to)} ${x.read + BAR} ${y(to)}Z`,
        fill: colour(index), class: "ribbon",
      }));
    }
  }
  const kernel = state.kernel_size.join(" × ");
  for (const span of spans) {
    const middle = writes.filter((part) => part.index === span.index).reduce((best, part) => (part.to - part.from > best.to - best.from ? part : best));
    const room = y(middle.to) - y(middle.from);
    if (room >= LABELLED) {
      pieces.push(label(Math.min((x.conv + x.write) / 2, x.write - 75), (y(middle.from) + y(middle.to)) / 2 + 4,
        `${span.index + 1}:  ${kernel}, ${number(span.in_channels)} → ${number(span.out_channels)}`, "on-ribbon"));
    }
  }
  pieces.push(bar(x.write, writes, "convolution"));
  const normal = state.normalisation;
  pieces.push(line(x.write + BAR, x.out));
  if (normal === "conv") pieces.push(box(x.norm, TOP + TALL / 2, "norm"));
  if (state.residual) {
    pieces.push(svg("path", { d: `M${x.read + BAR / 2} ${TOP}V${TOP - 26}H${x.sum}V${TOP + TALL / 2 - 10}`, class: "wire identity" }),
      label((x.read + x.sum) / 2, TOP - 31, "identity: each channel to itself"),
      svg("circle", { cx: x.sum, cy: TOP + TALL / 2, r: 10, class: "box" }), label(x.sum, TOP + TALL / 2 + 5, "+"));
  }
  if (normal === "sum") pieces.push(box(x.relu - 10, TOP + TALL / 2, "norm"));
  if (state.relu) pieces.push(box(x.relu + (normal === "sum" ? 36 : 18), TOP + TALL / 2, "ReLU"));
  pieces.push(bar(x.out, writes, `module ${module}`));
  return frame(pieces);

  /** @param {Node[]} drawn */
  function frame(drawn) {
    const side = sideLength(state, module);
    const text = module === 0 ? "The stem: three colours in, one map a channel out." : sentence(state, spans, side);
    return svg("svg", { viewBox: `0 0 ${WIDE} ${TOP + TALL + 28}`, class: "diagram", role: "img", "aria-label": text }, ...drawn);
  }
}

/**
 * The drawing in words.
 * @param {State} state
 * @param {readonly Span[]} spans
 * @param {number} side
 */
function sentence(state, spans, side) {
  const sizes = spans.slice(0, 8).map(({ in_channels, out_channels }) => `${in_channels} to ${out_channels}`).join(", ");
  const mixing = { none: "", shuffle: "channels are shuffled, ", pointwise: "a 1 × 1 convolution mixes all channels, ", rotated: "" }[state.mixing];
  const pooling = pooledAt(state, state.module) ? `2 × 2 ${state.downsample} pooling halves what comes in, ` : "";
  const before = pooling + (state.module > 1 ? mixing : "");
  const turn = rotationOf(state, state.module);
  const groups = `${counted(spans.length, "group")}${turn ? `, moved by ${counted(turn, "channel")},` : ""} ${spans.length === 1 ? "convolves" : "convolve"}`;
  const norm = { none: "", conv: ", normalised", sum: "" }[state.normalisation];
  const sum = state.residual ? `, the module’s input is added${state.normalisation === "sum" ? " and the sum normalised" : ""}` : "";
  return `Module ${state.module}, ${side} × ${side} pixels: ${before}${groups} ${sizes}${spans.length > 8 ? " and so on" : ""} channels${norm}${sum}${state.relu ? ", then ReLU" : ""}.`;
}

/**
 * @param {readonly number[]} order
 * @param {readonly Part[]} was
 * @param {number} from
 * @param {number} to
 * @param {(channel: number) => number} y
 */
function shuffleLines(order, was, from, to, y) {
  const step = Math.ceil(order.length / MOST_LINES);
  return order.flatMap((channel, place) => {
    if (place % step) return [];
    const part = was.find((each) => each.from <= channel && channel < each.to);
    return [svg("line", { x1: from, y1: y(channel + 0.5), x2: to, y2: y(place + 0.5), stroke: colour(part?.index ?? 0), class: "thread" })];
  });
}
