"""What `dataset prepare` and `dataset augment` reach, as a share of decode, transform and encode alone in as many processes.

Both sides decode and encode every picture: the JPEGs here have a comment, so that no command takes them as they are, which it
does with bare ones of at most 256 px (faster, but no encoding). The command does more: listing, digests, perceptual hashes,
files, parts, near duplicates, splits, the manifest, and processes that start.

Each command is run on half of the pictures and on all of them. The difference is what so many more pictures take: the steady
rate, which a real dataset of 400,000 pictures has. What is left is the start: processes and their imports. `ratio` is of steady
rates, `whole` of a command on all pictures here with its start. Ceilings are measured before and after each pair of runs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import simplejpeg
from skimage import data

from ferstream.training.dataset.augment.augment import AugmentSettings as Target
from ferstream.training.dataset.augment.augment import augment
from ferstream.training.dataset.augment.augmentation import Ranges, augmented
from ferstream.training.dataset.prepare.jpeg_store import encode
from ferstream.training.dataset.prepare.manifest import Prepared
from ferstream.training.dataset.prepare.prepare import PrepareSettings, prepare
from ferstream.training.dataset.prepare.prepared_pictures import file_of, ready
from ferstream.training.sources.catalogue import Named
from ferstream.training.sources.sample import Sample
from ferstream.workers.settings import usable_cores

CORES = usable_cores()
SETTINGS = PrepareSettings("published")
GREY = 48  # px: faces of this side are grey PNG, as CK+48 and FER-2013 are
COPIES = 2  # of each original
COMMENT = b"\xff\xfe\x00\x06face"

One = Callable[[Path], bytes]


def write_source(folder: Path, side: int, count: int) -> Named:
    """`count` pictures of `side` px in the layout of RAF-DB, each of its own: pieces of photographs below noise of few pixels."""
    random = np.random.default_rng(0)
    photographs = [data.astronaut(), data.coffee(), data.cat(), data.rocket()]
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        cut, place = 200, [int(random.integers(0, size - 200)) for size in photograph.shape[:2]]
        piece = photograph[place[0] : place[0] + cut, place[1] : place[1] + cut]
        pattern = cv2.resize(random.integers(0, 256, (12, 12, 3), np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
        canvas = cv2.addWeighted(cv2.resize(piece, (side, side), interpolation=cv2.INTER_AREA), 0.6, pattern, 0.4, 0)
        kind = "png" if side == GREY else "jpg"
        path = folder / "DATASET" / "train" / str(1 + number % 7) / f"train_{number:05}_aligned.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if side == GREY:
            path.write_bytes(cv2.imencode(".png", cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY))[1].tobytes())
        else:
            jpeg = simplejpeg.encode_jpeg(canvas, quality=90, colorsubsampling="420")
            path.write_bytes(jpeg[:2] + COMMENT + jpeg[2:])
    return Named("raf-db", folder)


def prepare_one(path: Path) -> bytes:
    sample = Sample(path, "anger", "train", "raf-db", path.name)
    return file_of(sample, ready(sample, SETTINGS.largest_side))


def augment_one(path: Path) -> bytes:
    pixels = simplejpeg.decode_jpeg(path.read_bytes(), "RGB")
    grey = bool((pixels[..., 0] == pixels[..., 1]).all())
    for copy in range(1, COPIES + 1):
        made = encode(augmented(pixels, f"{hash(path.name) % 2**64:x}", copy, 0, Ranges()), grey=grey)
    return made


def work(one: One, paths: list[Path], together: Barrier) -> None:
    """A process of the ceiling: its first pictures do not count."""
    cv2.setNumThreads(1)
    for path in paths[:20]:
        one(path)
    together.wait()
    for path in paths:
        one(path)
    together.wait()


def ceiling(one: One, paths: list[Path]) -> float:
    """Pictures a second of `one` alone, in a process a core."""
    context = get_context("forkserver")
    together = context.Barrier(CORES + 1)
    processes = [context.Process(target=work, args=(one, paths[core::CORES], together)) for core in range(CORES)]
    for process in processes:
        process.start()
    together.wait()
    started = time.perf_counter()
    together.wait()
    took = time.perf_counter() - started
    for process in processes:
        process.join()
    return len(paths) / took


def seconds(make: Callable[[Path], Prepared], folder: Path) -> float:
    started = time.perf_counter()
    make(folder)
    return time.perf_counter() - started


def compare(
    one: One, paths: list[Path], half: Callable[[Path], Prepared], whole: Callable[[Path], Prepared], root: Path, repeats: int
) -> dict:
    """Rates of both in turn, ceiling first and last; each ratio is to the mean of the ceilings on either side."""
    ceilings, steady, all_of, starts = [ceiling(one, paths)], [], [], []
    for repeat in range(repeats):
        short, long = seconds(half, root / f"half{repeat}"), seconds(whole, root / f"whole{repeat}")
        more = len(paths) - len(paths) // 2
        steady.append(more / (long - short))
        all_of.append(len(paths) / long)
        starts.append(long - len(paths) / steady[-1])
        ceilings.append(ceiling(one, paths))
    alone = [(before + after) / 2 for before, after in pairwise(ceilings)]
    ratios = [reached / rate for reached, rate in zip(steady, alone, strict=True)]
    return {
        "alone": median(ceilings),
        "steady": median(steady),
        "start_s": median(starts),
        "ratio": median(ratios),
        "ratios": ratios,
        "whole": median(reached / rate for reached, rate in zip(all_of, alone, strict=True)),
    }


def measure(root: Path, side: int, count: int, repeats: int) -> dict[str, dict]:
    """Both commands on faces of `side` px."""
    sources = {n: write_source(root / f"source{n}", side, n) for n in (count // 2, count)}
    paths = sorted(sources[count].path.rglob("train_*"))
    half, whole = (lambda folder, n=n: prepare([sources[n]], folder, SETTINGS, CORES) for n in sources)
    figures = {"prepare": compare(prepare_one, paths, half, whole, root / "prepared", repeats)}
    originals = {n: prepare([source], root / f"original{n}", SETTINGS, CORES) for n, source in sources.items()}
    train = {n: made.of_split("train") for n, made in originals.items()}
    rarest = {n: int(np.bincount(made.labels)[np.unique(made.labels)].min()) for n, made in train.items()}

    def copies(n: int) -> Callable[[Path], Prepared]:
        return lambda folder: augment(originals[n].folder, folder, Target((1 + COPIES) * rarest[n]), CORES)

    figures["augment"] = compare(augment_one, train[count].paths, copies(count // 2), copies(count), root / "augmented", repeats)
    return figures


def as_table(report: dict) -> str:
    lines = [
        f"| {report['cores']} cores, pictures a second | alone | command, steady | ratio | ratios | start, s | with start |",
        "|---|---|---|---|---|---|---|",
    ]
    for side, commands in report["sides"].items():
        for name, row in commands.items():
            ratios = ", ".join(f"{ratio:.2f}" for ratio in row["ratios"])
            lines.append(
                f"| {name}, {side} px | {row['alone']:.0f} | {row['steady']:.0f} | {row['ratio']:.2f} | {ratios} "
                f"| {row['start_s']:.1f} | {row['whole']:.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, help="of each side  [default: 12000, with --quick 1500; three times of 48 px]")
    parser.add_argument(
        "--sides", type=int, nargs="+", help="px; 48 are grey PNG, others JPEG  [default: 48 224, and 400 if not --quick]"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few pictures, in under 3 minutes on two cores and a RAM disk")
    parser.add_argument(
        "--folder", type=Path, help="where the pictures go: the disk to measure; a RAM disk shows the processor alone"
    )
    parser.add_argument("--json", type=Path, help="also write the report here")
    arguments = parser.parse_args()
    pictures = arguments.pictures or (1500 if arguments.quick else 12000)
    report: dict = {"cores": CORES, "pictures": pictures, "sides": {}}
    for side in arguments.sides or ([GREY, 224] if arguments.quick else [GREY, 224, 400]):
        print(f"measuring faces of {side} px ...", file=sys.stderr)  # noqa: T201
        count = pictures * (3 if side == GREY else 1)
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            report["sides"][side] = measure(Path(folder), side, count, arguments.repeats)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    print(as_table(report))  # noqa: T201


if __name__ == "__main__":
    main()
