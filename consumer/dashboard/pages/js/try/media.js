// The file that somebody chose, as a picture to draw on: of a clip the one of each moment.

/** {at(frame): what drawImage takes, or null where this browser cannot show it, close()} for a picture or a clip. */
export async function mediaOf(file, type, first) {
  return type.startsWith("image/") ? picture(file, first) : clip(file);
}

/** A photograph may say that it lies on its side; whether the server turned it is told by the size of its frame. */
async function picture(file, first) {
  let bitmap = null;
  for (const imageOrientation of ["from-image", "none"]) {
    bitmap?.close();
    try {
      bitmap = await createImageBitmap(file, { imageOrientation });
    } catch {
      return nothing(); // no picture for this browser: boxes are drawn on an empty frame
    }
    if (bitmap.width === first.width && bitmap.height === first.height) break;
  }
  return { at: async () => bitmap, close: () => bitmap.close() };
}

async function clip(file) {
  const url = URL.createObjectURL(file);
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: url });
  const close = () => {
    video.removeAttribute("src");
    URL.revokeObjectURL(url);
  };
  if (!(await happens(video, "loadeddata"))) {
    close();
    return nothing();
  }
  return { at: (frame) => seek(video, frame.media_time ?? 0), close };
}

function nothing() {
  return { at: async () => null, close() {} };
}

/** A millisecond into the frame: a time between two frames may show either. */
async function seek(video, at) {
  const seeked = happens(video, "seeked");
  video.currentTime = Math.min(at + 0.001, video.duration || at);
  return (await seeked) ? video : null;
}

function happens(video, name) {
  return new Promise((done) => {
    const told = new AbortController();
    const end = (well) => (told.abort(), done(well));
    video.addEventListener(name, () => end(true), { signal: told.signal });
    video.addEventListener("error", () => end(false), { signal: told.signal });
  });
}
