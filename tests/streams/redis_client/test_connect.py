import socket
import traceback
from urllib.parse import quote, unquote

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis._parsers.base import BaseParser

from ferstream.streams.errors import GroupGone, StoreError, StoreFull, StoreRefused, StoreUnavailable
from ferstream.streams.local.embedded_redis import EmbeddedRedis
from ferstream.streams.redis_client.commands import translated
from ferstream.streams.redis_client.connect import ESCAPES, connect, connect_async, redact
from ferstream.streams.wire.keys import Keys

PASSWORD = "s3cr3t"
awkward = st.text("ab1:@/?#%[], ", max_size=8)
passwords = st.text(st.characters(codec="utf-8"), max_size=12) | awkward


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://host/path", "rtsp://host/path"),
        ("rtsp://user:s3cr3t@host:554/path", "rtsp://user:***@host:554/path"),
        ("rtsp://user:s3cr3t@x@host/path", "rtsp://user:***@host/path"),
        ("rtsp://user:a/s3cr3t@host/path", "rtsp://user:***@host/path"),
        ("rtsp://user:a?s3cr3t@host/path", "rtsp://user:***@host/path"),
        ("rtsp://user:a#s3cr3t@host/path", "rtsp://user:***@host/path"),
        ("redis://:s3cr3t@host:6379/0", "redis://:***@host:6379/0"),
        ("rtsp://host/live?token=s3cr3t", "rtsp://host/live?***"),
        ("rtsp://host/live#s3cr3t", "rtsp://host/live"),
        ("rtsp://user:s3cr3t@[::1]:554/x", "rtsp://user:***@[::1]:554/x"),
        ("http://[s3cr3t", "(withheld URL)"),
        ("http://cam/snap?user=admin&pwd=p@s3cr3t", "(withheld URL)"),
        ("http://cam:8080/snap?user=admin&pwd=p@s3cr3t", "(withheld URL)"),
        ("http://cam:/snap?user=admin&pwd=p@s3cr3t", "(withheld URL)"),
        ("http://[::1]/snap?user=admin&pwd=p@s3cr3t", "(withheld URL)"),
        ("http://user:pw@cam/snap?pwd=p@s3cr3t", "(withheld URL)"),
        ("http://user:p/w@cam/snap?pwd=p@s3cr3t", "(withheld URL)"),
        ("rtsp://cam/user=admin&password=p@s3cr3t&channel=1", "(withheld URL)"),
        ("rtsp://user:12/s3cr3t@host", "(withheld URL)"),  # or is 12 the port of a host?
        ("rtsp://user:a#b@s3cr3t@host/path", "rtsp://user:***@host/path"),
        ("/dev/video0", "/dev/video0"),
        ("unix:///run/redis.sock?password=s3cr3t", "unix:///run/redis.sock?***"),
    ],
)
def test_redact(url, shown):
    assert redact(url) == shown


@given(awkward, awkward, st.sampled_from(["rtsp", "http", "redis", "rediss+cluster", "unix"]))
def test_no_password_survives_whatever_is_in_it(before, after, scheme):
    password = f"{before}{PASSWORD}{after}"
    assert PASSWORD not in redact(f"{scheme}://user:{password}@host:554/path")


@given(st.text(max_size=30))
def test_redact_takes_any_text(text):
    redact(text)
    assert PASSWORD not in redact(f"rtsp://user:{PASSWORD}@host/{text.replace('@', '')}")


def test_the_wrong_scheme_is_a_clear_error_without_the_url():
    with pytest.raises(StoreRefused, match="redis://") as caught:
        connect(f"http://:{PASSWORD}@host")
    assert PASSWORD not in str(caught.value)


SCHEMES = ["redis", "rediss", "redis+cluster", "rediss+cluster"]


def settings_of(make, url):
    return make(url).connection_pool.connection_kwargs


