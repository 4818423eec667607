/**
 * Every change a control asks for goes through here: read, settled, and only then put into the store.
 * What cannot be is kept as a draft beside its control, with the server's sentence, and tried again together with
 * the next change; the state keeps its last good value meanwhile.
 *
 * @typedef {import("./store.js").State} State
 * @typedef {import("../model/params.js").Key} Key
 * @typedef {import("./errors.js").WayOut} WayOut
 */
import { Illegal } from "../model/grouping.js";
import { readValue } from "../model/params.js";
import { hasChoice } from "../model/grouping.js";
import { movedSentence, settle } from "../model/settle.js";
import { waysOut } from "../model/waysout.js";
import { explain } from "./explain.js";

const PATIENCE_MS = 200; // half-typed numbers need no sentence

/**
 * @typedef {{params: import("../model/params.js").Params}} Boot
 * @param {{store: import("./store.js").Store, boot: Boot, errors: import("./errors.js").Errors}} deps
 */
export function createAttempts({ store, boot, errors }) {
  /** @type {Map<Key, string>} */
  const drafts = new Map();
  /** @type {Map<Key, AbortController>} */
  const asking = new Map();
  let chosen = store.get().groups;
  /**
   * The number of groups before this control began to move: it comes back when the control does.
   * @type {{field: Key|null, groups: number}}
   */
  let anchor = { field: null, groups: chosen };

  /** @param {Key} field */
  function forget(field) {
    drafts.delete(field);
    asking.get(field)?.abort();
    asking.delete(field);
    errors.clearFieldError(field);
  }

  /** @param {Key} field */
  function wantedFor(field) {
    if (anchor.field !== field) anchor = { field, groups: chosen };
    return anchor.groups;
  }

  /**
   * @param {Key} field
   * @param {Partial<State>} patch
   * @returns {boolean}
   */
  function commit(field, patch) {
    const { state, moved } = settle(store.get(), patch, wantedFor(field));
    for (const key of /** @type {Key[]} */ (Object.keys(patch))) forget(key);
    if (hasChoice(state.scheme)) chosen = state.groups;
    if (moved) {
      forget("groups");
      errors.showFieldNote("groups", movedSentence(state, moved));
    } else if (!drafts.has("groups")) {
      errors.clearFieldError("groups");
    }
    store.update(state);
    return true;
  }

  /** Drafts that read as values, to go along with the next change. @param {Key} field */
  function patchOfDrafts(field) {
    const read = [...drafts].map(([key, raw]) => [key, readValue(key, raw, boot.params)]);
    return Object.fromEntries(read.filter(([key, value]) => key !== field && value !== undefined));
  }

  /**
   * @param {Key} field
   * @param {Partial<State>} patch
   */
  function tryCommit(field, patch) {
    try {
      return commit(field, patch);
    } catch (error) {
      if (error instanceof Illegal) return false;
      throw error;
    }
  }

  /**
   * @param {Key} field
   * @param {string} raw
   * @param {Partial<State>|null} patch  null for a text that is no value
   */
  async function reject(field, raw, patch) {
    drafts.set(field, raw);
    asking.get(field)?.abort();
    const controller = new AbortController();
    asking.set(field, controller);
    const late = setTimeout(async () => {
      const told = await explain(store.get(), { [field]: raw }, controller.signal);
      if (controller.signal.aborted) return;
      const sentence = told ?? `“${raw.trim()}” can’t be used here.`;
      errors.showFieldError(field, sentence, patch ? exits(field, patch) : []);
    }, PATIENCE_MS);
    controller.signal.addEventListener("abort", () => clearTimeout(late));
  }

  /**
   * @param {Key} field
   * @param {Partial<State>} patch
   * @returns {WayOut[]}
   */
  const exits = (field, patch) =>
    waysOut({ ...store.get(), ...patch }, boot.params).map(({ label, patch: way }) => ({
      label,
      run: () => void tryCommit(field, { ...patch, ...way }),
    }));

  return {
    /**
     * @param {Key} field
     * @param {string} raw  as typed, or as in the URL
     */
    attempt(field, raw) {
      const value = readValue(field, raw, boot.params);
      if (value === undefined) return void reject(field, raw, null);
      const patch = { [field]: value };
      const others = patchOfDrafts(field);
      const done = (Object.keys(others).length && tryCommit(field, { ...others, ...patch })) || tryCommit(field, patch);
      if (!done) void reject(field, raw, patch);
    },

    /** A whole state that can be, in place of all that was asked for. @param {State} state */
    take(state) {
      for (const key of [...drafts.keys()]) forget(key);
      errors.clearFieldError("groups");
      chosen = state.groups;
      anchor = { field: null, groups: chosen };
      store.update(state);
    },

    /** Text of a control whose value the layer cannot have, if it has one. @param {Key} field */
    draft: (field) => drafts.get(field),

    /** Back to the last good value. @param {Key} field */
    forget,

    end() {
      for (const controller of asking.values()) controller.abort();
    },
  };
}
