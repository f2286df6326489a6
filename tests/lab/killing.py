"""kill -9 under load, again and again, with the books kept outside the fault zone: the source writes every 250 it got, the sink every
message before its own 250.

lost = acknowledged and never arrived. A duplicate belongs to the last kill before it; in flight at a kill is what the sink took in
the 50 ms before: an end is recorded within 20 ms, the rest is for the commit itself and a busy machine.
"""
import bisect
import time

from .books import acknowledged, arrivals
from .load import Sink, Source

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


def campaign(folder, subject_of, kills, rate, wait, say=lambda text: None, stop_at_loss=False):
    """Kills so often, each time after wait(source); returns acknowledged, arrivals, the times of the kills, and how long each start
    took."""
    folder.mkdir()
    sink = Sink(folder)
    subject = subject_of(folder / "subject", sink.port)
    subject.start()
    source = Source(folder, subject.target, persist=True, rate=rate, sessions=20, size=4096, prefix="k")
    kill_times, back = [], []
    for number in range(kills):
        wait(source)
        kill_times.append(now_us())
        subject.kill()
        began = time.monotonic()
        subject.start()
        back.append(time.monotonic() - began)
        source.process.expect_running()
        if number % 20 == 19:
            say(f"{number + 1} kills, slowest start {max(back):.2f} s")
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