@pytest.mark.parametrize("make", [connect, connect_async])
@given(passwords, st.sampled_from(SCHEMES))
def test_a_password_is_taken_whole_or_refused_unseen(make, password, scheme):
    """A piece of it that is taken for a host is asked for in the network, and named in errors."""
    refused, settings = "", {}
    try:
        settings = settings_of(make, f"{scheme}://:{PASSWORD}{password}{PASSWORD}@example.invalid:6379")
    except StoreRefused as error:
        refused = "".join(traceback.format_exception(error))
    taken = (settings.get("host"), settings.get("password")) == ("example.invalid", f"{PASSWORD}{unquote(password)}{PASSWORD}")
    assert taken or ESCAPES in refused
    assert PASSWORD not in refused


@pytest.mark.parametrize("make", [connect, connect_async])
@given(passwords.filter(bool), passwords.filter(bool), st.sampled_from(SCHEMES))
def test_an_escaped_password_is_taken(make, user, password, scheme):
    settings = settings_of(make, f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@example.invalid")
    assert (settings["host"], settings["username"], settings["password"]) == ("example.invalid", user, password)


@pytest.mark.parametrize("character", "@/?#% []")
@pytest.mark.parametrize("scheme", [*SCHEMES, "unix"])
def test_how_to_write_a_password_is_said(scheme, character):
    with pytest.raises(StoreRefused, match=quote(character, safe="")) as caught:
        connect(f"{scheme}://user:a@{PASSWORD}{character}b@/run/redis.sock")
    assert PASSWORD not in str(caught.value)


def test_the_path_of_a_socket_may_hold_an_at(tmp_path):
    assert settings_of(connect, f"unix://{tmp_path}/user@1000/redis.sock")["path"] == f"{tmp_path}/user@1000/redis.sock"


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster", "rediss+cluster"])
@pytest.mark.parametrize("make", [connect, connect_async])
@pytest.mark.parametrize("option", ["no_such=1", "protocol=3", "decode_responses=yes"])
def test_an_option_that_there_is_not_or_that_would_change_replies(scheme, make, option):
    with pytest.raises(StoreRefused, match=option.partition("=")[0]) as caught:
        make(f"{scheme}://:{PASSWORD}@127.0.0.1:1?{option}")
    assert PASSWORD not in str(caught.value)


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = connect(f"redis://:{PASSWORD}@127.0.0.1:{taken.getsockname()[1]}/0", timeout_s=1)
        with pytest.raises(StoreUnavailable) as caught, translated():
            client.ping()
        client.close()
    assert PASSWORD not in str(caught.value)


def test_many_threads_may_have_a_command_under_way(client):
    pool = client.connection_pool
    connections = [pool.get_connection() for _ in range(120)]
    for connection in connections:
        pool.release(connection)
    pool.disconnect()


def test_somebody_listens_and_never_answers():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        client = redis.Redis(port=mute.getsockname()[1], socket_timeout=0.2, retry=None)
        with pytest.raises(StoreUnavailable), translated():
            client.ping()
        client.close()


def test_a_wrong_password_is_not_worth_trying_again(client, redis_url):
    client.config_set("requirepass", "right")
    try:
        stranger = connect(redis_url)
        with pytest.raises(StoreRefused), translated():
            stranger.ping()
        stranger.close()
    finally:
        client.execute_command("AUTH", "right")
        client.config_set("requirepass", "")


async def test_nor_is_it_with_asyncio(client, redis_url):
    client.config_set("requirepass", "right")
    try:
        async with connect_async(redis_url) as stranger:
            with pytest.raises(StoreRefused, match="refused the user"), translated():
                await stranger.ping()
    finally:
        client.execute_command("AUTH", "right")
        client.config_set("requirepass", "")


def test_a_full_redis():
    with EmbeddedRedis(max_memory="3mb") as server:
        client = connect(server.url)
        client.config_set("maxmemory", "1")
        with pytest.raises(StoreFull), translated():
            client.xadd("s", {"j": "x"})
        multi = client.pipeline(transaction=True).xadd("s", {"j": "x"})
        with pytest.raises(StoreFull), translated():
            multi.execute()
        with pytest.raises(StoreFull), translated():
            client.eval("return redis.call('XADD', KEYS[1], '*', 'j', 'x')", 1, "s")
        client.close()


def test_missing_groups_and_streams(client):
    with pytest.raises(GroupGone), translated():
        client.xreadgroup("g", "c", {"s": ">"})
    with pytest.raises(GroupGone), translated():
        client.xinfo_stream("s")
    client.set("text", "x")
    with pytest.raises(StoreRefused, match="WRONGTYPE"), translated():
        client.xadd("text", {"a": "b"})


def test_words_of_a_command_are_not_taken_for_the_code_of_its_reply(client):
    with pytest.raises(StoreRefused) as caught, translated():
        client.execute_command("NO-SUCH-COMMAND", "OOM NOGROUP no such key")
    assert caught.value.code == "ERR"


@pytest.mark.parametrize("transaction", [True, False])
def test_no_data_of_a_pipeline_gets_into_an_error(client, transaction):
    client.set("text", "x")
    pipe = client.pipeline(transaction=transaction).xadd("text", {"j": b"pixels\nOOM pixels"})
    with pytest.raises(StoreRefused, match="WRONGTYPE") as caught, translated():
        pipe.execute()
    assert "pixels" not in str(caught.value)


def test_a_group_that_is_there_has_a_code(client):
    client.xgroup_create("s", "g", mkstream=True)
    with pytest.raises(StoreRefused) as caught, translated():
        client.xgroup_create("s", "g")
    assert caught.value.code == "BUSYGROUP"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", StoreFull),
        ("EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.", StoreFull),
        ("ERR Error running script (call to f_1f): @user_script:3: @user_script: 3: -OOM command not allowed", StoreFull),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", StoreFull),
        ("NOREPLICAS Not enough good replicas to write.", StoreFull),
        ("LOADING Redis is loading the dataset in memory", StoreUnavailable),
        ("READONLY You can't write against a read only replica.", StoreUnavailable),
        ("EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.", StoreUnavailable),
        ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", StoreUnavailable),
        ("UNBLOCKED the stream key no longer exists", GroupGone),
        ("NOGROUP No such key 's' or consumer group 'g'", GroupGone),
        ("ERR no such key", GroupGone),
        ("ERR max number of clients reached", StoreUnavailable),
        ("CLUSTERDOWN Hash slot not served", StoreUnavailable),
        ("MOVED 3999 127.0.0.1:6381", StoreRefused),
        ("NOPERM this user has no permissions to run the 'xadd' command", StoreRefused),
        ("WRONGPASS invalid username-password pair or user is disabled.", StoreRefused),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", StoreRefused),
        ("ERR unknown command 'OOM'", StoreRefused),
    ],
)
def test_what_replies_mean(reply, kind):
    with pytest.raises(StoreError) as caught, translated():
        raise BaseParser.parse_error(reply)
    assert type(caught.value) is kind


def test_keys_of_a_shard_share_a_slot():
    keys = Keys("x", 3)
    names = [keys.frames(1), keys.results(1), keys.dead(1), keys.account(1), keys.last(1), keys.age(1)]
    assert names == ["x:frames:{1}", "x:results:{1}", "x:dead:{1}", "x:account:{1}", "x:last:{1}", "x:age:{1}"]
    assert (keys.cameras, keys.shard_count, Keys("x").preview("door")) == ("x:cameras", "x:shards", "x:preview:{0}:door")


def test_the_shard_of_a_camera_is_fixed():
    # CRC-32, so that a client in another language finds it: these numbers are part of the wire
    assert [Keys(shards=8).shard_of(name) for name in ("door", "yard", "Tür")] == [5, 0, 4]
    assert {Keys(shards=4).shard_of(f"camera-{number}") for number in range(100)} == {0, 1, 2, 3}
    assert Keys().shard_of("door") == 0
