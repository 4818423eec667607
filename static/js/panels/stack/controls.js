/** The controls at the side: the two splits, the module, what stands between modules, the weights. */
import { listeners, qs, setText } from "../../core/dom.js";
import { counted, number } from "../../model/format.js";
import { hasChoice, legalFor, table } from "../../model/stackstate.js";
import { travel } from "../../model/travel.js";
import { bindFields } from "../fields.js";
import { createHelp } from "../help.js";

const NARROW = "(max-width: 899px)"; // as in layout.css
const FIELDS = /** @type {const} */ ([
  "in_channels", "modules", "scheme", "base", "sizes", "compare", "b_scheme", "b_base", "b_sizes", "residual", "relu",
  "normalisation", "kernel_size", "dilation", "bias", "mixing", "downsample", "stage", "weights", "gain", "seed", "size",
]);
const ODD = 2; // the kernel's slider skips what would not keep the size

/**
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../model/stackstate.js").StackStore} Store
 * @typedef {{store: Store, boot: any, errors: import("../../core/errors.js").Errors}} Deps
 */

/**
 * @param {HTMLElement} host
 * @param {Deps} deps
 */
export function createControls(host, { store, boot, errors }) {
  const { on, end } = listeners();
  const fields = bindFields({ store, errors, table, params: boot.params }, FIELDS);
  const splits = [createGroups(store, errors, "a", on), createGroups(store, errors, "b", on)];
  const help = createHelp(document.body, qs("#definition"));
  /** @type {HTMLInputElement} */ (qs("#kernel_size", host)).step = String(ODD);

  for (const key of /** @type {const} */ (["sizes", "b_sizes"])) {
    const box = /** @type {HTMLInputElement} */ (qs(`#${key}`, host));
    on(box, "change", () => tellFitted(key, box));
  }

  /**
   * Sizes that do not sum to the channels are made to: the page says so, and writes what holds.
   * @param {"sizes"|"b_sizes"} key
   * @param {HTMLInputElement} box
   */
  function tellFitted(key, box) {
    const { [key]: now, in_channels } = store.get();
    const asked = table.readValue(key, box.value, {});
    if (asked === undefined) return;
    const [wanted, held] = [table.writeValue(key, asked), table.writeValue(key, now)];
    box.value = held;
    if (wanted === held) return errors.clearFieldError(key);
    errors.showFieldNote(key, `${wanted} does not sum to ${counted(in_channels, "channel")} on both sides; ${held} does.`);
  }

  on(qs("#seed-next", host), "click", () => store.update({ seed: store.get().seed + 1 }));
  on(host, "submit", (event) => event.preventDefault());

  function show() {
    const state = store.get();
    host.dataset.scheme = state.scheme; // as the style sheet of the controls has it
    qs('[data-field="b_base"]', host).hidden = state.b_scheme !== "logarithmic";
    qs('[data-field="b_sizes"]', host).hidden = state.b_scheme !== "custom";
    qs("#split-b-fields", host).hidden = !state.compare;
    document.documentElement.classList.toggle("pair", state.compare);
    qs('[data-field="stage"]', host).hidden = state.downsample === "none";
    for (const split of splits) split.show(state);
  }
  if (matchMedia(NARROW).matches) for (const details of host.querySelectorAll("details")) details.open = false;
  const unsubscribe = store.subscribe(show);
  show();
  return {
    destroy() {
      unsubscribe();
      end();
      fields.destroy();
      help.destroy();
    },
  };
}

/**
 * The number of groups of one side: the slider comes to rest on what the channels allow; what is typed and is not
 * possible moves to the nearest, and the page says so.
 * @param {Store} store
 * @param {import("../../core/errors.js").Errors} errors
 * @param {import("../../model/stackstate.js").Side} side
 * @param {(target: EventTarget, type: string, handler: (event: any) => void) => void} on
 */
function createGroups(store, errors, side, on) {
  const id = side === "a" ? "groups" : "b_groups";
  const slider = /** @type {HTMLInputElement} */ (qs(`#${id}`));
  const box = /** @type {HTMLInputElement} */ (qs(`#${id}-number`));
  let wanted = NaN;

  /** @param {number} groups */
  function ask(groups) {
    errors.clearFieldError(id);
    wanted = groups;
    store.update({ [id]: groups });
    show(store.get());
    const { [id]: now, in_channels, ...state } = store.get();
    if (now === groups) return;
    const scheme = side === "a" ? state.scheme : state.b_scheme;
    errors.showFieldNote(id, scheme === "uniform"
      ? `${counted(in_channels, "channel")} can’t be split into ${number(groups)} equal groups; the nearest number is ${number(now)}.`
      : `${counted(in_channels, "channel")} leave room for at most ${counted(now, "logarithmic group")}, not ${number(groups)}.`);
  }

  on(slider, "input", () => ask(travel(legalFor(store.get(), side), store.get()[id], Number(slider.value))));
  on(box, "change", () => {
    const value = table.readValue(id, box.value, {});
    if (value !== undefined) return ask(value);
    errors.showFieldError(id, `Groups must be a whole number from 1 on, not “${box.value.trim().slice(0, 24)}”.`);
  });

  /** @param {State} state */
  function show(state) {
    const legal = legalFor(state, side);
    const fixed = !hasChoice(side === "a" ? state.scheme : state.b_scheme);
    if (state[id] !== wanted) errors.clearFieldError(id);
    wanted = state[id];
    slider.max = String(Math.max(state[id], ...legal));
    slider.value = String(state[id]);
    slider.disabled = box.disabled = fixed;
    if (box !== document.activeElement || fixed) box.value = String(state[id]);
    const most = legal[legal.length - 1];
    const few = legal.length === most && most > 2 ? `1 to ${most}` : legal.length <= 9 ? legal.join(", ") : `${legal.slice(0, 7).join(", ")} … ${most}`;
    setText(qs(`#${id}-legal`), fixed ? "Set by the scheme." : `Possible: ${few}`);
  }
  return { show };
}
