// A file to the server, with its progress, and the answer.

import { ApiError } from "../core/api.js";
import { TEXTS } from "../texts.js";

const texts = TEXTS.try;
export const MAX_BYTES = 50_000_000;
const TYPES = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp", mp4: "video/mp4", mov: "video/quicktime", webm: "video/webm", mkv: "video/x-matroska", avi: "video/x-msvideo" };

/** What the browser takes the file for, or its name says. */
export function typeOf(file) {
  return file.type || TYPES[file.name.split(".").pop().toLowerCase()] || "application/octet-stream";
}

/**
 * POST /api/analyze; `progress(share)` is called while the file is on its way, with null once the server has it. Raises ApiError, with
 * words for what a person can do. fetch() tells nothing of an upload's progress: this is XMLHttpRequest.
 */
export function analyze(file, session, progress, signal) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/analyze");
    request.responseType = "json";
    request.setRequestHeader("Content-Type", typeOf(file));
    request.setRequestHeader("X-CSRF-Token", session.csrf ?? "");
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / Math.max(1, total));
    request.upload.onload = () => progress(null);
    request.onerror = () => fail(new ApiError(0, texts.noServer));
    request.onabort = () => fail(new DOMException("", "AbortError"));
    request.onload = () => (request.status === 200 ? done(request.response) : fail(refusal(request)));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function refusal(request) {
  const told = request.response?.error ?? texts.answers(request.status);
  const wait = Number(request.getResponseHeader("Retry-After")) || null;
  return new ApiError(request.status, told, wait);
}
