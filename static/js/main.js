/** Assembles the page: the state from the link, the panels, and the state back into the link. */
import { getJson } from "./core/api.js";
import { qs, setText } from "./core/dom.js";
import * as errors from "./core/errors.js";
import { createStore } from "./core/store.js";
import { chosenTheme, nextTheme, setTheme } from "./core/theme.js";
import { canonical, parseQuery } from "./core/url.js";
import { settleLink } from "./model/settle.js";
import { createControls } from "./panels/controls.js";
import { createDepthPanel } from "./panels/depth.js";
import { createHeadline } from "./panels/headline.js";
import { createImagePanel } from "./panels/image.js";
import { createMapsPanel } from "./panels/maps.js";
import { createNumbersPanel } from "./panels/numbers.js";
import { createSheet } from "./panels/sheet.js";
import { createSplitPanel } from "./panels/split.js";

const URL_DELAY_MS = 150; // browsers ration history entries
const COPIED_MS = 2000;

const boot = JSON.parse(qs("#boot").textContent ?? "{}");
const link = parseQuery(location.search, boot.params, boot.samples);
if (!link.state.image) link.state.image = boot.samples[0]?.id ?? "";
const { state, errors: settled } = settleLink(link.state, boot.params);
const store = createStore(state);
const deps = { store, boot, errors };

createControls(qs("#controls"), deps);
createHeadline(qs("#headline"), deps);
createSplitPanel(qs("#split"), deps);
createNumbersPanel(qs("#numbers"), deps);
createImagePanel(qs("#image"), deps);
createMapsPanel(qs("#maps"), deps);
createDepthPanel(qs("#depth"), deps);

for (const { field, message } of [...link.errors, ...settled]) errors.showFieldNote(field, message);

const address = () => `${location.pathname}?${canonical(store.get())}${location.hash}`;
const writeAddress = () => history.replaceState(null, "", address());
writeAddress();
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;
store.subscribe((next, prev) => {
  if (canonical(next) === canonical(prev)) return;
  clearTimeout(timer);
  timer = setTimeout(writeAddress, URL_DELAY_MS);
});
addEventListener("popstate", writeAddress); // Back goes to another panel; the layer stays, and the address says so

const copy = qs("#copy-link");
copy.addEventListener("click", async () => {
  writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    setText(copy, "Copied");
  } catch {
    setText(copy, "Copy the address"); // browsers keep the clipboard from pages without TLS
  }
  setTimeout(() => setText(copy, "Copy link"), COPIED_MS);
});

const theme = qs("#theme");
const showTheme = () => setText(theme, `Theme: ${chosenTheme()}`);
theme.addEventListener("click", () => {
  setTheme(nextTheme());
  showTheme();
});
showTheme();

createSheet(qs("#sheet"), qs("#controls"), qs("#split"));

const help = /** @type {HTMLDialogElement} */ (qs("#help-dialog"));
qs("#help").addEventListener("click", () => help.showModal());

getJson("/api/device").then(
  ({ device, compute_dtype, threads }) => {
    const count = device === "cpu" ? ` · ${threads} ${threads === 1 ? "thread" : "threads"}` : "";
    setText(qs("#device"), `${device} · ${compute_dtype}${count}`);
  },
  () => setText(qs("#device"), "device unknown"),
);
