// What happens now: one WebSocket, which comes back by itself.

const WAITS_S = [1, 2, 3, 5, 8, 10];
/** Nothing from the server for so long: the connection is dead, whatever TCP says. It sends a status every second. */
const SILENT_S = 8;

/**
 * Events, with what came in `detail`: `hello`, `status`, `picture` (with `jpeg`, a Blob), `faces`, `event`, `away` (Redis is, says
 * `what`), `back`, and of the connection itself `open` and `close` (`again_s`: tried again in so many seconds; `opened`:
 * it was there before).
 */
export class Live extends EventTarget {
  #socket = null;
  #wanted = { pictures: {}, results: [] };
  #tries = 0;
  #timer = 0;
  #heardAt = 0;
  #offset = null;
  #best = { minute: 0, now: -Infinity, before: -Infinity };
  state = "closed";
  /** The newest status, or null. */
  status = null;

  constructor() {
    super();
    setInterval(() => this.#notice(), 1000);
    document.addEventListener("visibilitychange", () => this.#tell());
  }

  /** Connect, and stay so until `stop`. */
  start() {
    if (this.#socket || this.#timer) return;
    this.#open();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.state = "closed";
  }

  /** Of which cameras to bring pictures (name or `*` to the longest side in pixels) and results; replaces what was watched. */
  watch({ pictures = {}, results = [] } = {}) {
    this.#wanted = { pictures, results };
    this.#tell();
  }

  /** Listen until `signal` is aborted; the callback takes what came. */
  on(name, callback, signal) {
    this.addEventListener(name, (event) => callback(event.detail), { signal });
  }

  /** Now, in seconds on the server's clock: what ages are counted from. */
  now() {
    return this.#offset === null ? Date.now() / 1000 : performance.now() / 1000 + this.#offset;
  }

  #open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.state = "opening";
    this.#heardAt = performance.now();
    socket.onopen = () => {
      this.#heardAt = performance.now();
      this.#tell();
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#take(data);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#again();
    };
  }

  #take(data) {
    this.#heardAt = performance.now();
    const message = typeof data === "string" ? JSON.parse(data) : unpacked(data);
    if (this.state !== "open") {
      this.state = "open";
      this.#tries = 0;
      this.#say("open", null);
    }
    if (message.type === "status") this.status = message;
    this.#setClock(message.type === "status" ? message.at : message.captured_at);
    this.#say(message.type, message);
  }

  /**
   * Everything arrives late, nothing early: the least delay of this minute and the one before tells the clocks apart best. The page's
   * own clock is the one that nobody sets.
   */
  #setClock(at) {
    if (typeof at !== "number") return;
    const here = performance.now() / 1000;
    const minute = Math.floor(here / 60);
    if (minute !== this.#best.minute) this.#best = { minute, now: -Infinity, before: this.#best.now };
    this.#best.now = Math.max(this.#best.now, at - here);
    this.#offset = Math.max(this.#best.now, this.#best.before);
  }

  #again() {
    const opened = this.state === "open";
    this.#socket = null;
    this.state = "closed";
    const again_s = WAITS_S[Math.min(this.#tries, WAITS_S.length - 1)];
    this.#tries += 1;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#open();
    }, again_s * 1000);
    this.#say("close", { again_s, opened });
  }

  #notice() {
    const socket = this.#socket;
    if (this.state === "closed" || document.hidden || performance.now() - this.#heardAt < SILENT_S * 1000) return;
    socket.onclose = null;
    socket.close();
    this.#again();
  }

  /** A page that nobody sees needs no pictures. */
  #tell() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const wanted = document.hidden ? { pictures: {}, results: this.#wanted.results } : this.#wanted;
    this.#socket.send(JSON.stringify({ type: "watch", ...wanted }));
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** A binary message: the length of its JSON, the JSON, the JPEG. */
function unpacked(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const message = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  message.jpeg = new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" });
  return message;
}
