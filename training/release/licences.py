"""Sources and licences of training data, as a model card states them."""

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

#: By the name of a source in a prepared dataset.
EXPRESSION_SOURCES = {
    "fer2013": FERPLUS[:1],
    "ferplus": FERPLUS,
    "ck+": (
        {
            "name": "CK+, the extended Cohn-Kanade dataset (Lucey et al. 2010)",
            "source": "https://doi.org/10.1109/CVPRW.2010.5543262",
            "licence": "agreement with the authors, research use",
        },
    ),
    "affectnet": (
        {
            "name": "AffectNet (Mollahosseini et al. 2017)",
            "source": "https://doi.org/10.1109/TAFFC.2017.2740923",
            "licence": "agreement with the authors, research use",
        },
    ),
    "raf-db": (
        {
            "name": "RAF-DB (Li et al. 2017)",
            "source": "https://doi.org/10.1109/CVPR.2017.277",
            "licence": "agreement with the authors, research use",
        },
    ),
}

YUNET = (
    {
        "name": "YuNet, as a teacher (Wu et al. 2023)",
        "source": "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
        "licence": "weights MIT; trained on WIDER FACE, research use",
    },
)


def face_sources(names: Iterable[str]) -> tuple[dict[str, str], ...]:
    """What a card says about the sources of a face pack; one that is not described here says so."""
    return tuple(FACE_SOURCES.get(name, _undescribed(name)) for name in sorted(set(names)))


def expression_sources(names: Iterable[str]) -> tuple[dict[str, str], ...]:
    """What a card says about the sources of a prepared dataset."""
    described = [row for name in sorted(set(names)) for row in EXPRESSION_SOURCES.get(name, (_undescribed(name),))]
    return tuple({row["name"]: row for row in described}.values())


def _undescribed(name: str) -> dict[str, str]:
    return {"name": name, "source": "not described", "licence": "unknown: find out before you use these weights"}
