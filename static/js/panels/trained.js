/**
 * Trained networks to look through: which, what is known of it, in what the page is not it as trained; and, where a
 * page takes them, files that people bring.
 *
 * @typedef {import("../model/trained.js").Entry} Entry
 * @typedef {{weights: string, checkpoint: string, scheme: import("../core/store.js").Scheme}} State
 */
import { ApiError, getJson, remove, sendFile } from "../core/api.js";
import { h, listeners, qs, setText } from "../core/dom.js";
import { counted, number } from "../model/format.js";
import { eyeText, inGroups, optionText, preferred } from "../model/trained.js";

const NONE = "No trained network is here yet: train one on the page Train.";

/**
 * @template {State} S
 * @param {HTMLElement} host
 * @param {object} deps
 * @param {{get: () => Readonly<S>, subscribe: (listener: () => void) => () => void}} deps.store
 * @param {import("../core/errors.js").Errors} deps.errors
 * @param {import("../core/trained.js").Trained} deps.trained
 * @param {(entry: Entry, whole: boolean) => void} deps.use  whole: as it was trained, else its weights alone
 * @param {(state: Readonly<S>, entry: Entry) => string|null} deps.lacks  the weights that the page asks for and it does not have
 * @param {(state: Readonly<S>, entry: Entry) => string[]} deps.differences
 * @param {string} deps.exact  what is said where there is no difference
 * @param {{numbers: () => string, maxBytes: number}} [deps.bring]  what files are of: the stack on screen, as a query
 */
export function createTrainedPanel(host, { store, errors, trained, use, lacks, differences, exact, bring }) {
  const { on, end } = listeners();
  const select = /** @type {HTMLSelectElement} */ (qs("#checkpoint", host));
  const present = () => trained.of(store.get());
  const sentence = h("p", { class: "trained-sentence" });
  const eye = h("p", { class: "aside" });
  const set = h("button", { type: "button", id: "trained-set", onclick: () => take(present(), true) }, "Set the page to this network");
  const differing = h("ul");
  const apart = h("div", { class: "trained-differs" }, h("p", {}, "The page is not the network as trained:"), differing, set);
  const same = h("p", { class: "trained-exact" }, exact);
  const facts = h("div", { class: "trained-facts", hidden: true }, sentence, eye, same, apart);
  const own = bring ? createBring({ ...bring, errors, trained, chosen: (entry) => take(entry, true), present }) : null;
  qs(".trained-body", host).replaceChildren(facts, ...(own ? [own.element] : []));

  /**
   * @param {Entry|undefined} entry
   * @param {boolean} whole
   */
  function take(entry, whole) {
    if (!entry) return;
    errors.clearFieldError("checkpoint");
    const must = !whole && lacks(store.get(), entry) !== null;
    use(entry, whole || must);
    if (must) errors.showFieldNote("checkpoint", `The page is set to the network, which has ${counted(entry.stack.in_channels, "channel")}.`);
  }

  async function choose() {
    try {
      await trained.load();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return errors.showFieldError("checkpoint", error.sentence, [{ label: "Try again", run: () => void choose() }]);
    }
    const { weights, checkpoint, scheme } = store.get();
    const entry = preferred(trained.all(), checkpoint, scheme);
    if (!entry) return errors.showFieldError("checkpoint", own ? `${NONE.slice(0, -1)}, or bring a file.` : NONE);
    if (weights !== "trained" || !checkpoint) take(entry, false); // a link's own is not replaced, known or not
  }

  function fill() {
    const { weights, checkpoint } = store.get();
    const groups = inGroups(trained.all()).map(({ label, entries }) =>
      h("optgroup", { label }, ...entries.map((entry) => h("option", { value: entry.id }, optionText(entry)))));
    const unknown = weights === "trained" && !present();
    select.replaceChildren(...(unknown ? [h("option", { value: checkpoint }, trained.all().length ? "not on this server" : "…")] : []), ...groups);
    select.disabled = select.options.length === 0;
    show();
  }

  let lacking = false;

  function show() {
    const entry = present();
    facts.hidden = !entry;
    own?.show(entry);
    if (!entry) return;
    select.value = entry.id;
    const missing = lacks(store.get(), entry);
    if (missing) errors.showFieldError("checkpoint", missing);
    else if (lacking) errors.clearFieldError("checkpoint");
    lacking = missing !== null;
    setText(sentence, `${entry.sentence[0].toUpperCase()}${entry.sentence.slice(1)}.`);
    setText(eye, eyeText(entry));
    const found = differences(store.get(), entry);
    same.hidden = found.length > 0;
    apart.hidden = !same.hidden;
    differing.replaceChildren(...found.map((text) => h("li", {}, text)));
  }

  on(select, "change", () => take(trained.all().find(({ id }) => id === select.value), false));
  let filled = "";
  const unsubscribe = [trained.subscribe(fill), store.subscribe(() => {
    const { weights, checkpoint } = store.get();
    if (`${weights} ${checkpoint}` === filled) return show();
    filled = `${weights} ${checkpoint}`;
    fill();
  })];
  fill();
  return {
    choose: () => void choose(),
    destroy() {
      for (const stop of unsubscribe) stop();
      own?.destroy();
      end();
    },
  };
}

