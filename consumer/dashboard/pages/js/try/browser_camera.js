// The browser's camera, frame by frame to the server, and what was found in each back.

import { FrameRing } from "./frame_ring.js";

const FPS = 15;
/** More on the way at once only makes each later. */
const IN_FLIGHT = 2;
const MAX_SIDE = 960;
const QUALITY = 0.8;
/** An answer that has not come by then does not come: results are fresh for a second. */
const LOST_MS = 2500;
/** With JPEG of `QUALITY` nearly no picture of `MAX_SIDE` is larger; the server takes no more. */
const MAX_BYTES = 400_000;

/** Why there can be no camera here: "insecure", "unsupported", or null where nothing speaks against it. */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  return navigator.mediaDevices?.getUserMedia ? null : "unsupported";
}

/** What getUserMedia's refusal means: "denied", "missing", "busy" or "failed". */
export function meaningOf(error) {
  if (["NotAllowedError", "SecurityError"].includes(error.name)) return "denied";
  if (["NotFoundError", "OverconstrainedError"].includes(error.name)) return "missing";
  return ["NotReadableError", "AbortError"].includes(error.name) ? "busy" : "failed";
}

/**
 * Events: `started` ({camera}), `refused` ({why}), `answer` ({frame, result, receivedAt}), `dropped` ({why}), `gone` (the server left), `ended` (the camera itself did).
 * Times are milliseconds of `performance.now()`. A frame is {sequence, bitmap, width, height, capturedAt, sentAt}.
 */
export class BrowserCamera extends EventTarget {
  #video = document.createElement("video");
  #canvas = document.createElement("canvas");
  #frames = new FrameRing();
  #flying = new Map();
  #stream = null;
  #socket = null;
  #sequence = 0;
  #newest = 0;
  #lastAt = 0;
  #stopped = false;
  /** Answers of frames that were forgotten, or of another size than the frame: never drawn. */
  mismatches = 0;

  /** Ask for the camera, and connect. Rejects with what getUserMedia says. */
  async start(name) {
    const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    this.#stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    if (this.#stopped) return this.stop();
    for (const track of this.#stream.getTracks()) track.addEventListener("ended", () => this.#say("ended", {}));
    this.#video.srcObject = this.#stream;
    this.#video.muted = true;
    this.#video.playsInline = true;
    await this.#video.play();
    this.#connect(name);
    return undefined;
  }

  stop() {
    this.#stopped = true;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#video.srcObject = null;
    this.#socket?.close();
    this.#frames.clear();
  }

  #connect(name) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/browser-camera`);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: "start", name, fps: FPS }));
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => this.#stopped || this.#say("gone", {});
  }

  #take(message) {
    if (message.type === "result") this.#answer(message);
    else if (message.type === "dropped") {
      this.#flying.delete(message.sequence);
      this.#say("dropped", message);
    } else if (message.type === "started") {
      this.#say("started", message);
      this.#next();
    } else if (message.type === "refused") {
      this.#stopped = true;
      this.#say("refused", message);
    }
  }

  #answer(result) {
    const receivedAt = performance.now();
    this.#flying.delete(result.sequence);
    if (result.sequence <= this.#newest) return; // of an older frame than the one that is shown
    const frame = this.#frames.find(result.sequence);
    if (!frame || frame.width !== result.width || frame.height !== result.height) {
      this.mismatches += 1;
      return;
    }
    this.#newest = result.sequence;
    this.#say("answer", { frame, result, receivedAt });
  }

  #next() {
    if (this.#stopped) return;
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback((now, about) => this.#see(now, about.captureTime));
    else setTimeout(() => this.#see(performance.now()), 1000 / FPS);
  }

  #see(now, captureTime) {
    if (this.#stopped) return;
    this.#next();
    for (const [sequence, sentAt] of this.#flying) if (now - sentAt > LOST_MS) this.#flying.delete(sequence);
    const early = now - this.#lastAt < 1000 / FPS - 4;
    if (early || this.#flying.size >= IN_FLIGHT || this.#socket.bufferedAmount > MAX_BYTES) return;
    this.#lastAt = now;
    const known = captureTime > 0 && captureTime <= now && now - captureTime < 1000;
    this.#send(known ? captureTime : now);
  }

  async #send(capturedAt) {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, MAX_SIDE / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
    if (!width || !height) return;
    this.#sequence += 1;
    const sequence = this.#sequence;
    this.#flying.set(sequence, performance.now());
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    this.#canvas.getContext("2d", { alpha: false }).drawImage(this.#video, 0, 0, width, height);
    const seenAt = performance.now();
    const [bitmap, jpeg] = await Promise.all([createImageBitmap(this.#canvas), jpegOf(this.#canvas)]);
    if (this.#stopped || !jpeg || jpeg.size > MAX_BYTES) {
      bitmap.close();
      this.#flying.delete(sequence);
      return;
    }
    const packed = packedFrame(sequence, capturedAt, await jpeg.arrayBuffer());
    this.#frames.add({ sequence, bitmap, width, height, capturedAt, seenAt, sentAt: performance.now() });
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(packed);
  }

  #say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function jpegOf(canvas) {
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

/** uint32 sequence, float64 time of capture in ms since the epoch, both big-endian; the JPEG. */
function packedFrame(sequence, capturedAt, jpeg) {
  const packed = new Uint8Array(12 + jpeg.byteLength);
  const view = new DataView(packed.buffer);
  view.setUint32(0, sequence);
  view.setFloat64(4, performance.timeOrigin + capturedAt);
  packed.set(new Uint8Array(jpeg), 12);
  return packed;
}
