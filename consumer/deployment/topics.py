"""The runbook of `fer status` and of the page: what each kind of problem means, what people notice, and where to look."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of problem: its name, what it means for those who wait for results, and what to look at, in this order."""

    title: str
    means: str
    look: str


_SILENT = "Its process was killed, hangs, or is cut off from Redis: nothing was heard of it for five seconds."

#: By the `topic` of a problem. Each is named in docs/troubleshooting.md, too.
TOPICS = {
    "redis-away": Topic(
        "A part of Redis is away",
        "One server of a Redis Cluster does not answer. Cameras and results of its shards stand still; the others go on.",
        "Does that server run, and what is its last log line? Producers and workers go on by themselves once it is back.",
    ),
    "redis-gone": Topic(
        "Redis cannot be seen",
        "Whoever says so gets no answer from it, or is refused. If the others lose it too, there are no results: cameras "
        "stay open, frames are dropped as redis_down, and all go on by themselves within seconds of its return.",
        "Does Redis run, and what is its last log line? Is --redis the same as for the others, and is the network between open? "
        "Where it refuses, compare name, password and rights with those of deploy/redis/make_secrets.py.",
    ),
    "redis-memory": Topic(
        "Redis is nearly full",
        "At 100 % of maxmemory Redis refuses frames, and they are dropped as redis_full. Results of what waits still come.",
        "Do frames wait? Then workers are too few: start more. Does little wait? Then results or another program fill "
        "Redis: raise maxmemory, let workers keep results for less long (--keep-results), or give the other program a "
        "Redis of its own.",
    ),
    "redis-policy": Topic(
        "Redis may delete whole streams",
        "With an allkeys policy a Redis that is full throws away whatever it likes: every waiting frame of a shard at once.",
        "Set maxmemory-policy to noeviction in Redis's configuration, and check that no other program needs the old one.",
    ),
    "wrong-prefix": Topic(
        "Cameras and workers use two prefixes",
        "Every key of a deployment begins with its prefix. Producers write under one, workers read another: no result "
        "ever comes.",
        "Compare --prefix (FER_PREFIX) of the producer, the workers and this program. Give all the same, and start those "
        "anew that had another.",
    ),
    "no-camera": Topic(
        "No camera",
        "No producer has written to this Redis under this prefix. Nothing is wrong with it: nothing was started yet.",
        "Start a producer with the same --redis and --prefix. If one runs, its log says why it does not write.",
    ),
    "camera-unknown": Topic(
        "No camera of that name",
        "A name was asked for that no producer has. Names are told apart by capital letters and by spaces.",
        "Compare it with the names that are there, and with cameras.yaml.",
    ),
    "producer-silent": Topic(
        "A producer is silent",
        f"{_SILENT} None of its cameras gives a frame.",
        "Does the process run? Its last log line says why it left: a wrong cameras.yaml, a missing secret, no memory. "
        "Start it again; its cameras open by themselves.",
    ),
    "camera-down": Topic(
        "A camera cannot be opened",
        "The producer runs and cannot reach the camera, or is refused by it. There are no results of this camera until it "
        "answers.",
        "The words in brackets say what the camera said: no route (power, network, address), refused (port, a limit on "
        "viewers), unauthorized (name, password). Cameras, Try it (for admins), or `fer-producer check --cameras "
        "cameras.yaml`, opens it once and says what it finds. It is tried again by itself.",
    ),
    "camera-stalled": Topic(
        "A camera is open and sends nothing",
        "The connection stands, and no frame has come for --stall-after seconds. The producer connects again by itself.",
        "The camera's network and power, and its number of viewers. If it is only slow, raise --stall-after.",
    ),
    "camera-frozen": Topic(
        "A camera sends one picture again and again",
        "For --frozen-after seconds all pictures were the same: results come, and are of the past.",
        "Start the camera or its recorder again. A test picture that is meant to stand still needs a larger --frozen-after.",
    ),
    "camera-held": Topic(
        "Two producers have a camera of one name",
        "The first has it; the second waits until the first has left. One of the two cameras is not read.",
        "Name one of the two otherwise in its cameras.yaml, or stop the producer that should not have it.",
    ),
    "nobody-writes": Topic(
        "No frame has come for a while",
        "All cameras together have written nothing: there are no new results at all.",
        "What do the cameras have in common: one network, one recorder, one producer? Their states in the table of "
        "cameras say more.",
    ),
    "no-worker": Topic(
        "No worker reads the frames",
        "Cameras write, and nobody finds faces in their frames. Frames wait for their freshness, then are given up.",
        "Does a worker run? Its last log line says why it left or waits: another --redis or --prefix, a missing GPU, a "
        "refused right. Start one: it needs half a minute to warm up.",
    ),
    "worker-silent": Topic(
        "A worker is silent",
        f"{_SILENT} Others take over the frames that it held; where they are in time, it is missed for half a minute only.",
        "Does the process run, and was it killed for its memory? Start it again, or more of them, as long as frames expire.",
    ),
    "worker-waits": Topic(
        "A worker runs and does nothing",
        "Something keeps it from reading or from answering; the words in brackets say what.",
        "Its log. Often Redis does not answer it, refuses it a right, or is full.",
    ),
    "several-groups": Topic(
        "Workers read as several groups",
        "Each group is given each frame: whoever comes first publishes, and the work of the others is thrown away.",
        "Give all workers the same --group, and start those anew that had another.",
    ),
    "wrong-shards": Topic(
        "A worker does not read all shards",
        "Frames of the shards that it does not read wait for other workers, or for nobody.",
        "Start it with the number of shards that the deployment has; the first process fixed it.",
    ),
    "account-off": Topic(
        "The account does not balance",
        "Frames stand in no column, or in two. Redis keeps the account in the step that ends a frame: it should never be off.",
        "Has somebody written to Redis by hand, or does an old version run beside a new one? If not, please report it "
        "with the figures.",
    ),
    "slow-workers": Topic(
        "Workers are too slow",
        "Frames are too old before their turn comes, and expire; or so many wait that their camera's byte budget is full, and "
        "new ones are dropped. Those have no result. It is counted over 15 seconds.",
        "Start more workers, or let cameras give fewer frames (--fps, or `fps` in cameras.yaml). docs/sizing.md says how "
        "many a machine does; a GPU does many times more.",
    ),
    "frames-expire": Topic(
        "Frames expire though workers have time",
        "Frames reach the workers too late, or the workers' reading is slow: results are missing on a machine that is idle.",
        "The network between Redis and the workers; the processors' time for decoding (--threads); a --freshness that is "
        "shorter than one batch takes. docs/operating.md, Tuning, has the order in which to look.",
    ),
    "no-results": Topic(
        "Frames wait and no result comes",
        "Workers are there, hold frames, and publish none.",
        "A worker's log: does Redis take its results, and does a model hang? Start a worker that hangs again; others "
        "claim its frames.",
    ),
    "redis-full": Topic(
        "Redis takes no more frames",
        "Its memory is used up. At first it refuses new frames until others are done; where something else has filled it, "
        "nothing is written any more: no result, status or count.",
        "Raise maxmemory (`CONFIG SET maxmemory`, and Redis's configuration): all byte budgets and ten minutes of results have "
        "to fit. `redis-cli --bigkeys` names what else is there; give it a Redis of its own. Do only frames wait? Then start "
        "more workers, or lower --budget-bytes.",
    ),
    "redis-down": Topic(
        "Redis does not answer producers",
        "Cameras stay open; each frame is dropped until Redis is back. Nothing has to be started anew but Redis.",
        "Redis's log, and the network between the producers and it.",
    ),
    "redis-lost": Topic(
        "Redis lost frames",
        "It was started again, or a replica took over that did not have them yet. Nothing is kept on disk: that is intended.",
        "Why was it started again? Was it killed for its memory, maxmemory is above what the machine has.",
    ),
    "redis-refused": Topic(
        "Redis refuses producers",
        "The user of the producers lacks a right, or Redis is too old.",
        "The producer's log names the command. Users are written by deploy/redis/make_secrets.py; compare theirs.",
    ),
    "frames-vanished": Topic(
        "Somebody takes frames out of Redis",
        "Frames left without a result and without a reason.",
        "Is maxmemory-policy noeviction? Does another program trim or delete fer:frames?",
    ),
    "byte-budget": Topic(
        "A camera's share of Redis is used up",
        "Its frames wait for workers, up to so many bytes; new ones are dropped until there is room.",
        "Are workers busy? Start more. Is it one camera with large pictures? Lower its max_side or jpeg_quality, or raise "
        "budget_bytes.",
    ),
    "dead-letters": Topic(
        "Frames cannot be worked on",
        "They are kept aside with the reason, and the workers go on: bad-jpeg, empty and too-large are pictures that "
        "somebody wrote wrongly; wrong-version and missing-field another version's; stage-failed and delivered-too-often "
        "ours.",
        "The writer named by the reason. For stage-failed and delivered-too-often: keep one picture with "
        "--keep-dead-pictures, and report it. Such a picture shows people.",
    ),
    "tracker-silent": Topic(
        "Nobody follows faces any more",
        f"{_SILENT} No events come; they come later, as long as the results are still in Redis.",
        "The log of fer-consumer track; start it again.",
    ),
    "no-tracker": Topic(
        "Events are waited for, and nobody makes them",
        "A sink reads events. They are made by fer-consumer track, and none runs.",
        "Start one with the same --redis and --prefix.",
    ),
    "shard-without-tracker": Topic(
        "A shard has no tracker",
        "No events come of its cameras, though others have some.",
        "Another tracker takes a shard over within seconds. If it does not, its log says why.",
    ),
    "tracker-behind": Topic(
        "A tracker is late",
        "Events come that late. None is missing as long as the results are still in Redis.",
        "Has it just come back? Then it catches up. Is one core full? More trackers, where there are more shards than trackers.",
    ),
    "group-behind": Topic(
        "A sink is late",
        "What it writes is that old. It catches up, or loses results once Redis keeps them no longer: ten minutes, unless set.",
        "The sink's log: a slow store, a full disk, one full core?",
    ),
    "group-unread": Topic(
        "Nobody reads for a sink's group",
        "Its sink was stopped. Results wait for it as long as Redis keeps them, ten minutes unless set; then there is a gap.",
        "Start it again: it goes on where it stopped. If nobody needs the group any more, destroy it.",
    ),
}
