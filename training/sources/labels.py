"""The one table of what each dataset calls an emotion."""

from collections.abc import Mapping

#: Numbers of FER-2013 (Goodfellow et al. 2013, https://arxiv.org/abs/1307.0414).
FER2013 = {"0": "anger", "1": "disgust", "2": "fear", "3": "happiness", "4": "sadness", "5": "surprise", "6": "neutral"}

#: Numbers of AffectNet (Mollahosseini et al. 2017, https://arxiv.org/abs/1708.03985); AFFECTNET_LEFT_OUT shows no emotion.
AFFECTNET = {
    "0": "neutral", "1": "happiness", "2": "sadness", "3": "surprise", "4": "fear", "5": "disgust", "6": "anger",
    "7": "contempt",
}  # fmt: skip
AFFECTNET_LEFT_OUT = {"8": "none", "9": "uncertain", "10": "no face"}

#: Numbers of RAF-DB's basic emotions (Li et al. 2017, http://www.whdeng.cn/RAF/model1.html).
RAF_DB = {
    "1": "surprise", "2": "fear", "3": "disgust", "4": "happiness", "5": "sadness", "6": "anger", "7": "neutral",
}  # fmt: skip

#: Columns of FER+ (Barsoum et al. 2016, https://github.com/microsoft/FERPlus) in the order of its table.
FERPLUS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
#: Those of its columns that are no emotion, as the table and as the pack have them.
FERPLUS_LEFT_OUT = {"unknown": "unknown", "NF": "not a face", "not_face": "not a face"}

#: Folders of FER-2013 and CK+ (Lucey et al. 2010), in the spellings they are passed on with.
FOLDERS = {
    "anger": "anger", "angry": "anger",
    "contempt": "contempt", "contemptuous": "contempt",
    "disgust": "disgust", "disgusted": "disgust",
    "fear": "fear", "fearful": "fear", "afraid": "fear",
    "happiness": "happiness", "happy": "happiness",
    "neutral": "neutral", "neutrality": "neutral",
    "sadness": "sadness", "sad": "sadness",
    "surprise": "surprise", "surprised": "surprise",
}  # fmt: skip


def of_folder(name: str) -> str | None:
    """The emotion a folder is named after, or None."""
    return FOLDERS.get(name.strip().lower())


def of_number(text: str, numbers: Mapping[str, str]) -> str | None:
    """What a number as written (`3`, ` 3 `, `3.0`) stands for in one of the tables above, or None."""
    try:
        number = float(text)
    except ValueError:  # no number stands for nothing
        return None
    return numbers.get(str(int(number))) if number.is_integer() else None
