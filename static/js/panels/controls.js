/**
 * The controls: native inputs from the template, kept equal to the state, their moves turned into attempts.
 * The groups slider stops on legal numbers only.
 *
 * @typedef {import("../core/store.js").FrozenState} State
 * @typedef {import("../model/params.js").Key} Key
 */
import { createAttempts } from "../core/attempts.js";
import { listeners, qs, setText } from "../core/dom.js";
import { canonical, parseQuery } from "../core/url.js";
import { fixed } from "../model/format.js";
import { groupSizes } from "../model/grouping.js";
import { TABLE, writeValue } from "../model/params.js";
import { settleLink } from "../model/settle.js";
import { createGroupsControl } from "./groups.js";
import { createHelp } from "./help.js";
import { createWeights } from "./weights.js";

const NARROW = "(max-width: 899px)"; // as in layout.css
const SLIDERS = /** @type {Key[]} */ ([
  "in_channels", "out_channels", "base", "kernel_size", "stride", "padding", "dilation", "size",
]);
const BOXES = /** @type {Key[]} */ (["seed", "sizes"]);
const PICKS = /** @type {Key[]} */ (["gain"]);
const CHECKS = /** @type {Key[]} */ (["bias", "relu"]);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../core/store.js").Store, boot: any, errors: import("../core/errors.js").Errors, trained: import("../core/trained.js").Trained}} deps
 */
export function createControls(host, deps) {
  const attempts = createAttempts(deps);
  const { on, end } = listeners();
  const help = createHelp(document.body, qs("#definition"));

  /** @param {string} id */
  const input = (id) => /** @type {HTMLInputElement} */ (qs(`#${id}`, host));

  /** @type {HTMLInputElement|null} the box under the fingers keeps its text while that text is being read */
  let typing = null;

  /**
   * @param {Key} field
   * @param {string} raw
   */
  function attempt(field, raw) {
    attempts.attempt(field, raw);
    show(deps.store.get());
  }

  /**
   * A text box: tried at each keystroke, tidied when left.
   * @param {HTMLInputElement} box
   * @param {Key} field
   */
  function bindBox(box, field) {
    on(box, "input", () => {
      typing = box;
      attempt(field, box.value);
      typing = null;
    });
    on(box, "change", () => {
      if (box.value.trim() === "") attempts.forget(field);
      show(deps.store.get());
    });
  }

  const groups = createGroupsControl(host, { store: deps.store, attempt, draft: () => attempts.draft("groups"), on });
  bindBox(input("groups-number"), "groups");
  on(input("groups-number"), "keydown", (event) => stepSlider(event, input("groups")));
  for (const field of SLIDERS) {
    const [slider, box] = [input(field), input(`${field}-number`)];
    on(slider, "input", () => attempt(field, slider.value));
    bindBox(box, field);
    on(box, "keydown", (event) => stepSlider(event, slider));
  }
  for (const field of BOXES) bindBox(input(field), field);
  for (const field of PICKS) on(input(field), "change", () => attempt(field, input(field).value));
  for (const field of CHECKS) on(input(field), "change", () => attempt(field, String(input(field).checked)));
  for (const radio of host.querySelectorAll("[name=scheme]")) {
    on(radio, "change", () => {
      attempt("scheme", /** @type {HTMLInputElement} */ (radio).value);
      if (deps.store.get().scheme !== "custom") attempts.forget("sizes");
    });
  }
  /** @type {Promise<ReturnType<typeof import("./trained.js").createTrainedPanel>>|null} */
  let panel = null;
  const weights = createWeights(host, { ...deps, choose: (value) => attempt("weights", value), open: openTrained });

  /** The panel of trained networks, which few visits need. */
  function openTrained() {
    panel ??= Promise.all([import("./trained.js"), import("../model/trained.js")]).then(([{ createTrainedPanel }, words]) =>
      createTrainedPanel(qs("#trained", host), {
        ...deps,
        lacks: words.layerLacks,
        differences: words.layerDifferences,
        exact: "The page shows the convolution of its first module as trained.",
        use({ id, layer_query }, whole) {
          const query = whole ? layer_query : `weights=trained&checkpoint=${id}`;
          const asked = parseQuery(words.merged(canonical(deps.store.get()), query), deps.boot.params).state;
          attempts.take(settleLink(asked, deps.boot.params).state);
        },
      })).catch((error) => {
      panel = null;
      throw error;
    });
    return panel;
  }

  on(qs("#seed-next", host), "click", () => attempt("seed", String(deps.store.get().seed + 1)));
  on(host, "submit", (event) => event.preventDefault());

  /**
   * @param {HTMLInputElement} box
   * @param {string} text
   */
  function writeBox(box, text) {
    if (box !== typing && box.value !== text) box.value = text;
  }

  /**
   * @param {Key} field
   * @param {string} text
   * @param {string} good  what the state has
   */
  function showSlider(field, text, good) {
    const slider = input(field);
    const [first] = (/^\d+(,|$)/.test(text) ? text : good).split(",");
    const [held] = good.split(","); // a draft widens no slider: it may be past what the server takes
    if (Number(held) > Number(slider.max)) slider.max = held;
    if (Number(held) < Number(slider.min)) slider.min = held;
    if (slider.value !== first) slider.value = first;
    writeBox(input(`${field}-number`), text);
  }

  /** @param {State} state */
  function show(state) {
    for (const field of SLIDERS) {
      const good = shown(field, state[field]);
      showSlider(field, attempts.draft(field) ?? good, good);
    }
    for (const field of BOXES) writeBox(input(field), attempts.draft(field) ?? shown(field, state[field]));
    for (const field of PICKS) input(field).value = String(state[field]);
    for (const field of CHECKS) input(field).checked = Boolean(state[field]);
    const scheme = attempts.draft("scheme") ?? state.scheme;
    input(`scheme-${scheme}`).checked = true;
    host.dataset.scheme = scheme;
    groups.show(state, typing);
    setText(qs("#gain-note", host), gainNote(state));
  }

  if (matchMedia(NARROW).matches) for (const details of host.querySelectorAll("details")) details.open = false;
  const stop = deps.store.subscribe(show);
  show(deps.store.get());
  return {
    destroy() {
      stop();
      end();
      weights.destroy();
      void panel?.then((opened) => opened.destroy());
      help.destroy();
      attempts.end();
    },
  };
}

/**
 * Arrow keys in a box move its slider.
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} slider
 */
function stepSlider(event, slider) {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  event.preventDefault();
  if (event.key === "ArrowUp") slider.stepUp();
  else slider.stepDown();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Equal pairs as one number.
 * @param {Key} field
 * @param {any} value
 */
function shown(field, value) {
  return Array.isArray(value) && TABLE[field].kind === "pair" && value[0] === value[1]
    ? String(value[0])
    : writeValue(field, value);
}

/**
 * Why narrow groups look weaker, or do not.
 * @param {State} state
 */
function gainNote(state) {
  if (state.gain === "fan-in") return "Weights × √(all inputs / inputs the group sees): every group answers about as strongly.";
  const levels = [...new Set(groupSizes(state).map(([a]) => fixed(Math.sqrt(a / state.in_channels), 2)))];
  const shown = levels.length > 5 ? [...levels.slice(0, 4), "…", levels[levels.length - 1]] : levels;
  return `Narrow groups are weaker by construction, √(inputs a group sees / all inputs): here ${shown.join(", ")}.`;
}
