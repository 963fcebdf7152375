"""`make avfer-smoke`: the whole study in small, with the commands that a researcher would type.

Generated trees in each dataset's own layout, and the FER+ pack where it is, are inspected, prepared and augmented; three presets,
shrunk, are trained, measured, compared and exported; and a worker serves what came out.
"""

import argparse
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.connect import connect
from ferstream.streams.wire.messages import Result
from ferstream.training.cli import main as program
from ferstream.training.common.dataset_names import DATA_FOLDER, FERPLUS_PACK
from tests.support import dataset_trees
from tests.support.fleet import WorkerProcess, add, frame, portrait_jpeg, results, server_now, wait_until

#: Presets, and how each is shrunk to what two cores train in half a minute.
SHRUNK = {
    "vit-b16-sam": (
        "input_size=48",
        "learning_rate=0.05",
        "model_options={img_size: 48, patch_size: 8, embed_dim: 96, depth: 4, num_heads: 3}",
    ),
    "resnet18": ("input_size=48",),
    "hybrid-tiny": ("input_size=64", "model_options={img_size: 64, depth: 2}", "learning_rate=1e-3", "ema_decay=0.9"),
}
TREES: dict[str, Callable[[Path, int], Path]] = {
    "fer2013": dataset_trees.write_fer2013_csv,
    "ferplus": dataset_trees.write_ferplus_csv,
    "ck+": dataset_trees.write_ck_plus,
    "affectnet": dataset_trees.write_affectnet,
    "raf-db": dataset_trees.write_raf_db,
}
OTHER_LAYOUTS: dict[str, Callable[[Path, int], Path]] = {
    "fer2013": dataset_trees.write_fer2013_folders,
    "affectnet": dataset_trees.write_affectnet_npy,
    "raf-db": dataset_trees.write_raf_db_folders,
}


@dataclass(frozen=True)
class Size:
    """How much of everything there is."""

    faces: int = 60  # of each emotion in each tree
    held_out: int = 20  # of each emotion, for validation and as many for test
    target: int = 400  # of each emotion to train on, after augmentation
    epochs: int = 3
    presets: tuple[str, ...] = tuple(SHRUNK)


def smoke(out: Path, size: Size, pack: Path | None) -> list[Result]:
    """Go all the way, in the folder `out`; returns what the worker answered. Raises ClickException where a command fails."""
    sources = [*write_trees(out / "published", size.faces), *([f"ferplus:{pack}"] if pack else [])]
    fer_train("dataset", "inspect", *sources, "--out", out / "looked-at")
    dataset, balanced = out / "avfer", out / "avfer-balanced"
    # Drawn faces of one emotion are near each other, as photographs are not.
    fer_train("dataset", "prepare", *sources, "--per-class", size.held_out, "--distance", 8, "--out", dataset)
    fer_train("dataset", "inspect", dataset, "--out", out / "looked-at-prepared")
    fer_train("dataset", "augment", dataset, "--target", size.target, "--out", balanced)
    runs = [fit(preset, balanced, out / "runs", size) for preset in size.presets]
    for run in runs:
        fer_train("classifier", "evaluate", "--weights", run, "--dataset", balanced, "--split", "test")
    fer_train("classifier", "compare", *runs, "--out", out / "comparison")
    fer_train("classifier", "export", runs[-1], "--out", out / "model")
    return serve(out / "model", out / "worker.log")


def write_trees(folder: Path, faces: int) -> list[str]:
    """The trees, each named with its scheme."""
    trees = [(name, folder / name, write) for name, write in TREES.items()]
    trees += [(name, folder / f"{name}-otherwise", write) for name, write in OTHER_LAYOUTS.items()]
    for number, (_, place, write) in enumerate(trees):
        place.mkdir(parents=True)
        write(place, faces, seed=number)  # type: ignore[call-arg]
    return [f"{name}:{place}" for name, place, _ in trees]


def fit(preset: str, dataset: Path, runs: Path, size: Size) -> Path:
    """Train a shrunk preset; returns its run's folder."""
    shrunk = [word for change in (*SHRUNK[preset], "per_class=0") for word in ("--set", change)]
    words = (
        "--preset",
        preset,
        "--no-pretrained",
        "--epochs",
        size.epochs,
        "--workers",
        0,
        *shrunk,
        "--dataset",
        dataset,
        "--out",
        runs / preset,
    )
    fer_train("classifier", "fit", *words)
    return runs / preset


def fer_train(*words: object) -> None:
    """Run one command, shown as one would type it; in this process, since torch takes seconds to load."""
    texts = [str(word) for word in words]
    sys.stdout.write(f"\n$ fer-train {shlex.join(texts)}\n")
    sys.stdout.flush()
    started = time.monotonic()
    program.main(texts, standalone_mode=False)
    sys.stdout.write(f"({time.monotonic() - started:.0f} s)\n")


def serve(model: Path, log: Path) -> list[Result]:
    """What a worker with the exported model says of three frames with a face."""
    sys.stdout.write(f"\n$ fer-worker run --classifier {model}\n")
    with EmbeddedRedis() as server, WorkerProcess(server.url, f"--classifier={model}", "--device=cpu", log=log) as worker:
        worker.wait_until_ready()
        client: redis.Redis = connect(server.url)
        for sequence in range(3):
            add(client, frame(sequence, portrait_jpeg(), server_now(client)))
        answered = wait_until(lambda: len(found := results(client)) == 3 and found)
        worker.stop()
        client.close()
    return list(answered)


def usual_pack() -> Path | None:
    """The FER+ pack in the data folder, if it is there."""
    folder = os.environ.get(DATA_FOLDER)
    places = [Path(folder) / FERPLUS_PACK, Path(folder) / "data" / FERPLUS_PACK] if folder else []
    return next((path for path in places if path.exists()), None)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/avfer-smoke"), help="made anew")
    parser.add_argument("--no-pack", action="store_true", help=f"without {FERPLUS_PACK} of ${DATA_FOLDER}")
    arguments = parser.parse_args(words)
    started, pack = time.monotonic(), None if arguments.no_pack else usual_pack()
    if not arguments.no_pack and pack is None:
        sys.stdout.write(f"no {FERPLUS_PACK} in ${DATA_FOLDER}: going on with the generated trees alone\n")
    shutil.rmtree(arguments.out, ignore_errors=True)
    for result in smoke(arguments.out, Size(), pack):
        faces = [{"emotion": face.emotion, "confidence": face.confidence and round(face.confidence, 3)} for face in result.faces]
        sys.stdout.write(json.dumps({"frame": result.sequence, "model": result.models["classifier"], "faces": faces}) + "\n")
    pages = sorted(arguments.out.rglob("index.html"))
    sys.stdout.write(f"\nin {time.monotonic() - started:.0f} s; pages to look at:\n" + "".join(f"  {page}\n" for page in pages))


if __name__ == "__main__":
    main()
