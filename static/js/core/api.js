/** The HTTP API: JSON and bytes, with the server's one error shape as one exception. */

/**
 * Browsers write every failed fetch on the console, and a wrong number in a box is no fault of the page: it asks the
 * server for failures inside a 200, and reads their status from a header.
 */
export const INLINE_ERRORS = { name: "Groupscope-Errors", value: "inline" };
const STATUS = "Groupscope-Status";
const ID_BYTES = 15; // 20 characters of base64, none of them padding
const PASSING = new Set(["busy", "starting", "too_fast"]); // what waiting mends

/** Drawn once a page: the server serves pages in turn. `crypto.randomUUID` is for pages with TLS only. */
export const CLIENT = {
  name: "Groupscope-Client",
  value: btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(ID_BYTES)))).replaceAll("+", "-").replaceAll("/", "_"),
};

/** @param {{status: number, header: (name: string) => string|null}} answer */
export const statusOf = ({ status, header }) => Number(header(STATUS) ?? status);

export class ApiError extends Error {
  /**
   * @param {number} status  0 when no answer came
   * @param {{code: string, message: string, field: string|null, hint: string|null}} error
   * @param {string} [request]  what the server's log calls it
   */
  constructor(status, error, request) {
    super(error.message);
    this.name = "ApiError";
    this.status = status;
    this.code = error.code;
    this.field = error.field;
    this.hint = error.hint;
    this.request = request;
  }

  /** Nothing is wrong with what was asked for: it may be asked again in a while. */
  get passing() {
    return PASSING.has(this.code);
  }

  /** Asked again, the server would say the same; unless somebody signs in. */
  get refused() {
    return this.status >= 400 && this.status < 500 && this.status !== 401 && !this.passing;
  }

  /** What happened and what to do, in one line. */
  get sentence() {
    const report = this.status === 500 && this.request ? `mention request ${this.request} when you report this` : null;
    const parts = [this.message, this.hint, report].filter(Boolean).map((part) => String(part).replace(/[.;]$/, ""));
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
    const { error, request_id } = await response.json();
    return new ApiError(status, error, request_id);
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
  const headers = { ...init?.headers, [INLINE_ERRORS.name]: INLINE_ERRORS.value, [CLIENT.name]: CLIENT.value };
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
