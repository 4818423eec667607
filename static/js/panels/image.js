/**
 * The picture: what the network sees of it, a shelf of samples, and upload by button, drop or paste.
 *
 * Hears `image-missing` (detail: the server's sentence): sends a file it still has once more, silently, and says
 * `image-stored` on the document; otherwise shows the sentence with a sample as the way out.
 *
 * @typedef {{image: string, size: number}} Seen  what it needs of a page's state
 * @typedef {object} Store
 * @property {() => Readonly<Seen>} get
 * @property {(patch: {image: string}) => void} update
 * @property {(listener: (state: Readonly<Seen>, prev: Readonly<Seen>) => void) => () => void} subscribe
 * @typedef {{id: string, name: string, credit: string, licence: string}} Sample
 * @typedef {{samples: Sample[], limits?: Record<string, number>}} Boot
 */
import { ApiError, getBytes } from "../core/api.js";
import { h, listeners, qs, setText } from "../core/dom.js";
import { createLatest } from "../core/latest.js";
import { uploadImage } from "../core/upload.js";

const SHELF_SIDE = 40; // CSS pixels, as in image.css
const SIDE = 112;
const SETTLE_MS = 150; // while the size slider moves, the thumbnail waits
const SHOW_PROGRESS_MS = 150;
const SHELF_AFTER_MS = 2000; // maps that do not come hold the shelf up no longer

/**
 * The square the network sees of a picture, with no more pixels than the screen can show.
 * @param {string} id
 * @param {number} size
 * @param {number} side  CSS pixels
 */
const squareUrl = (id, size, side) => `/api/images/${id}?size=${Math.min(size, Math.ceil(side * devicePixelRatio))}`;

/**
 * @param {Sample[]} samples
 * @param {(id: string) => void} onChoose
 */
function createShelf(samples, onChoose) {
  const pictures = samples.map(({ name }) =>
    h("img", { alt: name, width: SHELF_SIDE, height: SHELF_SIDE, draggable: "false" }),
  );
  const buttons = samples.map(({ id, name, credit, licence }, i) => {
    const title = `${name}. ${credit}, ${licence}`;
    return h("button", { type: "button", class: "sample", title, "data-image": id, onclick: () => onChoose(id) }, pictures[i]);
  });
  const items = buttons.map((button) => h("li", {}, button));
  return {
    element: h("ul", { class: "shelf", "aria-label": "Sample photographs" }, ...items),
    fill() {
      pictures.forEach((picture, i) => (picture.src ||= squareUrl(samples[i].id, Infinity, SHELF_SIDE)));
    },
    /** @param {string} id */
    mark: (id) => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.image === id))),
  };
}

/**
 * Files dropped anywhere on the page, or pasted.
 * @param {(target: EventTarget, type: string, handler: (event: any) => void) => void} on
 * @param {(file: File) => void} onFile
 */
