import pytest

from ferstream.streams.redis_client.cluster_nodes import slot_of


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("XADD", "fer:frames:{3}", "*", "j", b"\xff"), "3"),
        (("XREADGROUP", "GROUP", "streams", "me", "COUNT", 4, b"STREAMS", "fer:frames:{3}", ">"), "3"),
        (("XREAD", "COUNT", 4, "STREAMS", "fer:results:{5}", "0-0"), "5"),
        (("XINFO STREAM", "fer:results:{5}"), "5"),
        (("MEMORY USAGE", b"fer:frames:{4}", "SAMPLES", 0), "4"),
        (("EVALSHA", "5f", 2, "fer:frames:{4}", "fer:results:{4}", "an argument"), "4"),
        (("EVAL", "return 1", 0), "fer:shards"),
        (("TIME",), "fer:shards"),
        (("INFO", "server"), "fer:shards"),
    ],
)
def test_the_slot_of_a_command(command, key):
    assert slot_of(command) == slot_of(("GET", key))
