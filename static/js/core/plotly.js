/**
 * The one file that names Plotly. The library is large and nothing needs it before the first maps are painted,
 * so its script is asked for when a chart is, once. Its style sheet is in the page's head: a strict
 * Content-Security-Policy lets it insert none.
 *
 * @typedef {{data: Record<string, any>[], layout: Record<string, any>}} Figure
 * @typedef {HTMLElement & {on(type: string, handler: (event: any) => void): void, removeAllListeners(type: string): void}} Chart
 * @typedef {object} Library
 * @property {(host: HTMLElement, data: object[], layout: object, config: object) => Promise<Chart>} react
 * @property {(host: HTMLElement) => void} purge
 * @property {(figure: Figure, options: object) => Promise<string>} toImage
 * @property {{hover(host: HTMLElement, at: {xval: number}, subplot: string): void, unhover(host: HTMLElement): void}} Fx
 */

const SOURCE = "/static/vendor/plotly/plotly.min.js";
const CONFIG = { showSendToCloud: false, displaylogo: false, responsive: true, displayModeBar: false };

/** @type {Promise<Library>|null} */
let loading = null;

/** @returns {Promise<Library>} */
function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SOURCE;
    script.onload = () => resolve(/** @type {any} */ (window).Plotly);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("The chart library could not be loaded."));
    };
    document.head.append(script);
  });
  return loading;
}

/** Fetches and compiles the library ahead of the first chart. */
export async function preload() {
  await load();
}

let revision = 0;

/**
 * Draws `figure` into `host`, or changes what is there; resolves when every line is drawn. Each drawing counts as new
 * data: drawn again as it was (a window that only grew in height), an axis would keep no range of its own.
 * @param {HTMLElement} host
 * @param {Figure} figure
 * @returns {Promise<Chart>}
 */
export async function draw(host, { data, layout }) {
  return (await load()).react(host, data, { ...layout, datarevision: (revision += 1) }, CONFIG);
}

/**
 * @param {Figure} figure
 * @param {{format: "png"|"svg", width: number, height: number}} options  CSS pixels
 * @returns {Promise<string>} a data URL
 */
export async function picture(figure, options) {
  return (await load()).toImage(figure, { ...options, scale: options.format === "png" ? 2 : 1 });
}

/**
 * Shows the readout at `x`, as the pointer would; null takes it away.
 * @param {HTMLElement} host
 * @param {number|null} x
 */
export async function hover(host, x) {
  const { Fx } = await load();
  if (x === null) Fx.unhover(host);
  else Fx.hover(host, { xval: x }, "xy");
}

/**
 * Calls `moved` with the place on the x axis under the pointer, and with null when it leaves.
 * @param {Chart} chart  that was drawn
 * @param {(x: number|null) => void} moved
 */
export function onHover(chart, moved) {
  chart.on("plotly_hover", ({ points }) => moved(points[0].x));
  chart.on("plotly_unhover", () => moved(null));
}

/** @param {HTMLElement} host */
export async function clear(host) {
  if (loading) (await loading).purge(host);
}
