/**
 * One job at a time, the newest next, nothing in between. A job that a newer one supersedes may finish within a grace
 * period: what the server already computes can't be taken back, and its result shows progress during a drag. After
 * that it is aborted. The grace follows how long jobs take, so that slow ones get through a drag too, now and then.
 *
 * @typedef {(signal: AbortSignal) => Promise<void>} Job  handles its own errors, aborts included
 */

const LEAST_MS = 80;
const MOST_MS = 1000;

/** @param {{least?: number, most?: number}} [graceMs] */
export function createLatest({ least = LEAST_MS, most = MOST_MS } = {}) {
  /** @type {AbortController|null} */
  let flight = null;
  /** @type {Job|null} */
  let pending = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  let startedAt = 0;
  let grace = Math.min(least, most);

  /** @param {Job} job */
  function start(job) {
    const controller = new AbortController();
    flight = controller;
    startedAt = performance.now();
    job(controller.signal).finally(() => {
      if (flight === controller) next();
    });
  }

  function next() {
    grace = Math.min(most, Math.max(least, 2 * (performance.now() - startedAt)));
    clearTimeout(timer);
    timer = undefined;
    flight = null;
    const job = pending;
    pending = null;
    if (job) start(job);
  }

  function supersede() {
    flight?.abort();
    next();
  }

  return {
    /** @param {Job} job  starts in this very task when nothing is in flight */
    submit(job) {
      if (!flight) return start(job);
      pending = job;
      timer ??= setTimeout(supersede, Math.max(0, startedAt + grace - performance.now()));
    },

    /** Nothing is wanted any more. */
    cancel() {
      pending = null;
      if (flight) supersede();
    },
  };
}
