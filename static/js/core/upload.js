/** Sends one picture and tells how far it is: fetch cannot report the progress of an upload, XMLHttpRequest can. */
import { ApiError, CLIENT, INLINE_ERRORS, statusOf } from "./api.js";

/**
 * @param {Blob} blob
 * @param {{signal?: AbortSignal, onProgress?: (share: number) => void}} [options]  share from 0 to 1
 * @returns {Promise<{id: string, width: number, height: number}>}
 * @throws {ApiError}
 */
export function uploadImage(blob, { signal, onProgress } = {}) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("image", blob, blob instanceof File ? blob.name : "image");
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(loaded / total);
    request.onload = () => (request.status === 201 ? resolve(JSON.parse(request.responseText)) : reject(errorOf(request)));
    request.onerror = () => reject(errorOf(request));
    request.onabort = () => reject(new DOMException("superseded", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.open("POST", "/api/images");
    for (const { name, value } of [INLINE_ERRORS, CLIENT]) request.setRequestHeader(name, value);
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function errorOf(request) {
  const { responseText } = request;
  const status = statusOf({ status: request.status, header: (name) => request.getResponseHeader(name) });
  try {
    const { error, request_id } = JSON.parse(responseText);
    return new ApiError(status, error, request_id);
  } catch {
    const message = status ? `The server answered ${status} without an explanation.` : "The picture could not be sent.";
    const hint = "Check that the server is running, then try again.";
    return new ApiError(status, { code: "upload", message, field: "image", hint });
  }
}
