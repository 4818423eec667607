/** The module's maps as files: what is on screen as a picture, exact numbers for NumPy and safetensors, addresses. */
import { h, listeners, qs } from "../../core/dom.js";
import { download } from "../../core/files.js";
import { mapsPath } from "../../core/stackmaps.js";
import { token } from "../../core/theme.js";
import { canonical } from "../../model/stackstate.js";
import { pictureLines } from "../../model/stackwords.js";

const MARGIN = 16; // CSS pixels
const LINE = 20;

/**
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {import("../../model/stackstate.js").StackStore} deps.store
 * @param {import("../../core/trained.js").Trained} deps.trained
 * @param {() => State|null} deps.painted  the state that the maps on screen show
 */
export function createTakeaway(host, { store, trained, painted }) {
  const body = qs(".panel-body", host);
  const own = listeners();
  const sheet = h("button", { type: "button", id: "sheet-png", onclick: save }, "PNG sheet of the maps on screen");
  const links = h("ul", { class: "files-list" });
  const note = h("p", { class: "convention" }, "The arrays are float32 at full resolution, (channels, height, width), exactly as they were computed. The address of the page holds the whole view.");
  body.replaceChildren(h("p", { class: "files" }, sheet), links, note);

  function show() {
    const state = store.get();
    const sides = state.compare ? /** @type {const} */ (["a", "b", "difference"]) : /** @type {const} */ (["a"]);
    links.replaceChildren(...sides.flatMap((side) => {
      const path = mapsPath(state, { side, module: state.module, point: state.point });
      const name = `stack-module-${state.module}-${side}-${state.module === 0 ? "output" : state.point}`;
      const what = side === "difference" ? "A − B" : `Maps${state.compare ? ` of ${side.toUpperCase()}` : ""}`;
      return [h("li", {}, `${what}: `,
        h("a", { href: path.replace("/api/stack/maps?", "/api/stack/maps.npy?"), download: `${name}.npy` }, ".npy"), " · ",
        h("a", { href: `${path}&dtype=float32`, download: `${name}.safetensors` }, ".safetensors"))];
    }));
    host.dataset.painted = canonical(state);
  }

  /** Every grid on screen with its captions, on the page's paper, under lines that say what it is. */
  function save() {
    const state = painted();
    if (!state) return;
    const figures = [...document.querySelectorAll("#maps .map-column:not([hidden])")].map((column) => ({
      title: state.compare ? column.querySelector(".map-side")?.textContent ?? "" : "",
      parts: [...column.querySelectorAll(".map-group")].map((figure) => ({
        caption: figure.querySelector("figcaption")?.textContent ?? "",
        canvas: /** @type {HTMLCanvasElement} */ (figure.querySelector("canvas")),
        colour: getComputedStyle(/** @type {Element} */ (figure.querySelector(".map-bar"))).backgroundColor,
      })),
    }));
    download(drawSheet(pictureLines(state, trained.of(state)), figures).toDataURL("image/png"), `stack-module-${state.module}.png`);
  }

  const follow = () => (sheet.disabled = !painted());
  own.on(document, "maps-painted", follow);
  follow();
  const unsubscribe = store.subscribe((state, prev) => {
    if (canonical(state) !== canonical(prev)) show();
  });
  show();
  return {
    destroy() {
      unsubscribe();
      own.end();
      body.replaceChildren();
    },
  };
}

/**
 * @param {readonly string[]} lines  that say what it is
 * @param {{title: string, parts: {caption: string, canvas: HTMLCanvasElement, colour: string}[]}[]} figures
 */
function drawSheet(lines, figures) {
  const sizes = figures.map(({ parts }) => ({
    width: Math.max(...parts.map(({ canvas }) => canvas.width)) + 8,
    height: parts.reduce((sum, { canvas }) => sum + canvas.height + LINE + 8, LINE),
  }));
  const canvas = document.createElement("canvas");
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const font = `14px ${token("--font")}`;
  ctx.font = font;
  canvas.width = Math.max(2 * MARGIN + sizes.reduce((sum, { width }) => sum + width + MARGIN, -MARGIN), ...lines.map((line) => Math.ceil(ctx.measureText(line).width) + 2 * MARGIN));
  const head = (lines.length + 1) * LINE;
  canvas.height = 2 * MARGIN + head + Math.max(...sizes.map(({ height }) => height));
  ctx.fillStyle = token("--surface");
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.font = font;
  ctx.textBaseline = "top";
  ctx.fillStyle = token("--ink");
  lines.forEach((line, k) => ctx.fillText(line, MARGIN, MARGIN + k * LINE));
  let left = MARGIN;
  figures.forEach(({ title, parts }, i) => {
    let top = MARGIN + head;
    ctx.fillStyle = token("--ink");
    ctx.fillText(title, left, top - 4);
    top += LINE;
    for (const part of parts) {
      ctx.fillStyle = token("--ink-soft");
      ctx.fillText(part.caption, left + 8, top);
      ctx.fillStyle = part.colour;
      ctx.fillRect(left, top, 4, part.canvas.height + LINE);
      ctx.drawImage(part.canvas, left + 8, top + LINE);
      top += part.canvas.height + LINE + 8;
    }
    left += sizes[i].width + MARGIN;
  });
  return canvas;
}
