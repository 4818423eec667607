/**
 * The run on screen: found by its id, followed while it trains, read again as it grows. A run goes on when the page is
 * closed; whoever opens it finds it where it is.
 *
 * @typedef {import("../model/trainstate.js").Arm} Arm
 * @typedef {{step: number, accuracy: number, loss: number, seconds: number, macs: number}} Evaluation
 * @typedef {{seed: number, steps: number[], loss: number[], seconds: number[], macs: number[], evaluations: Evaluation[]}} History
 * @typedef {{seed: number, accuracy: number|null, loss: number|null, confusion: number[][]|null, checkpoint: string|null}} SeedResult
 * @typedef {{arm: Arm, label: string, channels: number, sizes: string, groups: number, params: number, macs: number, params_ratio: number, macs_ratio: number}} PlannedArm
 * @typedef {PlannedArm & {seeds: SeedResult[], accuracy_mean: number|null, accuracy_low: number|null, accuracy_high: number|null}} ArmResult
 * @typedef {{id: string, name: string, credit: string, classes: string[], channels: number, side: [number, number]|number, train: number, test: number, note?: string}} DataFacts
 * @typedef {{sentence: string, pairs: {a: string, b: string, difference: number, low: number, high: number, noise: boolean}[]}} Verdict
 * @typedef {object} TrainingRecord
 * @property {string} id
 * @property {string} created
 * @property {string} state
 * @property {string} label
 * @property {string} query
 * @property {number} total  steps of all arms and seeds
 * @property {DataFacts} data
 * @property {string|{[name: string]: any}} device
 * @property {ArmResult[]} arms
 * @property {Record<string, History[]>} history
 * @property {Verdict|null} verdict
 * @property {Record<string, import("../model/trainwords.js").Look>|import("../model/trainwords.js").Look[]|null} looks
 * @property {any} error
 * @property {boolean} stored
 * @property {string|null} stored_reason
 * @typedef {{arm: Arm, label: string, loss: number|null, accuracy: number|null, step: number, seconds: number}} ArmProgress
 * @typedef {{state: "running"|"paused", stage: string, done: number, total: number, seconds_left: number, seed: number, version: number, looks_version: number, arms: ArmProgress[]}} TrainingProgress
 * @typedef {object} Standing
 * @property {"none"|"looking"|"queued"|"running"|"paused"|"done"|"cancelled"|"failed"} phase
 * @property {string} id
 * @property {number} position  in the queue; 0 is the next one
 * @property {TrainingProgress|null} progress
 * @property {TrainingRecord|null} record
 * @property {number} version  how often the record was read
 * @property {number} looks  which look at the networks the record holds
 * @property {string|null} note  what went wrong with it
 * @typedef {ReturnType<typeof createTraining>} Training
 */
import { ApiError, getJson, postForText, postJson, sentenceOf } from "./api.js";

const LEAST_MS = 1000; // between two readings of what grows
const SHARE = 5; // and as many times what the last one took

/** @type {Standing} */
const NOTHING = { phase: "none", id: "", position: 0, progress: null, record: null, version: 0, looks: 0, note: null };

/**
 * @param {object} deps
 * @param {import("../model/trainstate.js").TrainStore} deps.store  its `run` is the run on screen
 * @param {() => void} [deps.changed]  what runs, waits or is kept is another now
 */