function acceptFiles(on, onFile) {
  const root = document.documentElement;
  /** @param {DragEvent} event */
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    root.classList.add("dropping");
  };
  /** @param {DragEvent|ClipboardEvent} event @param {DataTransfer|null} data */
  const take = (event, data) => {
    root.classList.remove("dropping");
    const [file] = data?.files ?? [];
    if (!file) return;
    event.preventDefault();
    onFile(file);
  };
  on(document, "dragenter", over);
  on(document, "dragover", over);
  on(document, "dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("dropping");
  });
  on(document, "drop", (event) => take(event, event.dataTransfer));
  on(document, "paste", (event) => take(event, event.clipboardData));
}

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)}\u202fMB`;

/**
 * @param {HTMLElement} host
 * @param {{store: Store, boot: Boot, errors: import("../core/errors.js").Errors}} deps
 */
export function createImagePanel(host, { store, boot: { samples, limits }, errors }) {
  const thumbnail = h("img", { class: "thumbnail", alt: "", width: SIDE, height: SIDE, draggable: "false" });
  const name = h("p", { class: "image-name" });
  const credit = h("p", { class: "image-credit" });
  const input = h("input", { type: "file", id: "image-file", accept: "image/*", hidden: true, "aria-label": "Photograph" });
  const button = h("button", { type: "button", id: "image-upload", onclick: () => input.click() }, "Upload photo");
  const hint = h("p", { class: "image-hint" }, "or drop, or paste one");
  const progress = h("progress", { max: 1, "aria-label": "Upload", hidden: true });
  const message = h("p", { id: "image-message", class: "message", "aria-live": "polite" });
  const shelf = createShelf(samples, choose);
  const text = h("div", { class: "image-text" }, name, credit, input, button, hint, progress);
  qs(".panel-body", host).append(h("div", { class: "image-now" }, thumbnail, text), message, shelf.element);

  const own = listeners();
  const uploads = createLatest({ most: 0 });
  const thumbnails = createLatest({ most: 0 });
  /** What this page sent, should the server forget it. @type {Map<string, File>} */
  const sent = new Map();
  /** @type {string|null} */
  let restored = null;
  let settling = 0;

  /** @param {string} id */
  function choose(id) {
    uploads.cancel();
    errors.clearFieldError("image");
    store.update({ image: id });
  }

  /** @param {File} file */
  function send(file) {
    const most = limits?.max_upload_bytes ?? Infinity;
    if (file.size > most) {
      const sizes = `The file has ${megabytes(file.size)}; at most ${megabytes(most)} can be sent.`;
      return errors.showFieldError("image", `${sizes} Save it smaller, then try again.`);
    }
    uploads.submit((signal) => upload(file, signal, choose));
  }

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   * @param {(id: string) => void} then
   */
  async function upload(file, signal, then) {
    const show = setTimeout(() => (progress.hidden = false), SHOW_PROGRESS_MS);
    progress.removeAttribute("value");
    try {
      const { id } = await uploadImage(file, { signal, onProgress: (share) => (progress.value = share) });
      sent.set(id, file);
      then(id);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      errors.showFieldError("image", error.sentence);
    } finally {
      clearTimeout(show);
      progress.hidden = true;
    }
  }

  /** @param {string} sentence  the server's, about a picture it does not have */
  function missing(sentence) {
    const { image } = store.get();
    const file = sent.get(image);
    if (file && restored !== image) {
      restored = image;
      const stored = () => document.dispatchEvent(new CustomEvent("image-stored"));
      return uploads.submit((signal) => upload(file, signal, stored));
    }
    const [first] = samples;
    const wayOut = first && image !== first.id ? [{ label: `Use “${first.name}”`, run: () => choose(first.id) }] : [];
    errors.showFieldError("image", sentence, wayOut);
  }

  /** @param {AbortSignal} signal */
  async function loadThumbnail(signal) {
    const { image, size } = store.get();
    let bytes;
    try {
      bytes = await getBytes(squareUrl(image, size, SIDE), { signal }); // a failed <img> would show on the console
    } catch {
      return; // the maps' own request says why, and the old picture stays
    }
    if (signal.aborted) return;
    URL.revokeObjectURL(thumbnail.src);
    thumbnail.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    thumbnail.alt = `What the network sees: ${name.textContent}, ${size} × ${size}`;
    thumbnail.dataset.image = image;
  }

  function describe() {
    const { image } = store.get();
    const sample = samples.find(({ id }) => id === image);
    setText(name, sample?.name ?? sent.get(image)?.name ?? (image ? "Uploaded photograph" : "No photograph yet"));
    setText(credit, sample ? `${sample.credit}, ${sample.licence}` : "");
    shelf.mark(image);
  }

  /** @param {number} delay */
  function show(delay) {
    describe();
    clearTimeout(settling);
    settling = window.setTimeout(() => thumbnails.submit(loadThumbnail), delay);
  }

  own.on(input, "change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) send(file);
  });
  acceptFiles(own.on, send);
  own.on(document, "image-missing", (event) => missing(event.detail));
  // The first maps come first: small pictures of what else there is would hold them up.
  for (const type of ["maps-painted", "image-missing"]) own.on(document, type, shelf.fill);
  const late = setTimeout(shelf.fill, SHELF_AFTER_MS);
  const unsubscribe = store.subscribe((state, prev) => {
    if (state.image !== prev.image) restored = null;
    if (state.image !== prev.image) show(0);
    else if (state.size !== prev.size) show(SETTLE_MS);
  });
  if (!store.get().image && samples.length) store.update({ image: samples[0].id });
  else if (store.get().image) show(0);

  return {
    destroy() {
      unsubscribe();
      own.end();
      uploads.cancel();
      thumbnails.cancel();
      clearTimeout(settling);
      clearTimeout(late);
      URL.revokeObjectURL(thumbnail.src);
      qs(".panel-body", host).replaceChildren();
    },
  };
}
