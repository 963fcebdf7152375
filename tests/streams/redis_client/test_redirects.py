"""The way of a command through a cluster, without one: what is sent where, what is sent again, and what is not."""

import tracemalloc

import pytest
from redis.exceptions import AskError, ClusterDownError, ClusterError, ConnectionError, MovedError, TimeoutError, TryAgainError

from ferstream.streams.redis_client import redirects
from ferstream.streams.redis_client.redirects import Pause, Visit, follow
from ferstream.streams.redis_client.slot_map import SlotMap, slot_of

ONE, TWO, SEED = ("10.0.0.1", 1), ("10.0.0.2", 2), ("seed", 6379)
SLOTS = [[0, 8191, [b"10.0.0.1", 1, b"id"]], [8192, 16383, [b"10.0.0.2", 2, b"id"], [b"10.0.0.3", 3, b"replica"]]]


def walk(answers, *, slot=100, transaction=False, slots=None):
    """Every step of a command whose visits get these answers, and what comes of it."""
    slots = slots or SlotMap([SEED])
    steps, taken, given = follow(slots, slot, transaction=transaction), [], iter(answers)
    try:
        step = next(steps)
        while True:
            taken.append(step)
            if isinstance(step, Pause):
                step = steps.send(None)
                continue
            answer = next(given)
            step = steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
    except StopIteration as end:
        return taken, end.value


def known() -> SlotMap:
    slots = SlotMap([SEED])
    slots.learn(SLOTS, SEED)
    return slots


def test_the_first_command_asks_for_the_list_and_later_ones_do_not():
    slots = SlotMap([SEED])
    assert walk([SLOTS, "done"], slots=slots) == ([Visit(SEED, "slots"), Visit(ONE)], "done")
    assert walk(["done"], slot=9000, slots=slots) == ([Visit(TWO)], "done")
    assert slots.primaries() == [ONE, TWO]


@pytest.mark.parametrize(
    ("refusal", "second", "owner"),
    [
        (MovedError("100 10.0.0.2:2"), Visit(TWO), TWO),
        (MovedError("100 :7"), Visit(("10.0.0.1", 7)), ("10.0.0.1", 7)),
        (AskError("100 10.0.0.2:2"), Visit(TWO, "asking"), ONE),
    ],
)
def test_a_redirection_is_followed_and_only_a_move_is_remembered(refusal, second, owner):
    slots = known()
    assert walk([refusal, "done"], slots=slots) == ([Visit(ONE), second], "done")
    assert slots.owner(100) == owner


@pytest.mark.parametrize("refusal", [TryAgainError("half"), AskError("100 10.0.0.2:2")])
def test_a_transaction_waits_until_all_keys_of_its_slot_are_in_one_place(refusal):
    taken, reply = walk([refusal, MovedError("100 10.0.0.2:2"), "done"], transaction=True, slots=known())
    assert [step for step in taken if isinstance(step, Visit)] == [Visit(ONE), Visit(ONE), Visit(TWO)]
    assert sum(isinstance(step, Pause) for step in taken) == 1
    assert reply == "done"


def test_a_slot_that_never_arrives_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(redirects, "MOVING_PATIENCE_S", 0.0)
    with pytest.raises(TryAgainError):
        walk([TryAgainError("half")], transaction=True, slots=known())


@pytest.mark.parametrize("failure", [ConnectionError("reset"), TimeoutError("slow"), ClusterDownError("down")])
def test_a_lost_reply_is_raised_not_repeated_and_the_next_command_looks_for_the_owner_elsewhere(failure):
    slots = known()
    with pytest.raises(type(failure), match=r"10\.0\.0\.1:1"):
        walk([failure], slots=slots)
    taken, _ = walk([[[0, 16383, [b"10.0.0.2", 2]]], "done"], slots=slots)
    assert taken[0].what == "slots"
    assert taken[0].address != ONE
    assert slots.nodes()[-1] == ONE


def test_a_slot_whose_last_known_owner_is_lost_is_not_looked_for_at_the_one_before():
    slots = known()
    slots.moved(100, "10.0.0.9", 9, ONE)
    assert (slots.owner(99), slots.owner(100), slots.owner(101)) == (ONE, ("10.0.0.9", 9), ONE)
    assert slots.primaries() == [ONE, ("10.0.0.9", 9), TWO]
    slots.lost(("10.0.0.9", 9))
    assert (slots.owner(99), slots.owner(100)) == (ONE, None)
    slots.learn(SLOTS, SEED)
    assert slots.owner(100) == ONE
    slots.lost(ONE)
    assert (slots.owner(0), slots.owner(8191), slots.owner(8192), slots.owner(16383)) == (None, None, TWO, TWO)


def test_a_node_that_hangs_stays_the_last_to_be_asked_though_others_list_it():
    slots = known()
    slots.lost(ONE)
    slots.learn(SLOTS, TWO)
    assert slots.nodes()[0] == TWO
    assert slots.nodes().index(ONE) > slots.nodes().index(("10.0.0.3", 3))


def test_a_map_is_small_because_each_camera_has_one():
    tracemalloc.start()
    maps = [known() for _ in range(10)]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / len(maps) < 10_000


def test_nodes_that_send_each_other_round_in_a_circle_are_told():
    with pytest.raises(ClusterError, match="slot 100"):
        walk([MovedError("100 10.0.0.2:2"), MovedError("100 10.0.0.1:1")] * 20, slots=known())


def test_every_node_is_asked_for_the_list_before_giving_up():
    slots = SlotMap([ONE, TWO, SEED])
    with pytest.raises(ConnectionError, match="first"):
        walk([ConnectionError("first"), ConnectionError("second"), TimeoutError("third")], slots=slots)
    assert walk([ConnectionError("first"), ConnectionError("second"), SLOTS, "done"], slots=slots)[1] == "done"


def test_one_command_waits_for_two_nodes_that_hang_and_the_next_one_asks_others():
    nodes = [ONE, TWO, SEED, ("seed", 1), ("seed", 2)]
    slots = SlotMap(nodes)
    with pytest.raises(TimeoutError, match="first"):
        walk([TimeoutError("first"), TimeoutError("second")], slots=slots)
    taken, reply = walk([TimeoutError("third"), SLOTS, "done"], slots=slots)
    assert [step.address for step in taken] == [*nodes[2:4], ONE]
    assert reply == "done"


def test_a_slot_that_nobody_holds():
    with pytest.raises(ClusterDownError, match="slot 9000"):
        walk([SLOTS[:1]], slot=9000)


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("XADD", "fer:frames:{3}", "*", "j", b"\xff"), "3"),
        (("XREADGROUP", "GROUP", "streams", "me", "COUNT", 4, b"STREAMS", "fer:frames:{3}", ">"), "3"),
        (("XREAD", "COUNT", 4, "STREAMS", "fer:results:{5}", "0-0"), "5"),
        (("XINFO STREAM", "fer:results:{5}"), "5"),
        (("MEMORY USAGE", b"fer:frames:{4}", "SAMPLES", 0), "4"),
        (("TIME",), "fer:shards"),
        (("INFO", "server"), "fer:shards"),
    ],
)
def test_the_slot_of_a_command(command, key):
    assert slot_of(command) == slot_of(("GET", key))