export function createTraining({ store, changed = () => {} }) {
  /** @type {Set<(standing: Standing) => void>} */
  const readers = new Set();
  let standing = NOTHING;
  let looking = new AbortController();
  /** @type {EventSource|null} */
  let stream = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  let reading = false;
  let wanted = false;

  /** @param {Partial<Standing>} patch */
  function become(patch) {
    standing = { ...standing, ...patch };
    for (const read of readers) read(standing);
  }

  function leave() {
    looking.abort();
    looking = new AbortController();
    stream?.close();
    stream = null;
    clearTimeout(timer);
    timer = undefined;
    reading = wanted = false;
  }

  /** Whatever the state's run is: read, and followed where it has an end to come. */
  async function look() {
    leave();
    const { signal } = looking;
    const id = store.get().run;
    if (!id) return become(NOTHING);
    become({ ...NOTHING, id, phase: "looking", ...(standing.id === id ? { record: standing.record, version: standing.version } : {}) });
    try {
      const record = await getJson(`/api/trainings/${id}`, { signal });
      if (signal.aborted) return;
      take(record);
      if (record.state === "queued" || record.state === "running" || record.state === "paused") follow(id);
    } catch (error) {
      if (signal.aborted) return;
      const gone = error instanceof ApiError && error.status === 404;
      become({ ...NOTHING, note: gone ? "The run of this link is not kept here any more." : sentenceOf(/** @type {Error} */ (error)) });
    }
  }

  /** @param {TrainingRecord} record */
  function take(record) {
    const reason = record.stored === false ? record.stored_reason : null;
    const failure = record.error ? new ApiError(0, record.error).sentence : null;
    become({ record, phase: /** @type {Standing["phase"]} */ (record.state), version: standing.version + 1, looks: standing.progress?.looks_version ?? standing.looks, note: failure ?? reason });
  }

  /** @param {string} id */
  function follow(id) {
    const events = new EventSource(`/api/trainings/${id}/events`);
    stream = events;
    let version = -1;
    /** @param {string} name @param {(data: any) => void} handle */
    const on = (name, handle) => events.addEventListener(name, (event) => {
      if (stream === events) handle(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
    on("queued", ({ position }) => become({ phase: "queued", position }));
    on("progress", (/** @type {TrainingProgress} */ progress) => {
      const begun = standing.phase !== progress.state;
      become({ phase: progress.state, progress, note: null });
      if (begun) changed();
      if (progress.version === version) return;
      version = progress.version;
      want();
    });
    for (const name of ["result", "cancelled", "failed"]) on(name, () => void finish());
    events.addEventListener("error", () => {
      if (stream !== events) return;
      if (events.readyState === EventSource.CLOSED) void look();
      else become({ note: "The server does not answer. The run is kept, and goes on when it is back." });
    });
  }

  /** Reads the record again, at most once a second, and never faster than it comes. */
  function want() {
    wanted = true;
    if (!reading && !timer) void read();
  }

  async function read() {
    const { signal } = looking;
    wanted = false;
    reading = true;
    const since = performance.now();
    try {
      const record = await getJson(`/api/trainings/${standing.id}`, { signal });
      if (signal.aborted) return;
      if (stream) become({ record, version: standing.version + 1, looks: standing.progress?.looks_version ?? standing.looks });
    } catch {
      if (signal.aborted) return; // the next event asks again
    }
    reading = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (wanted) void read();
    }, Math.max(LEAST_MS, SHARE * (performance.now() - since)));
  }

  async function finish() {
    const { id } = standing;
    leave();
    const { signal } = looking;
    try {
      const record = await getJson(`/api/trainings/${id}`, { signal });
      if (signal.aborted) return;
      take(record);
      become({ progress: null });
    } catch (error) {
      if (!signal.aborted) become({ phase: "failed", progress: null, note: sentenceOf(/** @type {Error} */ (error)) });
    }
    changed();
  }

  /** @param {string} what */
  async function ask(what) {
    const { id } = standing;
    if (!id) return;
    try {
      await postForText(`/api/trainings/${id}/${what}`, undefined);
      if (what === "resume") await look();
    } catch (error) {
      become({ note: sentenceOf(/** @type {Error} */ (error)) });
    }
    changed();
  }

  const unsubscribe = store.subscribe((next, prev) => {
    if (next.run !== prev.run) void look();
  });

  return {
    get: () => standing,
    look,

    /**
     * A new run of what `asked` says, and then the one on screen.
     * @param {string} asked
     * @throws {ApiError}  whatever is wrong with it, the run on screen stays
     */
    async start(asked) {
      const { id } = await postJson(`/api/trainings?${asked}`, undefined);
      store.update({ run: id });
      changed();
    },
    pause: () => ask("pause"),
    resume: () => ask("resume"),
    cancel: () => ask("cancel"),

    /** @param {(standing: Standing) => void} read */
    subscribe(read) {
      readers.add(read);
      read(standing);
      return () => readers.delete(read);
    },
    end() {
      unsubscribe();
      leave();
    },
  };
}
