/**
 * Redundancy: how alike the maps of the module on screen are, how they go together with those before them, and how many
 * directions they use.
 *
 * @typedef {import("../../model/redundancy.js").Redundancy} Redundancy
 * @typedef {import("../../model/stackstate.js").FrozenStackState} State
 */
import { getBytes } from "../../core/api.js";
import { h, listeners, qs, setText } from "../../core/dom.js";
import { download } from "../../core/files.js";
import { createPanelLoader } from "../../core/panelloader.js";
import { onTheme } from "../../core/theme.js";
import { colourTable, cssGradient } from "../../draw/colours.js";
import { fillHeat } from "../../draw/heat.js";
import { counted, float32Text, number, typeset } from "../../model/format.js";
import { afterName } from "../../model/ink.js";
import { groupsInOrder, largest, matrixCsv, orderAfter, readRedundancy } from "../../model/redundancy.js";
import { runsText } from "../../model/stacksections.js";
import { canonical, sideOf, sideQuery } from "../../model/stackstate.js";
import { weightsText } from "../../model/weightwords.js";
import { measure } from "../mapstats.js";
import { createMatrixView } from "./matrixview.js";
import { showRanks } from "./ranks.js";
import { headOf, twinOf } from "./twin.js";
import { waysOut } from "./waysout.js";

const NAMED = 24; // constant maps; the table marks all of them
const BREATH_MS = 40;
const MANY = 512; // channels whose second matrix waits for the page to answer

/** @param {string} kind @param {import("../../draw/colours.js").ColourMap} colours */
function legendOf(kind, colours) {
  const [low, high] = [h("span"), h("span")];
  const bar = h("i", { class: "heat-bar" });
  bar.style.backgroundImage = cssGradient(colours);
  return { element: h("p", { class: "heat-legend" }, low, bar, high, kind), low, high };
}

/**
 * @param {HTMLElement} host
 * @param {{store: import("../../model/stackstate.js").StackStore, errors: import("../../core/errors.js").Errors, trained: import("../../core/trained.js").Trained}} deps
 */
