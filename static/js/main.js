/** Assembles the page: the state from the link, the panels, and the state back into the link. */
import { keepAddress } from "./core/address.js";
import { qs } from "./core/dom.js";
import * as errors from "./core/errors.js";
import { createStore } from "./core/store.js";
import { createTrained } from "./core/trained.js";
import { canonical, parseQuery } from "./core/url.js";
import { settleLink } from "./model/settle.js";
import { createBar } from "./panels/bar.js";
import { createControls } from "./panels/controls.js";
import { createDepthPanel } from "./panels/depth.js";
import { createHeadline } from "./panels/headline.js";
import { createImagePanel } from "./panels/image.js";
import { createMapsPanel } from "./panels/maps.js";
import { createNumbersPanel } from "./panels/numbers.js";
import { createSheet } from "./panels/sheet.js";
import { createSplitPanel } from "./panels/split.js";

const boot = JSON.parse(qs("#boot").textContent ?? "{}");
const link = parseQuery(location.search, boot.params, boot.samples);
if (!link.state.image) link.state.image = boot.samples[0]?.id ?? "";
const { state, errors: settled } = settleLink(link.state, boot.params);
const store = createStore(state);
const deps = { store, boot, errors, trained: createTrained() };

createControls(qs("#controls"), deps);
createHeadline(qs("#headline"), deps);
createSplitPanel(qs("#split"), deps);
createNumbersPanel(qs("#numbers"), deps);
createImagePanel(qs("#image"), deps);
createMapsPanel(qs("#maps"), deps);
createDepthPanel(qs("#depth"), deps);

for (const { field, message } of [...link.errors, ...settled]) errors.showFieldNote(field, message);

const address = keepAddress(store, canonical);
createBar({ writeAddress: address.write });
createSheet(qs("#sheet"), qs("#controls"), qs("#split"));
