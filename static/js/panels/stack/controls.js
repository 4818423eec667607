/** The controls at the side: the two splits, the module, what stands between modules, the weights. */
import { listeners, qs } from "../../core/dom.js";
import { counted } from "../../model/format.js";
import { canonical, numbersQuery, parseQuery, swapped, table } from "../../model/stackstate.js";
import { bindFields } from "../fields.js";
import { createGroupsField } from "../groupsfield.js";
import { createHelp } from "../help.js";
import { createWeights } from "../weights.js";

const NARROW = "(max-width: 899px)"; // as in layout.css
const FIELDS = /** @type {const} */ ([
  "in_channels", "modules", "scheme", "base", "sizes", "compare", "b_scheme", "b_base", "b_sizes", "residual", "relu",
  "normalisation", "kernel_size", "dilation", "bias", "mixing", "downsample", "stage", "gain", "seed", "size",
]);
const ODD = 2; // the kernel's slider skips what would not keep the size

/**
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 * @typedef {import("../../model/stackstate.js").StackStore} Store
 * @typedef {{store: Store, boot: any, errors: import("../../core/errors.js").Errors, trained: import("../../core/trained.js").Trained}} Deps
 */

/**
 * @param {HTMLElement} host
 * @param {Deps} deps
 */
export function createControls(host, { store, boot, errors, trained }) {
  const { on, end } = listeners();
  const fields = bindFields({ store, errors, table, params: boot.params }, FIELDS);
  const splits = /** @type {const} */ (["a", "b"]).map((side) => createGroupsField({
    id: side === "a" ? "groups" : "b_groups", store, errors, on,
    splitOf: (state) => ({ ...(side === "a" ? state : swapped(state)), out_channels: state.in_channels }),
  }));
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

  /** @type {Promise<ReturnType<typeof import("../trained.js").createTrainedPanel>>|null} */
  let panel = null;
  const weights = createWeights(host, { store, errors, choose: (value) => store.update({ weights: value }), open: openTrained });

  /** The panel of trained networks, which few visits need. */
  function openTrained() {
    panel ??= Promise.all([import("../trained.js"), import("../../model/trained.js")]).then(([{ createTrainedPanel }, words]) =>
      createTrainedPanel(qs("#trained", host), {
        store, errors, trained,
        lacks: words.stackLacks,
        differences: words.stackDifferences,
        exact: "The page shows the network as trained.",
        use({ id, query }, whole) {
          if (!whole) return store.update({ weights: "trained", checkpoint: id });
          store.update(parseQuery(words.merged(canonical(store.get()), query), boot.params).state);
        },
        bring: { numbers: () => numbersQuery(store.get()), maxBytes: boot.limits.max_checkpoint_bytes },
      })).catch((error) => {
      panel = null;
      throw error;
    });
    return panel;
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
      weights.destroy();
      void panel?.then((opened) => opened.destroy());
      help.destroy();
    },
  };
}
