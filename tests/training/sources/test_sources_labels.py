"""Every dataset's names and numbers become the right emotions: the tables as their publishers give them."""

import pytest

from ferstream.streams.wire.emotions import EMOTIONS
from ferstream.training.sources import labels
from ferstream.training.sources.labels import of_folder, of_number


def test_fer2013_numbers():
    names = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    assert [of_number(str(i), labels.FER2013) for i in range(7)] == names
    assert of_number("7", labels.FER2013) is None


def test_fer2013_folders():
    folders = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert [of_folder(name) for name in folders] == ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]


def test_ck_plus_folders():
    folders = ["anger", "contempt", "disgust", "fear", "happy", "neutral", "sadness", "surprise"]
    assert [of_folder(name) for name in folders] == list(EMOTIONS)


def test_ferplus_columns():
    assert set(labels.FERPLUS) - labels.FERPLUS_LEFT_OUT.keys() == set(EMOTIONS)
    assert labels.FERPLUS[:3] == ("neutral", "happiness", "surprise")
    assert labels.FERPLUS[-2:] == ("unknown", "NF")


def test_affectnet_numbers():
    names = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]
    assert [of_number(str(i), labels.AFFECTNET) for i in range(8)] == names
    assert [of_number(str(i), labels.AFFECTNET) for i in range(8, 12)] == [None] * 4
    assert [of_number(str(i), labels.AFFECTNET_LEFT_OUT) for i in range(8, 12)] == ["none", "uncertain", "no face", None]


def test_raf_db_numbers():
    names = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
    assert [of_number(str(i), labels.RAF_DB) for i in range(1, 8)] == names
    assert of_number("0", labels.RAF_DB) is None


@pytest.mark.parametrize("table", [labels.FER2013, labels.AFFECTNET, labels.RAF_DB, labels.FOLDERS])
def test_every_table_names_known_emotions(table):
    assert set(table.values()) <= set(EMOTIONS)


@pytest.mark.parametrize("name", ["Happy", "HAPPINESS", " happy "])
def test_folders_are_known_in_any_case(name):
    assert of_folder(name) == "happiness"


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-1", "1.5", "1e400", "happy", "\0"])
def test_what_is_no_number_is_no_emotion(text):
    assert of_number(text, labels.AFFECTNET) is None


@pytest.mark.parametrize("text", ["3", " 3 ", "3.0", "03"])
def test_a_number_may_be_written_in_several_ways(text):
    assert of_number(text, labels.AFFECTNET) == "surprise"
