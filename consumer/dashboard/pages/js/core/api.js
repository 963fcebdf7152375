// The server's JSON. Errors carry the server's words.

/** What the server refused: `status` of HTTP (0: no answer), `message` in the server's words, `retryAfter` in seconds or null. */
export class ApiError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let csrf = "";
let onUnknown = () => {};

/** The token of the session: every request that changes something carries it. */
export function useSession(session) {
  csrf = session.csrf ?? "";
}

/** What to do where the server does not know who asks. */
export function whenUnknown(callback) {
  onUnknown = callback;
}

/** GET as JSON. Raises ApiError. */
export function get(path, options = {}) {
  return ask(path, { ...options, method: "GET" });
}

/** POST, PUT or DELETE: `body` is sent as JSON, a Blob as it is. Raises ApiError. */
export function send(method, path, body, { headers = {}, ...options } = {}) {
  const asIs = body instanceof Blob;
  const type = asIs ? body.type || "application/octet-stream" : "application/json";
  return ask(path, {
    ...options,
    method,
    headers: { "X-CSRF-Token": csrf, ...(body === undefined ? {} : { "Content-Type": type }), ...headers },
    body: body === undefined || asIs ? body : JSON.stringify(body),
  });
}

/** The path of a camera, whatever its name holds. */
export function cameraPath(camera, rest = "") {
  return `/api/cameras/${encodeURIComponent(camera)}${rest}`;
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer.");
  }
  const message = await readJson(response);
  if (response.ok) return message;
  if (response.status === 401 && path !== "/api/login") onUnknown();
  const wait = Number(response.headers.get("Retry-After"));
  throw new ApiError(response.status, message?.error ?? `The server answers ${response.status}.`, wait || null);
}

async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error; // nobody wants it any more: half an answer is none
    return null;
  }
}
