/**
 * A value as the sum it is, step by step: one input channel after another, then bias, normalisation, identity and ReLU.
 * The steps are played, dragged or taken one at a time.
 *
 * @typedef {import("../../model/pixel.js").Pixel} Pixel
 * @typedef {import("../../model/pixel.js").Line} Line
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 */
import { h, listeners, setText } from "../../core/dom.js";
import { cssGradient } from "../../draw/colours.js";
import { counted, number } from "../../model/format.js";
import { decimal, linesOf, mostOf, outsideOf, productsOf, runningTotals } from "../../model/pixel.js";
import { measure } from "../mapstats.js";
import { createInspectorLedger } from "./inspectorledger.js";
import { createInspectorRows } from "./inspectorrows.js";

const PLAY_MS = 8000; // for all steps of a long sum
const [SLOWEST_MS, FASTEST_MS] = [300, 40];

export function createInspectorSum() {
  const rows = createInspectorRows();
  const ledger = createInspectorLedger();
  const play = h("button", { type: "button", class: "inspector-play", onclick: toggle }, "Play");
  const back = h("button", { type: "button", "aria-label": "Previous step", onclick: () => take(step - 1) }, "‹");
  const on = h("button", { type: "button", "aria-label": "Next step", onclick: () => take(step + 1) }, "›");
  const slider = h("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Step of the sum" });
  const told = h("output", { class: "inspector-step" });
  const words = h("p", { class: "inspector-words" });
  const scales = h("p", { class: "inspector-words" });
  const bar = h("i", { class: "inspector-signed" });
  bar.style.background = cssGradient("diverging");
  const element = h("section", { class: "inspector-sum" },
    h("h3", {}, "The sum taken apart"), words,
    h("div", { class: "inspector-player" }, play, back, slider, on, told),
    h("div", { class: "inspector-work" },
      rows.element,
      h("div", { class: "inspector-total" }, ledger.element, h("p", { class: "inspector-scale" }, "−", bar, "+"), scales)));

  const own = listeners();
  /** @type {Pixel|null} */
  let pixel = null;
  /** @type {readonly number[]} */
  let totals = [0];
  /** @type {readonly Line[]} */
  let lines = [];
  let step = 0;
  let timer = 0;

  const last = () => (pixel ? pixel.count + lines.length : 0);

  function pause() {
    clearInterval(timer);
    timer = 0;
    setText(play, "Play");
  }

  function toggle() {
    if (timer) return pause();
    if (!pixel) return;
    if (step === last()) go(0);
    const beat = Math.min(SLOWEST_MS, Math.max(FASTEST_MS, PLAY_MS / last()));
    const stride = Math.max(1, Math.round((last() * beat) / PLAY_MS));
    setText(play, "Pause");
    timer = window.setInterval(() => {
      const count = pixel?.count ?? 0;
      go(step < count ? Math.min(count, step + stride) : step + 1);
      if (step === last()) pause();
    }, beat);
  }

  /** By hand. @param {number} to */
  function take(to) {
    pause();
    go(to);
  }

  /**
   * @param {number} to
   * @param {boolean} [follow]  keep the channel that is added in view
   */
  function go(to, follow = true) {
    if (!pixel) return;
    step = Math.min(last(), Math.max(0, to));
    rows.step(Math.min(step, pixel.count), follow);
    ledger.reach(step);
    const line = lines[step - pixel.count - 1];
    const doing = step === 0 ? "nothing yet" : line ? line.name : `channel ${pixel.inputs[step - 1]}`;
    setText(told, `${number(step)} of ${number(last())}: ${doing}`);
    Object.assign(slider, { max: String(last()), value: String(step) });
    slider.setAttribute("aria-valuetext", `${told.textContent}, total ${decimal(line ? line.total : totals[step])}`);
    back.setAttribute("aria-disabled", String(step === 0)); // disabled, they would lose the focus
    on.setAttribute("aria-disabled", String(step === last()));
    element.dataset.step = String(step);
  }

  own.on(slider, "input", () => take(Number(slider.value)));

  return {
    element,
    toggle,
    pause,

    /**
     * @param {Pixel} next
     * @param {State} state
     */
    show(next, state) {
      const atEnd = step === last();
      [pixel, totals, lines] = [next, runningTotals(next.sums), linesOf(next, state)];
      const products = productsOf(next);
      const most = { patch: mostOf(next.patch), kernel: mostOf(next.kernel), products: mostOf(products) };
      const outside = outsideOf(next, state.dilation);
      const beyond = outside?.reduce((sum, tap) => sum + tap, 0) ?? 0;
      rows.show({ pixel: next, products, totals, most, outside });
      ledger.show(next, lines, totals);
      setText(words, `${counted(next.count, "input channel")}, ${next.rows} × ${next.columns} taps each: ${counted(next.patch.length, "product")}.`);
      const ends = `Full colour at ±${measure(most.patch)} in patches, ±${measure(most.kernel)} in kernels, ±${measure(most.products)} in products; zero is grey.`;
      setText(scales, beyond ? `${ends} Checkered: beyond the border, where all is zero (${counted(beyond, "tap")} a patch).` : ends);
      go(atEnd ? last() : step, timer !== 0);
    },

    destroy() {
      pause();
      own.end();
      rows.destroy();
    },
  };
}
