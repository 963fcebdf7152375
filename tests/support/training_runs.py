"""Runs for the tests of evaluation, comparison and export: small nets that nobody trained, made on the spot."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from ferstream.training.study.records.config import Config
from ferstream.training.study.records.run_folder import BEST, COLUMNS, CONFIG, ENVIRONMENT, RunFolder
from ferstream.training.trainer.history import HISTORY
from ferstream.workers.models.runtimes.torch_runtime import build_net

SMALL = {"img_size": 32, "stem": [8, 16], "embed_dim": 24, "depth": 2, "num_heads": 2}
MADE = {"command": "fer-train classifier fit --preset mine", "dataset": {"name": "faces", "sources": ["affectnet", "ck+"]}}


def write_run(folder: Path, seed: int = 0, epochs: int = 3, scale: float = 3.0, **settings: object) -> RunFolder:
    """A run of a small net with random weights, `scale` times as large as usual: answers differ the more."""
    folder.mkdir(parents=True)
    usual = {"name": folder.name, "model": "hybrid_vit", "input_size": 32, "pretrained": False}
    if "model" not in settings:
        usual["model_options"] = SMALL
    Config(**usual | settings).write(folder / CONFIG)
    torch.manual_seed(seed)
    net = build_net(RunFolder(folder).card())
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(scale)
    save_file(net.state_dict(), folder / BEST)
    (folder / ENVIRONMENT).write_text(json.dumps(MADE))
    rows = [[epoch, 2 - epoch / 9, epoch / 9, 2.1 - epoch / 9, epoch / 10, 1e-3, 1.0, 0.01] for epoch in range(1, epochs + 1)]
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows)]
    (folder / HISTORY).write_text("".join(f"{line}\n" for line in lines))
    return RunFolder(folder)


def change_weights(run: RunFolder, change) -> None:
    """Write weights anew, each tensor changed."""
    state = {name: change(value) for name, value in run.net().state_dict().items()}
    save_file(state, run.path / BEST)
