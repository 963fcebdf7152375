from ferstream.streams.service.metrics import LONGEST_NAME, MOST_CAMERAS, CameraLabels


def test_labels_of_names_from_the_wire_are_few_and_short(caplog):
    label_of = CameraLabels()
    labels = {label_of[f"camera-{number}"] for number in range(3 * MOST_CAMERAS)}
    assert labels == {f"camera-{number}" for number in range(MOST_CAMERAS)} | {"other"}
    assert label_of["camera-7"] == "camera-7"
    assert [record.message for record in caplog.records] == [
        "more than 1000 cameras: metrics count what comes of further ones as camera 'other'"
    ]
    assert len(CameraLabels()["x" * 10_000]) == LONGEST_NAME