/**
 * A file of one's own: what it must hold, sending it, and letting go of it.
 * @param {object} deps
 * @param {() => string} deps.numbers
 * @param {number} deps.maxBytes
 * @param {import("../core/errors.js").Errors} deps.errors
 * @param {import("../core/trained.js").Trained} deps.trained
 * @param {(entry: Entry) => void} deps.chosen
 * @param {() => Entry|undefined} deps.present
 */
function createBring({ numbers, maxBytes, errors, trained, chosen, present }) {
  const { on, end } = listeners();
  const file = h("input", { type: "file", id: "own-network", accept: ".safetensors", "aria-describedby": "own-network-note" });
  const rows = h("ul");
  const layout = h("details", { class: "trained-layout" }, h("summary", {}, "Names and shapes"),
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Names and shapes of the tensors" }, rows));
  const link = h("a", { download: "" }, "Download its file");
  const drop = h("button", { type: "button", onclick: () => void forget() }, "Delete it from the server");
  const kept = h("p", { class: "trained-kept", hidden: true }, link, " ", drop);
  const note = h("p", { class: "aside", id: "own-network-note" }, "A safetensors file of the network on screen, float32 or float16, with BatchNorm folded into the convolutions. It stays on this server.");
  const element = h("div", { class: "trained-own" }, kept,
    h("p", {}, h("label", { class: "file-button" }, "Bring your own… ", file)),
    h("p", { class: "message", id: "own-network-message", "aria-live": "polite" }),
    note, layout);

  /** What the table of names is of. */
  let listed = "";

  async function send() {
    const [picked] = file.files ?? [];
    file.value = "";
    if (!picked) return;
    errors.clearFieldError("own-network");
    if (picked.size > maxBytes) return errors.showFieldError("own-network", `A file may have at most ${number(maxBytes)} bytes, not ${number(picked.size)}.`);
    try {
      const entry = await sendFile(`/api/checkpoints?${numbers()}&name=${encodeURIComponent(picked.name.slice(0, 120))}`, picked);
      trained.add(entry);
      chosen(entry);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      errors.showFieldError("own-network", error.sentence);
    }
  }

  async function forget() {
    const entry = present();
    if (!entry) return;
    try {
      await remove(`/api/checkpoints/${entry.id}`);
      trained.drop(entry.id);
      errors.showFieldNote("own-network", `${entry.name} is deleted; choose another network.`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      errors.showFieldError("own-network", error.sentence);
    }
  }

  async function list() {
    if (!layout.open || numbers() === listed) return;
    listed = numbers();
    try {
      /** @type {{tensors: {name: string, shape: (number|string)[], optional: boolean}[]}} */
      const { tensors } = await getJson(`/api/checkpoints/layout?${numbers()}`);
      rows.replaceChildren(...tensors.map(({ name, shape, optional }) =>
        h("li", {}, h("code", {}, name), ` (${shape.join(", ")})${optional ? ", may be left out" : ""}`)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      errors.showFieldError("own-network", error.sentence);
    }
  }

  on(file, "change", send);
  on(layout, "toggle", list);
  return {
    element,
    /** @param {Entry|undefined} entry  that is looked through */
    show(entry) {
      kept.hidden = !entry;
      drop.hidden = entry?.origin !== "upload";
      if (entry) link.href = `/api/checkpoints/${entry.id}.safetensors`;
      if (layout.open) void list();
    },
    destroy: end,
  };
}
