# claim: a million parked recipients: <= 200 bytes of RAM each, restart <= 5 s, queue listing <= 0.5 s, and others do not notice
# needs: peers
# bound: 3600
"""A million messages of one recipient each (--per-message N puts N recipients in one) to a domain whose server says 451, with a retry hours away.

RAM: resident size with them less that before them, after the same kind of traffic has already filled caches and write buffers, by their
number. Restart: SIGTERM or kill -9, then from the start of the process to a message answered 250. The healthy provider's p99, from the start of
the transaction to the arrival in its sink, is the median of several windows without and with the backlog.
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


def p99_ms(claim, server, sink, name):
    """Of the healthy provider, over several windows."""
    found = []
    for window in range(2 if claim.quick else WINDOWS):
        source = Source(claim.folder, server.target, name=f"{name}{window}", prefix=f"{name}{window}", rate=HEALTHY_RATE, seconds=WINDOW_SECONDS, sessions=10)
        source.join(WINDOW_SECONDS + 30)
        acks = acknowledged(source.ledger)
        until("the healthy mail", 60, lambda: acks.keys() <= arrivals(sink.ledger).keys(), 0.2)
        arrived = arrivals(sink.ledger)
        waits = sorted((arrived[token][0].time_us - ack.start_us) / 1000 for token, ack in acks.items())
        found.append(waits[int(len(waits) * 0.99)])
    claim.say(f"{name}: p99 {', '.join(f'{value:.1f}' for value in found)} ms")
    return statistics.median(found)


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


def restart_seconds(server, hard):
    """From the start of the process until it accepts a connection, and until a message is answered 250."""
    server.kill() if hard else server.stop(60)
    began = time.monotonic()
    server.launch()
    until("accepting", 60, lambda: server.process.expect_running() or accepts("127.0.0.1", server.smtp_port), 0.005)
    until("a message taken", 60, lambda: run("swaks", "--server", server.target, "--to", "probe@healthy.test", "--from", "probe@weir.test",
                                             "--silent", "3", timeout=30, check=False) is not None, 0.01)
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
    count = arguments.recipients or (100_000 if claim.quick else 1_000_000)
    sink = Sink(claim.folder, arguments=["--refuse", "parked.test=451 4.2.1 not now"])
    server = Mailweir(arguments.binary, claim.folder / "ours", {"retry": {"first": "4h", "longest": "5h"}}, smarthost_port=sink.port).start()

    warm = max(150_000, count // 10)  # fills the write buffers, which are not the price of a parked recipient
    Source(claim.folder, server.target, name="warm", prefix="w", messages=warm, sessions=40, size=600, pipeline=True, ledger=False).join(300)
    until("the warm-up", 120, lambda: sink.stats()["messages"] >= warm, 0.1)
    empty = settled_memory(server)
    p99_without = p99_ms(claim, server, sink, "without")

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

    p99_with = p99_ms(claim, server, sink, "with")
    claim.figure("p99_ms_without", p99_without)
    claim.figure("p99_ms_with", p99_with)
    claim.bar(p99_with <= P99_FACTOR_MAX * p99_without, f"p99 {p99_with:.1f} ms with the backlog, {p99_without:.1f} ms without; the bar is {P99_FACTOR_MAX} times")

    for name, hard in (("clean", False), ("kill", True)):
        seconds = restart_seconds(server, hard)
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
    (["--recipients"], {"type": int, "help": "instead of a million, or 100,000 with --quick"}),
    (["--per-message"], {"type": int, "default": 1}),
])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("bytes_a_recipient", RESULT["bytes"]))
    sys.exit(2)
