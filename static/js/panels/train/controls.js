/** The controls at the side: which networks, how alike, how they are trained. */
import { listeners, qs } from "../../core/dom.js";
import { ARMS, table } from "../../model/trainstate.js";
import { bindFields } from "../fields.js";
import { createHelp } from "../help.js";

const NARROW = "(max-width: 899px)"; // as in layout.css
const FIELDS = /** @type {const} */ ([
  "groups", "base", "hold", "width", "modules", "stage", "mixing", "residual", "epochs", "seeds", "data", "seed", "batch",
  "learning_rate", "momentum", "weight_decay",
]);

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/trainstate.js").TrainStore, boot: any, errors: import("../../core/errors.js").Errors}} deps
 */
export function createControls(host, { store, boot, errors }) {
  const { on, end } = listeners();
  const fields = bindFields({ store, errors, table, params: boot.params }, FIELDS);
  const help = createHelp(document.body, qs("#definition"));
  const boxes = ARMS.map((arm) => /** @type {HTMLInputElement} */ (qs(`#arm-${arm}`, host)));
  const own = /** @type {HTMLOptionElement} */ (qs('#data option[value="own"]', host));

  for (const box of boxes) {
    on(box, "change", () => {
      const asked = ARMS.filter((_, at) => boxes[at].checked);
      store.update({ arms: asked });
      show();
      if (asked.length < 2) errors.showFieldNote("arms", "Two arms at least: one network alone has nothing to be compared with.");
      else errors.clearFieldError("arms");
    });
  }
  on(host, "submit", (event) => event.preventDefault());

  function show() {
    const { arms } = store.get();
    ARMS.forEach((arm, at) => (boxes[at].checked = arms.includes(arm)));
    host.dataset.scheme = arms.includes("logarithmic") ? "logarithmic" : ""; // as the style sheet of the controls has it
  }
  if (matchMedia(NARROW).matches) for (const details of host.querySelectorAll("details")) details.open = false;
  const unsubscribe = store.subscribe(show);
  show();
  return {
    /** The reader's own images. @param {boolean} there  the server has some */
    offer(there) {
      own.disabled = !there;
      own.textContent = there ? "own" : "own (none set up)";
    },
    destroy() {
      unsubscribe();
      end();
      fields.destroy();
      help.destroy();
    },
  };
}
