/** The controls at the side: the layer, its groups, and how it is run. */
import { listeners, qs } from "../../core/dom.js";
import { counted, number } from "../../model/format.js";
import { table } from "../../model/measurestate.js";
import { bindFields } from "../fields.js";
import { createGroupsField } from "../groupsfield.js";
import { createHelp } from "../help.js";

const NARROW = "(max-width: 899px)"; // as in layout.css
const FIELDS = /** @type {const} */ ([
  "in_channels", "out_channels", "scheme", "base", "sizes", "height", "width", "batch", "kernel_size", "stride", "padding",
  "dilation", "bias", "dtype", "memory_format", "backward", "rounds",
]);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/measurestate.js").MeasureStore, boot: any, errors: import("../../core/errors.js").Errors}} deps
 */
export function createControls(host, { store, boot, errors }) {
  const { on, end } = listeners();
  const fields = bindFields({ store, errors, table, params: boot.params }, FIELDS);
  const groups = createGroupsField({ id: "groups", store, errors, on, splitOf: (state) => state });
  const help = createHelp(document.body, qs("#definition"));
  const sizes = /** @type {HTMLInputElement} */ (qs("#sizes", host));

  on(sizes, "change", () => {
    const { in_channels: a, out_channels: b, sizes: now } = store.get();
    const asked = table.readValue("sizes", sizes.value, {});
    if (asked === undefined) return;
    const [wanted, held] = [table.writeValue("sizes", asked), table.writeValue("sizes", now)];
    sizes.value = held;
    if (wanted === held) return errors.clearFieldError("sizes");
    errors.showFieldNote("sizes", `${wanted} does not sum to ${number(a)} → ${counted(b, "channel")}; ${held} does.`);
  });
  on(host, "submit", (event) => event.preventDefault());

  function show() {
    const state = store.get();
    host.dataset.scheme = state.scheme; // as the style sheet of the controls has it
    groups.show(state);
  }
  if (matchMedia(NARROW).matches) for (const details of host.querySelectorAll("details")) details.open = false;
  const unsubscribe = store.subscribe(show);
  show();
  return {
    /** What the device cannot do is not on offer. @param {readonly string[]} dtypes */
    offer(dtypes) {
      for (const option of /** @type {HTMLSelectElement} */ (qs("#dtype", host)).options) option.disabled = !dtypes.includes(option.value);
    },
    destroy() {
      unsubscribe();
      end();
      fields.destroy();
      help.destroy();
    },
  };
}