export function createRedundancy(host, { store, errors, trained }) {
  const message = h("p", { class: "message", id: "redundancy-message", "aria-live": "polite" });
  const start = h("p", { hidden: true }, "The stem has no module before it: look at module 1 or deeper. ",
    h("button", { type: "button", id: "redundancy-first", onclick: () => store.update({ module: 1 }) }, "Look at module 1"));
  const correlations = createMatrixView({ id: "correlation", label: "Absolute correlation between the maps of the module", across: "channel", down: "channel",
    describe: (place) => tell("correlation", place), onPick: ({ column }) => choose(column) });
  const covariances = createMatrixView({ id: "covariance", label: "Covariance between the maps before the module and those after it", across: "channel after the module",
    down: "channel before it", describe: (place) => tell("covariance", place), onPick: ({ column }) => choose(column) });
  const legends = { correlation: legendOf("|correlation|", "viridis"), covariance: legendOf("covariance, by its square root", "diverging") };
  setText(legends.correlation.low, "0");
  setText(legends.correlation.high, "1");
  const titles = { correlation: h("h3"), covariance: h("h3") };
  const dead = h("p", { class: "redundancy-dead" });
  const ranks = h("table", { class: "rank-table" });
  const [words, stem] = [h("p", { class: "convention" }), h("p", { class: "convention" })];
  const chosen = h("input", { type: "number", id: "redundancy-channel", class: "number", min: 0, step: 1, value: 0 });
  const rowTable = h("table");
  const twin = twinOf("One channel’s values as a table", rowTable);
  twin.querySelector("summary")?.after(h("p", { class: "redundancy-choice" }, h("label", { for: "redundancy-channel" }, "Channel"), chosen));
  const files = h("p", { class: "files" }, "All values as ", ...(/** @type {const} */ (["correlation", "covariance"])).map((name) =>
    h("button", { type: "button", id: `${name}-csv`, onclick: () => save(name) }, `${name}, CSV`)));
  const body = h("div", { class: "redundancy-body" },
    h("div", { class: "redundancy-pictures" },
      h("div", {}, titles.correlation, legends.correlation.element, correlations.element),
      h("div", {}, titles.covariance, legends.covariance.element, covariances.element)),
    dead, twin, files, words, h("h3", {}, "Effective rank"), stem,
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Effective ranks" }, ranks));
  qs(".panel-body", host).replaceChildren(message, start, body);
  const own = listeners();
  /** @type {{redundancy: Redundancy, module: number, state: State}|null} */
  let shown = null;
  /** Channels as they stand along the edges: after the module, and before it. */
  let after = [0];
  let before = [0];

  /** @param {State} state */
  const query = (state) => (state.module === 0 ? "" : `${sideQuery(state, sideOf(state))}&module=${state.module}`);

  const loader = createPanelLoader({ store, errors, canonical }, "redundancy", query, async (state, signal) => {
    if (state.module === 0) return null;
    return { redundancy: readRedundancy(await getBytes(`/api/stack/redundancy?${query(state)}`, { signal })), module: state.module, state };
  }, { after: "maps", exits: (error) => waysOut(store.get(), error, store.update) });

  /** @param {typeof shown} next */
  async function show(next) {
    shown = next;
    start.hidden = next !== null;
    body.hidden = next === null;
    if (!next) return;
    const { redundancy, module, state } = next;
    [after, before] = [orderAfter(redundancy), redundancy.order_before];
    const whose = state.compare ? `, ${sideOf(state).toUpperCase()}` : "";
    setText(titles.correlation, `Within ${afterName(module)}${whose}`);
    setText(titles.covariance, `Between ${afterName(module - 1)} and ${afterName(module)}${whose}`);
    setText(dead, deadText(redundancy, module));
    await paint();
    if (shown !== next) return;
    showRanks(ranks, redundancy, module);
    setText(words, wordsOf(state, redundancy, trained.of(state)));
    setText(stem, stemText(redundancy));
    chosen.max = String(redundancy.channels - 1);
    if (Number(chosen.value) >= redundancy.channels) chosen.value = "0";
    fillRow();
  }

  async function paint() {
    if (!shown) return;
    const now = shown;
    const { redundancy } = now;
    const { channels, correlation, covariance } = redundancy;
    const most = largest(covariance);
    const roots = covariance.map((value) => Math.sign(value) * Math.sqrt(Math.abs(value)));
    setText(legends.covariance.low, measure(-most));
    setText(legends.covariance.high, measure(most));
    const [gone, goneBefore] = [new Set(redundancy.dead), new Set(redundancy.dead_before)];
    const columnGroups = groupsInOrder(redundancy, "out");
    const common = { rows: channels, columns: channels, columnOrder: after };
    const sides = { rows: channels, columns: channels, columnGroups };
    const first = new Uint32Array(channels ** 2);
    fillHeat(first, { ...common, values: correlation, rowOrder: after, table: colourTable("viridis"), range: [0, 1], absent: { rows: gone, columns: gone } });
    correlations.show({ ...sides, cells: first, rowGroups: columnGroups });
    if (channels > MANY) await new Promise((resolve) => setTimeout(resolve));
    if (shown !== now) return;
    const second = new Uint32Array(channels ** 2);
    fillHeat(second, { ...common, values: roots, rowOrder: before, table: colourTable("diverging"), range: [-Math.sqrt(most), Math.sqrt(most)], absent: { rows: goneBefore, columns: gone } });
    covariances.show({ ...sides, cells: second, rowGroups: groupsInOrder(redundancy, "in") });
  }

  /** @param {"correlation"|"covariance"} what @param {{row: number, column: number}} place */
  function tell(what, { row, column }) {
    if (!shown) return "";
    const { redundancy, module } = shown;
    const [from, to] = [what === "correlation" ? after[row] : before[row], after[column]];
    const value = redundancy[what][from * redundancy.channels + to];
    const gone = redundancy.dead.includes(to) || redundancy[what === "correlation" ? "dead" : "dead_before"].includes(from);
    if (gone) return `Channels ${from} and ${to}: a map is constant, so there is no value.`;
    return what === "correlation"
      ? `Channels ${from} and ${to} of ${afterName(module)}: |correlation| ${float32Text(value)}.`
      : `Channel ${from} after ${afterName(module - 1)} and channel ${to} after ${afterName(module)}: covariance ${typeset(float32Text(value))}.`;
  }

  /** @param {number} column  in the order of display */
  function choose(column) {
    chosen.value = String(after[column]);
    fillRow();
  }

  function fillRow() {
    if (!twin.open || !shown) return;
    const { redundancy: { channels, correlation, covariance, dead: gone, dead_before: goneBefore }, module } = shown;
    const channel = Math.min(channels - 1, Math.max(0, Math.floor(Number(chosen.value) || 0)));
    const lost = gone.includes(channel);
    const [none, noneBefore] = [new Set(gone), new Set(goneBefore)];
    const lines = Array.from({ length: channels }, (_, c) => {
      const [alike, along] = [correlation[channel * channels + c], covariance[c * channels + channel]];
      return h("tr", {}, h("th", { scope: "row" }, c), h("td", { "data-name": "correlation", "data-value": alike }, lost || none.has(c) ? "constant" : float32Text(alike)),
        h("td", { "data-name": "covariance", "data-value": along }, lost || noneBefore.has(c) ? "constant" : typeset(float32Text(along))));
    });
    rowTable.replaceChildren(headOf(["With channel", `|correlation| with channel ${channel}`, `covariance of the channel after ${afterName(module - 1)} with channel ${channel} after ${afterName(module)}`]), h("tbody", {}, ...lines));
  }

  /** Part by part: a matrix of 2 048 channels is 50 MB of text. @param {"correlation"|"covariance"} what */
  async function save(what) {
    if (!shown) return;
    const { redundancy, module } = shown;
    const corner = what === "correlation" ? "channel" : "before\\after";
    const parts = await gathered(matrixCsv(redundancy[what], redundancy.channels, corner));
    const url = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
    download(url, `${what}-module-${module}.csv`);
    URL.revokeObjectURL(url);
  }

  own.on(twin, "toggle", fillRow);
  own.on(chosen, "input", fillRow);
  const offTheme = onTheme(() => void paint());
  const off = loader.subscribe({ host, element: body, show });
  const known = trained.subscribe(() => shown && setText(words, wordsOf(shown.state, shown.redundancy, trained.of(shown.state))));
  loader.refresh();
  return {
    destroy() {
      off();
      known();
      loader.destroy();
      offTheme();
      own.end();
      correlations.destroy();
      covariances.destroy();
    },
  };
}

/** All of them, with pauses for the page to answer. @param {Iterable<string>} lines */
async function gathered(lines) {
  const parts = [];
  let since = performance.now();
  for (const line of lines) {
    parts.push(line);
    if (performance.now() - since < BREATH_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  }
  return parts;
}

/** @param {Redundancy} redundancy @param {number} module */
function deadText({ dead, dead_before, channels }, module) {
  /** @param {number[]} list @param {number} at */
  const told = (list, at) => `${counted(list.length, "map")} of ${number(channels)} after ${afterName(at)}: ${runsText(list.slice(0, NAMED))}${list.length > NAMED ? ` and ${number(list.length - NAMED)} more` : ""}`;
  const all = [...(dead.length ? [told(dead, module)] : []), ...(dead_before.length ? [told(dead_before, module - 1)] : [])];
  return all.length ? `Constant, and so without a value (checked grey): ${all.join("; ")}.` : "No map is constant: every pair has a value.";
}

/** @param {State} state @param {Redundancy} redundancy @param {import("../../model/weightwords.js").Told} [network] */
function wordsOf(state, { samples }, network) {
  const { weights, mixing, module } = state;
  const learnt = weights === "trained";
  const read = mixing === "pointwise" && module > 1 ? "A 1 × 1 convolution stands between them, so the groups read mixtures of the rows. " : "";
  return `${weightsText(state, network)}. So this is what ${learnt ? "training made of the structure" : "the structure allows, not what training learns"}. ` +
    `The covariance between consecutive layers is that of Ioannou et al., Deep Roots (arXiv 1605.06489): each of ${number(samples)} pixels a sample, means subtracted, the smaller map enlarged by nearest neighbour. ` +
    `Theirs is of a ${learnt ? "" : "trained "}network over a whole data set, this one of one picture. ${read}`.trim();
}

/** @param {Redundancy} redundancy */
const stemText = ({ rank, channels }) =>
  `(Sum of the eigenvalues)² / sum of their squares, of the maps’ covariance: as many directions of equal variance would hold as much. ` +
  `A linear 3 × 3 RGB stem of ${counted(channels, "channel")} has rank ${rank.stem_most} at most; ours ends in a ReLU, which can raise it.`;
