# claim: kill -9 at 200 random points under load loses no acknowledged message and is back within 5 s
# needs: sabotage
# bound: 2400
"""Load of 2,000 messages/s through the server into a sink; at random moments kill -9 and a new start on the same data.

Two books, both outside the fault zone: the source writes every 250 it got, the sink every message before its own 250.
lost = acknowledged and never arrived. A duplicate belongs to the last kill before it; in flight at a kill is what the sink took in
the 50 ms before, the longest time a finished delivery may wait for its commit. Control: a build that answers 250 before the
commit must lose mail under the same test, or the run does not count.
"""
import bisect
import random
import sys
import time

from lab.books import acknowledged, arrivals
from lab.claim import Claim
from lab.load import Sink, Source
from lab.process import LabError, run
from lab.subject import make_subject

COMMIT_WINDOW_US = 50_000
DUPLICATES_SPARE = 10
BACK_SECONDS_MAX = 5


def now_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def settle(sink, source_ledger, seconds):
    """Until every acknowledged message has arrived or nothing has come for ten seconds."""
    wanted = acknowledged(source_ledger)
    end, last_count, quiet_since = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < end:
        count = sink.stats()["messages"]
        if count != last_count:
            last_count, quiet_since = count, time.monotonic()
        elif time.monotonic() - quiet_since > 0.5 and not wanted.keys() - arrivals(sink.ledger).keys():
            break
        elif time.monotonic() - quiet_since > 10:
            break
        time.sleep(0.1)
    return wanted


def campaign(claim, folder, subject_of, kills, rate, pause, stop_at_loss=False):
    """Kills so often; returns acknowledged, arrivals, the times of the kills, and how long each start took."""
    folder.mkdir()
    sink = Sink(folder)
    subject = subject_of(folder / "subject", sink.port)
    subject.start()
    source = Source(folder, subject.target, persist=True, rate=rate, sessions=20, size=4096, prefix="k")
    kill_times, back = [], []
    for number in range(kills):
        time.sleep(random.uniform(*pause))
        kill_times.append(now_us())
        subject.kill()
        began = time.monotonic()
        subject.start()
        back.append(time.monotonic() - began)
        source.process.expect_running()
        if number % 20 == 19:
            claim.say(f"{number + 1} kills, slowest start {max(back):.2f} s")
        if stop_at_loss and number % 5 == 4:
            wanted = acknowledged(source.ledger)
            arrived = arrivals(sink.ledger).keys()
            if any(token not in arrived and ack.end_us < kill_times[-2] for token, ack in wanted.items()):
                break
    time.sleep(0.5)
    source.stop()
    wanted = settle(sink, source.ledger, 180)
    subject.stop()
    sink.stop()
    return wanted, arrivals(sink.ledger), kill_times, back


def duplicates_by_kill(arrived, kill_times):
    counts = [0] * (len(kill_times) + 1)
    for times in arrived.values():
        for again in times[1:]:
            counts[bisect.bisect_right(kill_times, again.time_us)] += 1
    return counts  # counts[0]: before any kill


def in_flight_at(arrived, kill_times):
    times = sorted(arrival.time_us for all_of_one in arrived.values() for arrival in all_of_one)
    return [bisect.bisect_right(times, at) - bisect.bisect_left(times, at - COMMIT_WINDOW_US) for at in kill_times]


def body(claim):
    run("ip", "link", "set", "lo", "up")
    arguments = claim.arguments
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    random.seed(seed)
    claim.figure("seed", seed)
    kills = arguments.kills or (5 if claim.quick else 200)
    subject_of = lambda folder, port: make_subject(arguments.server, arguments.binary, folder, port)  # noqa: E731
    wanted, arrived, kill_times, back = campaign(claim, claim.folder / "honest", subject_of, kills, 2000, (0.3, 2.2))

    lost = wanted.keys() - arrived.keys()
    bad = sum(1 for times in arrived.values() if any(a.verdict != "ok" for a in times))
    duplicates = duplicates_by_kill(arrived, kill_times)
    in_flight = in_flight_at(arrived, kill_times)
    worst = max((d - f for d, f in zip(duplicates[1:], in_flight)), default=0)
    claim.figure("kills", len(kill_times))
    claim.figure("acknowledged", len(wanted))
    claim.figure("changed_text", bad)
    claim.figure("duplicates", sum(duplicates))
    claim.figure("duplicates_max_a_kill", max(duplicates[1:], default=0))
    claim.figure("in_flight_max", max(in_flight, default=0))
    claim.figure("duplicates_over_in_flight_max", worst)
    claim.figure("back_seconds_max", max(back))
    claim.figure("back_seconds_mean", sum(back) / len(back))
    if len(wanted) < 100 * kills:
        raise LabError(f"only {len(wanted)} messages were acknowledged in {kills} rounds: no load, no proof")
    claim.bar(not lost, f"{len(lost)} acknowledged messages never arrived, such as {sorted(lost)[:3]}")
    claim.bar(bad == 0, f"{bad} messages arrived with another text than was sent")
    claim.bar(duplicates[0] == 0, f"{duplicates[0]} duplicates before any kill")
    claim.bar(worst <= DUPLICATES_SPARE, f"a kill led to {worst} duplicates more than were in flight; the bar is {DUPLICATES_SPARE}")
    claim.bar(max(back) <= BACK_SECONDS_MAX, f"a start took {max(back):.1f} s; the bar is {BACK_SECONDS_MAX} s")
    RESULT["lost"] = len(lost)
    if arguments.server == "ours" and not arguments.no_control:
        control(claim)


def control(claim):
    subject_of = lambda folder, port: make_subject("ours", claim.arguments.sabotaged, folder, port, {"WEIR_SABOTAGE_EARLY_ACK": "1"})  # noqa: E731
    wanted, arrived, kill_times, _ = campaign(claim, claim.folder / "control", subject_of, 40, 0, (0.2, 0.8), stop_at_loss=True)
    lost = len(wanted.keys() - arrived.keys())
    claim.figure("control_kills", len(kill_times))
    claim.figure("control_lost", lost)
    claim.bar(lost > 0, "the build that acknowledges before the commit lost nothing: this test has no teeth")


RESULT = {"lost": "unknown"}
CLAIM = Claim("kill", [
    (["--kills"], {"type": int, "help": "instead of 200, or 5 with --quick"}),
    (["--seed"], {"type": int, "help": "of the moments of the kills"}),
    (["--server"], {"default": "ours", "choices": ["ours", "postfix"]}),
    (["--no-control"], {"action": "store_true", "help": "without the sabotaged build"}),
])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("lost", RESULT["lost"]))
    sys.exit(2)
