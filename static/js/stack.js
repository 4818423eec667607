/** Assembles the stack page: the state from the link, the panels, and the state back into the link. */
import { keepAddress } from "./core/address.js";
import { qs } from "./core/dom.js";
import * as errors from "./core/errors.js";
import { createStackMaps } from "./core/stackmaps.js";
import { createStackNumbers } from "./core/stacknumbers.js";
import { createStore } from "./core/store.js";
import { createTrailing } from "./core/trailing.js";
import { createTrained } from "./core/trained.js";
import { canonical, parseQuery, settle } from "./model/stackstate.js";
import { createBar } from "./panels/bar.js";
import { createImagePanel } from "./panels/image.js";
import { createSheet } from "./panels/sheet.js";
import { createControls } from "./panels/stack/controls.js";
import { createFilm } from "./panels/stack/film.js";
import { createHeadline } from "./panels/stack/headline.js";
import { createInk } from "./panels/stack/ink.js";
import { createInspector } from "./panels/stack/inspector.js";
import { createMaps } from "./panels/stack/maps.js";
import { createModule } from "./panels/stack/module.js";
import { createRedundancy } from "./panels/stack/redundancy.js";
import { createScale } from "./panels/stack/scale.js";
import { createTakeaway } from "./panels/stack/takeaway.js";
import { waysOut } from "./panels/stack/waysout.js";

const boot = JSON.parse(qs("#boot").textContent ?? "{}");
const link = parseQuery(location.search, boot.params);
if (!link.state.image) link.state.image = boot.samples[0]?.id ?? "";
const kept = createStore(link.state);
/** Whatever a panel asks for, the state stays one that can be. */
const store = { ...kept, update: (/** @type {any} */ patch) => kept.update(settle(kept.get(), patch)) };
/** The maps follow the finger; whatever else a change redraws waits for them. */
const trailing = createTrailing(store, "maps", canonical);
const numbers = createStackNumbers({ store: trailing, errors, waysOut: (state, error) => waysOut(state, error, store.update) });
const deps = { store, boot, errors, numbers, maps: createStackMaps(), trained: createTrained() };

createControls(qs("#controls"), deps);
const inspector = createInspector(/** @type {HTMLDialogElement} */ (qs("#inspector")), deps);
const seeing = { ...deps, inspect: inspector.open };
const { painted } = createMaps(qs("#maps"), seeing); // first to hear of a change, and to ask the server
createImagePanel(qs("#image"), deps);
const after = { ...seeing, store: trailing };
createHeadline(qs("#headline"), after);
createModule(qs("#module"), after);
createFilm(qs("#film"), after);
createInk(qs("#ink"), after);
createScale(qs("#scale"), after);
createRedundancy(qs("#redundancy"), after);
createTakeaway(qs("#takeaway"), { ...after, painted });
numbers.refresh();

for (const { field, message } of link.errors) errors.showFieldNote(field, message);

const address = keepAddress(store, canonical);
createBar({ writeAddress: address.write });
createSheet(qs("#sheet"), qs("#controls"), qs("#module"));
