"""The story in words, for its plot and for deploy/README.md."""

from ferstream.streams.frames.account import Account
from tests.plays.scale_out.fleet import CAMERAS, PRODUCERS, WINDOW
from tests.plays.scale_out.story import KILLED, RUSH, THREE, WORKER_FPS, Story

TEXT = """
{cameras} live cameras on {producers} producers that share one cameras.yaml, and a load that trebles. Two cores carry all of it,
so three workers would not be three times as fast as one: each is held to {cores:.2f} of a core, which is {worker_fps:g} frames
a second, and has a window of {window} frames.

In the rush one worker answered {answered:.0f} of {offered:.0f} frames a second, {in_time:.0%} of all within one second;
the others expired. {recovered:.0f} s after two more were ready, frames were read within the objective again, and stayed there:
{three:.0%} in time, the catching-up included. One worker was killed (SIGKILL) in the middle of its work (frames in hand:
{held}); the others took over after two seconds, and it came back under its name: {killed:.0%} in time. In the evening two left
on SIGTERM, drained.

The account of every frame at the end: **{account}**; balance {balance}. Redis keeps it, so what the killed worker did is in it.
"""


def account_line(account: Account) -> str:
    """The account at the end in one line."""
    dropped = " + ".join(f"{reason} {count:,}" for reason, count in account.dropped.items()) or "dropped 0"
    return (
        f"captured {account.captured:,} = published {account.published:,} + {dropped} + expired {account.expired:,} "
        f"+ dead {sum(account.dead.values())} + in flight {account.in_flight}"
    )


def caption(story: Story) -> str:
    """What the picture shows, with this story's figures, in Markdown. Raises ValueError where it has not ended."""
    if story.account is None:
        raise ValueError("the story has not ended")
    killed = next(worker for worker in story.workers if worker["exit"] == "killed")
    return TEXT.format(
        cameras=len(CAMERAS),
        producers=PRODUCERS,
        cores=story.worker_cores,
        worker_fps=WORKER_FPS,
        window=WINDOW,
        answered=story.per_s(RUSH, "answered_per_s"),
        offered=story.per_s(RUSH, "offered_per_s"),
        in_time=story.share_in_time(RUSH),
        recovered=story.seconds_to_recover(),
        three=story.share_in_time(THREE),
        killed=story.share_in_time(KILLED),
        held=killed["held"],
        account=account_line(story.account),
        balance=story.account.balance,
    )
