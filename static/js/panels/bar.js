/** The bar above every page: the link, the theme, help, and the device the server computes on. */
import { getJson } from "../core/api.js";
import { listeners, qs, setText } from "../core/dom.js";
import { chosenTheme, nextTheme, setTheme } from "../core/theme.js";

const COPIED_MS = 2000;

/** @param {{writeAddress: () => void}} deps */
export function createBar({ writeAddress }) {
  const { on, end } = listeners();
  const copy = qs("#copy-link");
  const theme = qs("#theme");
  const help = /** @type {HTMLDialogElement} */ (qs("#help-dialog"));
  const showTheme = () => setText(theme, `Theme: ${chosenTheme()}`);

  on(copy, "click", async () => {
    writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
      setText(copy, "Copied");
    } catch {
      setText(copy, "Copy the address"); // browsers keep the clipboard from pages without TLS
    }
    setTimeout(() => setText(copy, "Copy link"), COPIED_MS);
  });
  on(theme, "click", () => {
    setTheme(nextTheme());
    showTheme();
  });
  on(qs("#help"), "click", () => help.showModal());
  showTheme();

  getJson("/api/device").then(
    ({ device, compute_dtype, threads }) => {
      const count = device === "cpu" ? ` · ${threads} ${threads === 1 ? "thread" : "threads"}` : "";
      setText(qs("#device"), `${device} · ${compute_dtype}${count}`);
    },
    () => setText(qs("#device"), "device unknown"),
  );
  return { destroy: end };
}
