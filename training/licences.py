"""Where training data comes from and under which terms: what a card has to say about it."""

from collections.abc import Iterable

#: By the name in a face pack's `source`.
FACE_SOURCES = {
    "wider": {
        "name": "WIDER FACE (Yang et al. 2016)",
        "source": "http://shuoyang1213.me/WIDERFACE/",
        "licence": "research use",
    },
    "mafa": {
        "name": "MAFA, masked faces (Ge et al. 2017)",
        "source": "CVPR 2017, Detecting Masked Faces in the Wild with LLE-CNNs",
        "licence": "research use",
    },
    "maskset": {"name": "a face-mask set", "source": "a public repository", "licence": "MIT (repository)"},
    "caltech101": {
        "name": "Caltech-101 (Fei-Fei et al. 2004)",
        "source": "https://data.caltech.edu/records/mzrjq-6wc02",
        "licence": "CC BY 4.0",
    },
    "coco": {
        "name": "COCO (Lin et al. 2014)",
        "source": "https://cocodataset.org",
        "licence": "annotations CC BY 4.0, pictures under their Flickr terms",
    },
}

FERPLUS = (
    {
        "name": "FER-2013 faces (Goodfellow et al. 2013)",
        "source": "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
        "licence": "Kaggle competition terms; pictures found on the web, research use",
    },
    {
        "name": "FER+ votes (Barsoum et al. 2016)",
        "source": "https://github.com/microsoft/FERPlus",
        "licence": "MIT",
    },
)


YUNET = (
    {
        "name": "YuNet, as a teacher (Wu et al. 2023)",
        "source": "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
        "licence": "weights MIT; trained on WIDER FACE, research use",
    },
)


def face_sources(names: Iterable[str]) -> tuple[dict[str, str], ...]:
    """What a card says about the sources of a face pack; one that nobody has described yet says so."""
    unknown = {"source": "not described", "licence": "unknown: find out before you use these weights"}
    return tuple(FACE_SOURCES.get(name, {"name": name, **unknown}) for name in sorted(set(names)))
