# claim: a million parked recipients: <= 200 bytes of RAM each, restart <= 5 s, queue listing <= 0.5 s, and others do not notice
# needs: peers
# bound: 3600
"""A million messages of one recipient each (--per-message N puts N recipients in one) to a domain whose server says 451, with a retry hours away.

RAM: resident size with them less that before them, after the same kind of traffic has already filled caches and write buffers, by their
number. Restart: SIGTERM or kill -9, then from the start of the process to a message answered 250. The healthy provider's p99, from the start of
the transaction to the arrival in its sink, is compared with a second server's without the backlog, in turns.
"""
import statistics
import subprocess
import sys
import time

from lab.books import acknowledged, arrivals
from lab.claim import Claim
from lab.load import Sink, Source
from lab.mailweir import Mailweir
from lab.process import LabError, memory_bytes, run, until
from lab.subject import accepts

BYTES_MAX, RESTART_SECONDS_MAX, QUEUE_SECONDS_MAX, P99_FACTOR_MAX = 200, 5.0, 0.5, 1.5
HEALTHY_RATE, WINDOWS, WINDOW_SECONDS = 500, 5, 8


def window_p99_ms(claim, server, sink, name):
    """Of the healthy provider, over one window."""
    source = Source(claim.folder, server.target, name=name, prefix=name, rate=HEALTHY_RATE, seconds=WINDOW_SECONDS, sessions=10)
    source.join(WINDOW_SECONDS + 30)
    acks = acknowledged(source.ledger)
    until("the healthy mail", 60, lambda: acks.keys() <= arrivals(sink.ledger).keys(), 0.2)
    arrived = arrivals(sink.ledger)
    waits = sorted((arrived[token][0].time_us - ack.start_us) / 1000 for token, ack in acks.items())
    return waits[int(len(waits) * 0.99)]


def compare_p99(claim, full, full_sink, empty, empty_sink):
    """Medians of windows that alternate between the two servers, so that what else the machine does meets both."""
    found = {"with": [], "without": []}
    for window in range(2 if claim.quick else WINDOWS):
        found["without"].append(window_p99_ms(claim, empty, empty_sink, f"without{window}"))
        found["with"].append(window_p99_ms(claim, full, full_sink, f"with{window}"))
    for name, values in found.items():
        claim.say(f"p99 {name}: {', '.join(f'{value:.1f}' for value in values)} ms")
    return statistics.median(found["without"]), statistics.median(found["with"])


def settled_memory(server):
    """Resident size once it no longer moves."""
    last = [0, 0, 0]

    def is_settled():
        last.append(memory_bytes(server.pid))
        return max(last[-4:]) - min(last[-4:]) < (1 << 20)
    until("a steady memory", 90, is_settled, 1.0)
    return last[-1]


def parked_count(server):
    return server.status()["totals"]["recipients"]


def park(claim, server, count, per_message):
    """Sends until `count` recipients are in the queue and every one has been refused once."""
    source = Source(claim.folder, server.target, name="park", domain="parked.test", prefix="p", messages=count // per_message, recipients=per_message,
                    sessions=40, size=600, pipeline=True, ledger=False)
    figures = source.join(1500)
    if figures["acked"] * per_message < count * 0.999:
        raise LabError(f"only {figures['acked']} messages were acknowledged")
    return figures["acked"] * per_message


def warm_up(claim, server, sink, messages):
    """Fills the write buffers, which are not the price of a parked recipient, and every cache."""
    Source(claim.folder, server.target, name="warm", prefix="w", messages=messages, sessions=40, size=600, pipeline=True, ledger=False).join(300)
    until("the warm-up", 120, lambda: sink.stats()["messages"] >= messages, 0.1)


