/** Assembles the networks page: the state from the link, the panels, and the state back into the link. */
import { keepAddress } from "./core/address.js";
import { ApiError, sentenceOf } from "./core/api.js";
import { qs } from "./core/dom.js";
import * as errors from "./core/errors.js";
import { createStore } from "./core/store.js";
import { createWhatIf } from "./core/whatif.js";
import { OWN, canonical, parseQuery } from "./model/networkstate.js";
import { ownDocument } from "./model/own.js";
import { createBar } from "./panels/bar.js";
import { createBill } from "./panels/networks/bill.js";
import { createControls } from "./panels/networks/controls.js";
import { createCurves } from "./panels/networks/curves.js";
import { createDevices } from "./panels/networks/devices.js";
import { createEdits } from "./panels/networks/edits.js";
import { createGrowth } from "./panels/networks/growth.js";
import { createHeadline } from "./panels/networks/headline.js";
import { createLayers } from "./panels/networks/layers.js";
import { createMeasuredLayers } from "./panels/networks/measured.js";
import { createMemory } from "./panels/networks/memory.js";
import { createOwn } from "./panels/networks/own.js";
import { createPolicies } from "./panels/networks/policies.js";
import { createTakeaway } from "./panels/networks/takeaway.js";
import { createWeber } from "./panels/networks/weber.js";
import { createSheet } from "./panels/sheet.js";

const boot = JSON.parse(qs("#boot").textContent ?? "{}");
const names = new Map(boot.networks.map((/** @type {{id: string, name: string}} */ { id, name }) => [id, name]));
const own = ownDocument();
const link = parseQuery(location.search, [...names.keys(), ...(own ? [OWN] : [])], own);
const store = createStore(link.state);

/** Edits that came with a link may not fit: they are dropped, and said to be. @param {Error} error */
function fail(error) {
  const sentence = sentenceOf(error);
  const refused = error instanceof ApiError && error.status === 422;
  if (refused && !whatIf.get() && Object.keys(store.get().edits).length) {
    store.update({ edits: {} });
    errors.showFieldError("edits", `The link’s edits were dropped: ${sentence}`);
    return;
  }
  failed = true;
  const undo = edits.canUndo() ? [{ label: "Undo", run: edits.undo }] : [];
  errors.showFieldError("policy", sentence, refused ? undo : [{ label: "Try again", run: whatIf.refresh }]);
}

let failed = false;
/** Only what fail() told goes: a note about the link stays. */
function good() {
  if (failed) errors.clearFieldError("policy");
  failed = false;
}
const whatIf = createWhatIf({ store, fail, good });
/** @param {string} id */
const nameOf = (id) => names.get(id) ?? (store.get().document?.name || "Your network");
const deps = { store, errors, whatIf, nameOf };

createHeadline(qs("#headline"), deps);
createControls(qs("#controls"), deps);
createBill(qs("#bill"), deps);
createPolicies(qs("#policies"), deps);
const edits = createEdits(qs("#edits"), deps);
const layers = createLayers(qs("#layers"), { ...deps, edits });
edits.before(createCurves(qs("#curves"), { ...deps, reveal: layers.reveal }).ahead);
createMeasuredLayers(qs("#measured"), deps);
createGrowth(qs("#growth"), deps);
createMemory(qs("#memory"), deps);
createDevices(qs("#devices"), deps);
createWeber(qs("#weber"), deps);
createTakeaway(qs("#takeaway"), deps);
createOwn({ ...deps, maxBytes: boot.limits.max_document_bytes });
whatIf.refresh();

for (const { field, message } of link.errors) errors.showFieldNote(field, message);

const address = keepAddress(store, canonical);
createBar({ writeAddress: address.write });
createSheet(qs("#sheet"), qs("#controls"), qs("#bill"));
