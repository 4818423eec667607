/** Dims a picture that is out of date, but only after a moment: what comes at once should not flicker. */

const DIM_AFTER_MS = 150;

/** @param {Element} element */
export function createBusy(element) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  return {
    begin() {
      timer ??= setTimeout(() => element.setAttribute("aria-busy", "true"), DIM_AFTER_MS);
    },
    end() {
      clearTimeout(timer);
      timer = undefined;
      element.removeAttribute("aria-busy");
    },
  };
}
