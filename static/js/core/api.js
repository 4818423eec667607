/** The HTTP API: JSON and bytes, with the server's one error shape as one exception. */

/**
 * Browsers write every failed fetch on the console, and a wrong number in a box is no fault of the page: it asks the
 * server for failures inside a 200, and reads their status from a header.
 */
export const INLINE_ERRORS = { name: "Groupscope-Errors", value: "inline" };
const STATUS = "Groupscope-Status";

/** @param {{status: number, header: (name: string) => string|null}} answer */
export const statusOf = ({ status, header }) => Number(header(STATUS) ?? status);

export class ApiError extends Error {
  /**
   * @param {number} status  0 when no answer came
   * @param {{code: string, message: string, field: string|null, hint: string|null}} error
   */
  constructor(status, error) {
    super(error.message);
    this.name = "ApiError";
    this.status = status;
    this.code = error.code;
    this.field = error.field;
    this.hint = error.hint;
  }

  /** What happened and what to do, in one line. */
  get sentence() {
    const parts = [this.message, this.hint].filter(Boolean).map((part) => String(part).replace(/[.;]$/, ""));
    const sentence = `${parts.join("; ")}.`;
    return /^[a-z]+[ ,]/.test(sentence) ? sentence[0].toUpperCase() + sentence.slice(1) : sentence;
  }
}

/** What to tell of a failed request. @param {Error} error */
export const sentenceOf = (error) => (error instanceof ApiError ? error.sentence : error.message);

/**
 * @param {Response} response
 * @param {number} status
 * @returns {Promise<ApiError>}
 */
async function toError(response, status) {
  try {
    return new ApiError(status, (await response.json()).error);
  } catch {
    return new ApiError(status, {
      code: "http",
      message: `The server answered ${status} without an explanation.`,
      field: null,
      hint: null,
    });
  }
}

/**
 * Waits for the head or the body of an answer: a connection may be lost before either.
 * @template T
 * @param {Promise<T>} arriving
 * @returns {Promise<T>}
 */
async function arrived(arriving) {
  try {
    return await arriving;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, {
      code: "unreachable",
      message: "The server did not answer.",
      field: null,
      hint: "Check that it is running, then try again.",
    });
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
async function request(path, init) {
  const headers = { ...init?.headers, [INLINE_ERRORS.name]: INLINE_ERRORS.value };
  const response = await arrived(fetch(path, { ...init, headers }));
  const status = statusOf({ status: response.status, header: (name) => response.headers.get(name) });
  if (status >= 400) throw await toError(response, status);
  return response;
}

/**
 * @param {string} path
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function getJson(path, { signal } = {}) {
  const response = await request(path, { signal, headers: { accept: "application/json" } });
  return arrived(response.json());
}

/**
 * @param {string} path
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<ArrayBuffer>}
 */
export async function getBytes(path, { signal } = {}) {
  const response = await request(path, { signal });
  return arrived(response.arrayBuffer());
}

/** @param {string} path */
export async function remove(path) {
  await request(path, { method: "DELETE" });
}

/**
 * @param {string} path
 * @param {Blob} file  sent as it is
 * @returns {Promise<any>}
 */
export async function sendFile(path, file) {
  const response = await request(path, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
  return arrived(response.json());
}

/**
 * @param {string} path
 * @param {unknown} value  sent as JSON
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<Response>}
 */
function post(path, value, { signal } = {}) {
  return request(path, { method: "POST", body: JSON.stringify(value), headers: { "content-type": "application/json" }, signal });
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function postJson(path, value, options) {
  return arrived((await post(path, value, options)).json());
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<string>}
 */
export async function postForText(path, value, options) {
  return arrived((await post(path, value, options)).text());
}
