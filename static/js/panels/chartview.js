/**
 * A Plotly chart of a server's figure: drawn in the page's colours, walked through by arrow keys, saved as PNG or SVG.
 *
 * @typedef {import("../core/plotly.js").Figure} Figure
 * @typedef {(figure: Figure, token: (name: string) => string, width: number, title: boolean) => Figure} Dress
 */
import { h, listeners, setText } from "../core/dom.js";
import { download } from "../core/files.js";
import { clear, draw, hover, onHover, picture } from "../core/plotly.js";
import { onTheme, token } from "../core/theme.js";

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.label  its name for those who cannot see it
 * @param {string} options.file  name of the files saved
 * @param {Dress} options.dress
 * @param {{places: () => number[], sentence: (at: number) => string, moved?: (at: number|null) => void}} [options.walk]
 */
export function createChartView({ id, label, file, dress, walk }) {
  const hint = "Point at the chart, or focus it and use the arrow keys.";
  const name = walk ? { tabindex: "0", role: "group" } : { role: "img" };
  const chart = h("div", { class: "chart", id, ...name, "aria-label": label });
  const spoken = h("p", { class: "chart-readout", "aria-live": "polite" }, hint);
  const saves = ["PNG", "SVG"].map((kind) =>
    h("button", { type: "button", id: `${id}-${kind.toLowerCase()}`, onclick: () => save(kind) }, kind),
  );
  const files = h("div", { class: "files" }, "Chart as ", ...saves);
  const own = listeners();
  /** @type {Figure|null} */
  let shown = null;
  let at = -1;

  const redraw = () => (shown ? draw(chart, dress(shown, token, chart.clientWidth, false)) : Promise.resolve());

  /** @param {string} kind */
  async function save(kind) {
    if (!shown) return;
    const { data, layout } = dress(shown, token, chart.clientWidth, true);
    const format = kind === "PNG" ? "png" : "svg";
    download(await picture({ data, layout }, { format, width: chart.clientWidth, height: layout.height }), `${file}.${format}`);
  }

  /** @param {number|null} to */
  function pointAt(to) {
    at = to ?? -1;
    void hover(chart, to);
    setText(spoken, to === null || !walk ? hint : walk.sentence(to));
  }

  if (walk) {
    own.on(chart, "keydown", (event) => {
      const places = walk.places();
      const next = places.findIndex((place) => place > at);
      const before = places.filter((place) => place < at).length - 1;
      const last = places.length - 1;
      const steps = { ArrowRight: next < 0 ? last : next, ArrowLeft: Math.max(0, before), Home: 0, End: last };
      const to = /** @type {Record<string, number|undefined>} */ (steps)[event.key];
      if (to === undefined || !shown) return;
      event.preventDefault();
      const place = places[to];
      pointAt(place);
      walk.moved?.(place);
    });
    own.on(chart, "blur", () => {
      pointAt(null);
      walk.moved?.(null);
    });
  }
  own.on(window, "resize", () => void redraw());
  const offTheme = onTheme(() => void redraw());
  let watched = false;

  return {
    element: h("div", { class: "chart-view" }, chart, walk ? spoken : null, files),
    chart,
    pointAt,

    /** @param {Figure} figure */
    async show(figure) {
      shown = figure;
      await redraw();
      if (watched || !walk?.moved) return;
      watched = true;
      onHover(/** @type {any} */ (chart), (place) => {
        if (document.activeElement !== chart) walk.moved?.(place);
      });
    },

    destroy() {
      offTheme();
      own.end();
      void clear(chart);
    },
  };
}