def restart_seconds(claim, server, hard):
    """From the start of the process until it accepts a connection, and until a message is answered 250."""
    server.kill() if hard else server.stop(60)
    began = time.monotonic()
    server.launch()
    until("accepting", 60, lambda: server.process.expect_running() or accepts("127.0.0.1", server.smtp_port), 0.005)
    probe = Source(claim.folder, server.target, name="probe", prefix=f"probe{hard}", messages=1, sessions=1, size=600, persist=True)
    figures = probe.join(60)
    if figures["acked"] != 1:
        raise LabError("the first message after the start was not taken")
    return time.monotonic() - began


def queue_seconds(claim, server):
    found = []
    for _ in range(5):
        began = time.monotonic()
        done = subprocess.run([str(server.binary), "queue", "--json", "--socket", str(server.socket)], capture_output=True, timeout=60)
        found.append(time.monotonic() - began)
        if done.returncode != 0:
            raise LabError(f"mailweir queue: {done.stderr.decode()[-500:]}")
    return max(found)


def body(claim):
    run("ip", "link", "set", "lo", "up")
    arguments = claim.arguments
    count = arguments.recipients or (300_000 if claim.quick else 1_000_000)
    sink = Sink(claim.folder, arguments=["--refuse", "parked.test=451 4.2.1 not now"])
    server = Mailweir(arguments.binary, claim.folder / "ours", {"retry": {"first": "4h", "longest": "5h"}}, smarthost_port=sink.port).start()

    warm_up(claim, server, sink, max(150_000, count // 10))
    empty = settled_memory(server)

    parked = park(claim, server, count, arguments.per_message)
    until("every recipient refused once", 1500, lambda: sink.stats()["refused"] >= parked, 0.5)
    full = settled_memory(server)
    per_recipient = (full - empty) / parked
    claim.figure("recipients_parked", parked)
    claim.figure("recipients_a_message", arguments.per_message)
    claim.figure("rss_empty_mib", empty >> 20)
    claim.figure("rss_parked_mib", full >> 20)
    claim.figure("bytes_a_recipient", per_recipient)
    claim.bar(per_recipient <= BYTES_MAX, f"{per_recipient:.0f} bytes a recipient; the bar is {BYTES_MAX}")

    seconds = queue_seconds(claim, server)
    claim.figure("queue_seconds", seconds)
    claim.bar(seconds <= QUEUE_SECONDS_MAX, f"mailweir queue took {seconds:.2f} s; the bar is {QUEUE_SECONDS_MAX}")

    other_sink = Sink(claim.folder, name="other-sink")
    other = Mailweir(arguments.binary, claim.folder / "other", smarthost_port=other_sink.port).start()
    warm_up(claim, other, other_sink, 150_000)
    p99_without, p99_with = compare_p99(claim, server, sink, other, other_sink)
    other.stop()
    other_sink.stop()
    claim.figure("p99_ms_without", p99_without)
    claim.figure("p99_ms_with", p99_with)
    claim.bar(p99_with <= P99_FACTOR_MAX * p99_without, f"p99 {p99_with:.1f} ms with the backlog, {p99_without:.1f} ms without; the bar is {P99_FACTOR_MAX} times")

    for name, hard in (("clean", False), ("kill", True)):
        seconds = restart_seconds(claim, server, hard)
        claim.figure(f"restart_{name}_seconds", seconds)
        claim.bar(seconds <= RESTART_SECONDS_MAX, f"{seconds:.1f} s to accepting after a {name} stop; the bar is {RESTART_SECONDS_MAX}")
        until("the schedule restored", 120, lambda: parked_count(server) >= parked, 0.1)
    after = settled_memory(server)
    claim.figure("rss_restarted_mib", after >> 20)
    claim.figure("restored_recipients", parked_count(server))
    RESULT["bytes"] = per_recipient
    server.stop(60)
    sink.stop()


RESULT = {"bytes": "unknown"}
CLAIM = Claim("scale", [
    (["--recipients"], {"type": int, "help": "instead of a million, or 300,000 with --quick"}),
    (["--per-message"], {"type": int, "default": 1}),
])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("bytes_a_recipient", RESULT["bytes"]))
    sys.exit(2)
