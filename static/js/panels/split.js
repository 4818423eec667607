/**
 * The channel split: ribbons and connectivity matrix, drawn from the model in the input's own task, with one group
 * selected by pointer or arrow keys, and a table that says the same in words.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../model/counts.js").Layer} Layer
 * @typedef {{store: import("../core/store.js").Store}} Deps
 */
import { h, listeners, qs, setText } from "../core/dom.js";
import { groupColour, groupTexture } from "../core/palette.js";
import { createSurface } from "../core/surface.js";
import { onTheme, token } from "../core/theme.js";
import { canonical } from "../core/url.js";
import { groupOfConnection, paintMatrix } from "../draw/matrix.js";
import { groupAt, paintRibbons, ribbonLayout } from "../draw/ribbons.js";
import { countLayer } from "../model/counts.js";
import { counted, number } from "../model/format.js";
import { same } from "../core/store.js";
import { CHANNELS, groupSentence, groupTable } from "./grouptable.js";

const AIR = 14; // around the channel ranges beside the bands
const THINNEST = 8; // least side of the matrix, so that 1 × 512 is still seen

/**
 * @param {HTMLElement} host
 * @param {Deps} deps
 */
export function createSplitPanel(host, { store }) {
  const view = build(host);
  const { on, end } = listeners();
  let size = { width: 0, height: 0, matrix: 0 };
  /** @type {ReturnType<typeof ribbonLayout>|null} */
  let layout = null;

  /** What keys or a press chose; a pointer that only passes borrows the selection. @type {number|null} */
  let chosen = null;

  /** @param {number|null} selected */
  const select = (selected) => store.update({ selected });

  function inks() {
    const font = `${getComputedStyle(host).fontSize} ${token("--font")}`;
    return {
      colour: groupColour,
      texture: groupTexture,
      ink: token("--ink"),
      soft: token("--ink-soft"),
      surface: token("--surface"),
      font,
    };
  }
  let ink = inks();

  /** @param {State} state @param {Layer} layer */
  function paint(state, layer) {
    const scale = devicePixelRatio;
    view.ribbons.resize(Math.round(size.width * scale), Math.round(size.height * scale), scale);
    layout = ribbonLayout(layer.groups, size.width, size.height, marginFor(view.ribbons.ctx, state, ink.font));
    paintRibbons(view.ribbons.ctx, layout, layer.groups, state.selected, ink, scale);
    setText(view.thinned, layout.every > 1 ? `one group in ${layout.every} drawn` : "");
    view.matrix.resize(state.in_channels, state.out_channels);
    fitMatrix(view.matrix.element, state, size.matrix);
    paintMatrix(view.matrix.ctx, layer.groups, state.selected, groupColour);
  }

  /** @param {State} state @param {State} [prev] */
  function show(state, prev) {
    if (size.width === 0) return;
    const layer = countLayer(state);
    if (prev && cutBetween(prev, state)) {
      view.ribbons.fade();
      view.matrix.fade();
    }
    if (!prev || !sameSplit(prev, state) || prev.selected !== state.selected) paint(state, layer);
    describe(view, state, layer);
    host.dataset.painted = canonical(state);
  }

  const sizes = new ResizeObserver(() => {
    const [wide, square] = [view.ribbons.element, view.square].map((element) => element.getBoundingClientRect());
    size = { width: wide.width, height: wide.height, matrix: square.width };
    show(store.get());
  });
  sizes.observe(view.ribbons.element);
  sizes.observe(view.square);

  /** @param {number|null} group @param {PointerEvent} event */
  function point(group, event) {
    if (event.buttons) chosen = group;
    select(group);
  }

  /** Back to what was chosen here, if that is still meant. */
  function giveBack() {
    const kept = chosen !== null && chosen < store.get().groups && view.figure.matches(":focus");
    select(kept ? chosen : null);
  }

  /** @param {PointerEvent} event */
  function pointRibbons(event) {
    if (layout) point(groupAt(layout, event.offsetY), event);
  }

  /** @param {PointerEvent} event */
  function pointMatrix(event) {
    const state = store.get();
    const input = Math.floor((event.offsetX / view.matrix.canvas.clientWidth) * state.in_channels);
    const output = Math.floor((event.offsetY / view.matrix.canvas.clientHeight) * state.out_channels);
    const found = groupOfConnection(countLayer(state).groups, input, output);
    point(found, event);
    if (found === null) setText(view.readout, `Input ${number(input)} → output ${number(output)}: cut`);
  }

  for (const type of ["pointerdown", "pointermove"]) {
    on(view.ribbons.canvas, type, pointRibbons);
    on(view.matrix.canvas, type, pointMatrix);
  }
  on(view.figure, "pointerleave", (event) => {
    if (event.pointerType === "mouse") giveBack(); // a finger leaves at once, its choice stays
  });
  on(view.figure, "focus", giveBack); // what lost the focus to a press here let its own selection go
  on(view.figure, "blur", () => {
    chosen = null;
    select(null);
  });
  on(document, "maps-left", () => {
    if (view.figure.matches(":focus")) giveBack();
  });
  on(view.figure, "keydown", (event) => {
    const next = step(event.key, store.get());
    if (next === undefined) return;
    event.preventDefault();
    chosen = next;
    select(next);
  });

  function restyle() {
    ink = inks();
    show(store.get());
  }
  void document.fonts.ready.then(restyle);
  const stops = [store.subscribe(show), onTheme(restyle)];
  return {
    destroy() {
      for (const stop of stops) stop();
      sizes.disconnect();
      end();
    },
  };
}

