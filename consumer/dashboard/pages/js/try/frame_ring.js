// The last frames that were sent, by their sequence: an answer is drawn on exactly the frame that it is about.

const KEPT = 20;

export class FrameRing {
  #frames = new Map();
  #found = 0;

  /** Keep a frame: {sequence, bitmap, width, height, ...}; the oldest of those that wait for an answer is forgotten. */
  add(frame) {
    this.#frames.set(frame.sequence, frame);
    if (this.#frames.size > KEPT) this.#forget([...this.#frames.values()].find((one) => one.sequence > this.#found));
  }

  /** The frame of that sequence, undefined where it is forgotten. It stays, for it is shown now, as does the one before it. */
  find(sequence) {
    const found = this.#frames.get(sequence);
    if (!found) return undefined;
    for (const frame of this.#frames.values()) if (frame.sequence < this.#found) this.#forget(frame);
    this.#found = sequence;
    return found;
  }

  clear() {
    for (const frame of this.#frames.values()) this.#forget(frame);
  }

  #forget(frame) {
    frame.bitmap.close();
    this.#frames.delete(frame.sequence);
  }
}
