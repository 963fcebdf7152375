// The last frames that were sent, by their sequence: an answer is drawn on exactly the frame that it is about.

const KEPT = 60;

export class FrameRing {
  #frames = new Map();

  /** Keep a frame: {sequence, bitmap, width, height, ...}; the oldest is forgotten. */
  add(frame) {
    this.#frames.set(frame.sequence, frame);
    for (const [sequence, old] of this.#frames) {
      if (this.#frames.size <= KEPT) return;
      old.bitmap.close();
      this.#frames.delete(sequence);
    }
  }

  /** The frame of that sequence; undefined where it is forgotten. */
  find(sequence) {
    return this.#frames.get(sequence);
  }

  clear() {
    for (const frame of this.#frames.values()) frame.bitmap.close();
    this.#frames.clear();
  }
}
