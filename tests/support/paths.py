"""Where things are that tests read."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The data folder: pictures, clips and reference models that are not part of the project.
DATA = Path(os.environ.get("FER_DATA_DIR") or ROOT.parent / "shared")