/** @param {HTMLElement} host */
function build(host) {
  const ribbons = createSurface("ribbons");
  const matrix = createSurface("matrix");
  const square = h("div", { class: "square" }, matrix.element);
  const [inCaption, thinned, outCaption, columns, rows] = ["in", "thinned", "out", "columns", "rows"].map((name) =>
    h("span", { class: name }),
  );
  const figure = h(
    "div",
    { class: "split-figure", tabindex: "0", role: "slider", "aria-label": "Selected group", "aria-valuemin": "0" },
    h("div", { class: "split-ribbons" }, h("p", { class: "captions" }, inCaption, thinned, outCaption), ribbons.element),
    h("div", { class: "split-matrix" }, columns, rows, square),
  );
  const readout = h("p", { class: "readout" });
  const notes = h("div", { class: "notes" });
  const table = groupTable("Channels of each group", CHANNELS);
  const details = h("details", {}, h("summary", {}, "The split as a table"), table.element);
  qs(".panel-body", host).replaceChildren(figure, readout, notes, details);
  return { ribbons, matrix, square, inCaption, thinned, outCaption, columns, rows, figure, readout, notes, table };
}

/**
 * @param {ReturnType<typeof build>} view
 * @param {State} state
 * @param {Layer} layer
 */
function describe(view, state, layer) {
  const group = state.selected === null ? null : layer.groups[state.selected];
  const text = group ? groupSentence(group, state.unit) : "none";
  view.figure.setAttribute("aria-valuemax", String(layer.groups.length));
  view.figure.setAttribute("aria-valuenow", String((state.selected ?? -1) + 1));
  view.figure.setAttribute("aria-valuetext", text);
  setText(view.readout, group ? text : "Point at a group, or choose one with the arrow keys.");
  setText(view.inCaption, counted(state.in_channels, "input channel"));
  setText(view.outCaption, counted(state.out_channels, "output channel"));
  setText(view.columns, `${counted(state.in_channels, "input")} →`);
  setText(view.rows, `${counted(state.out_channels, "output")} →`);
  const notes = layer.notes.join("\n");
  if (view.notes.dataset.notes !== notes) {
    view.notes.dataset.notes = notes;
    view.notes.replaceChildren(...layer.notes.map((note) => h("p", {}, note)));
  }
  view.table.show(layer, state.unit);
}

/**
 * The matrix as large as its square allows, its cells square unless that made it thinner than can be seen.
 * @param {HTMLElement} element
 * @param {State} state
 * @param {number} room
 */
function fitMatrix(element, { in_channels, out_channels }, room) {
  const cell = room / Math.max(in_channels, out_channels);
  element.style.setProperty("--matrix-width", `${Math.max(THINNEST, in_channels * cell)}px`);
  element.style.setProperty("--matrix-height", `${Math.max(THINNEST, out_channels * cell)}px`);
  element.classList.toggle("shrunk", cell * devicePixelRatio < 1);
}

/**
 * Room for the longest range of channels; the same for all splits of as many channels.
 * @param {CanvasRenderingContext2D} ctx
 * @param {State} state
 * @param {string} font
 */
function marginFor(ctx, { in_channels, out_channels }, font) {
  const widest = number(Math.max(in_channels, out_channels));
  ctx.font = font;
  return Math.ceil(ctx.measureText(`${widest}–${widest}`).width) + AIR;
}

/** @type {(keyof State)[]} */
const SPLIT = ["scheme", "in_channels", "out_channels", "groups", "base", "sizes"];

/** @param {State} a @param {State} b */
const sameSplit = (a, b) => SPLIT.every((key) => same(a[key], b[key]));

/** Whether a connection may have been cut, on channels that stayed. @param {State} prev @param {State} state */
const cutBetween = (prev, state) =>
  !sameSplit(prev, state) && prev.in_channels === state.in_channels && prev.out_channels === state.out_channels;

/**
 * The group an arrow key leads to; undefined for any other key.
 * @param {string} key
 * @param {State} state
 * @returns {number|null|undefined}
 */
function step(key, { selected, groups }) {
  const last = groups - 1;
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return selected === null ? 0 : Math.min(last, selected + 1);
    case "ArrowUp":
    case "ArrowLeft":
      return selected === null ? last : Math.max(0, selected - 1);
    case "Home":
      return 0;
    case "End":
      return last;
    case "Escape":
      return null;
    default:
      return undefined;
  }
}
