# claim: relays at least ten times as fast as a tuned Postfix 3.7, durably, at <= 150 us CPU a message
# needs: peers
# bound: 1500
"""Same load, same sink, one run, alternating: ours, Postfix as docs/performance.md tunes it, and the source straight into the sink.

The load tools are Postfix's own smtp-source and smtp-sink. End-to-end rate: messages / (last arrival in the sink - start of
the source). CPU: user and system time of the server's whole process tree. Both queues lie on the same real disk.
"""
import statistics
import subprocess
import sys
import time

from lab.claim import Claim
from lab.load import NeutralSink, neutral_source
from lab.mailweir import Mailweir
from lab.postfix import Postfix
from lab.process import LabError, cpu_seconds, memory_bytes, run, until

SINK_PORT = 2600

# name: size, sessions, one session for many messages, messages of a run (ours and ceiling; Postfix)
ROWS = {
    "4k": (4096, 20, True, 60000, 5000),
    "20k": (20480, 20, True, 30000, 4000),
    "connect": (4096, 20, False, 30000, 4000),
    "5s": (4096, 5, True, 40000, 4000),
    "50s": (4096, 50, True, 60000, 4000),
}
RATIO_MIN = {"4k": 10, "20k": 10, "connect": 6}
CPU_US_MAX, CEILING_SHARE_MIN, RSS_MAX = 150, 0.5, 256 << 20

TUNED = {
    "in_flow_delay": "0", "default_process_limit": "60", "initial_destination_concurrency": "20", "smtp_destination_concurrency_limit": "20",
    "relayhost": f"[127.0.0.1]:{SINK_PORT}", "disable_dns_lookups": "yes", "smtp_dns_support_level": "disabled", "smtpd_peername_lookup": "no",
}
CACHED = {"smtp_connection_cache_on_demand": "yes", "smtp_connection_cache_destinations": f"[127.0.0.1]:{SINK_PORT}"}
UNCACHED = {"smtp_connection_cache_on_demand": "no"}


class Contestant:
    """Something that relays what comes in on `target` to the sink; pid is None for the direct way."""

    def __init__(self, name, target, pid):
        self.name, self.target, self.pid = name, target, pid
        self.rates, self.cpu_us = [], []

    def measure(self, sink, row, messages):
        size, sessions, reuse = row[:3]
        before, cpu = sink.count(), cpu_seconds(self.pid) if self.pid else 0
        began = time.monotonic()
        source = neutral_source(self.target, sessions, size, messages, reuse)
        end = began + 120
        while sink.count() - before < messages:
            if time.monotonic() > end:
                raise LabError(f"{self.name}: {sink.count() - before} of {messages} messages arrived within 120 s")
            time.sleep(0.004)
        seconds = time.monotonic() - began
        if source.wait(timeout=30) != 0:
            raise LabError(f"{self.name}: smtp-source failed")
        if self.pid:
            self.cpu_us.append((cpu_seconds(self.pid) - cpu) / messages * 1e6)
        self.rates.append(messages / seconds)


def start_contestants(claim, name, row, servers):
    contestants, closers = [], []
    if "ours" in servers:
        caps = {"connections": max(20, row[1])}
        caps["messages_per_connection"] = 100000 if row[2] else 1
        ours = Mailweir(claim.arguments.binary, claim.folder / f"ours-{name}", {"caps": caps}, smarthost_port=SINK_PORT).start()
        contestants.append(Contestant("ours", ours.target, ours.pid))
        closers.append(ours.stop)
    if "postfix" in servers:
        settings = {**TUNED, **(CACHED if row[2] else UNCACHED)}
        postfix = Postfix(claim.folder / f"postfix-{name}", "127.0.0.1:2601", settings).start()
        contestants.append(Contestant("postfix", postfix.listen, postfix.process.pid))
        closers.append(postfix.stop)
    contestants.append(Contestant("ceiling", f"127.0.0.1:{SINK_PORT}", None))
    return contestants, closers


def measure_row(claim, name, row, rounds, servers):
    sink = NeutralSink(SINK_PORT, claim.folder / "sink.log")
    contestants, closers = start_contestants(claim, name, row, servers)
    try:
        for contestant in contestants:  # warm-up: processes forked, files made, connections open
            contestant.measure(sink, row, 500)
            contestant.rates.clear()
            contestant.cpu_us.clear()
        for turn in range(rounds):
            for contestant in contestants:
                messages = row[4] if contestant.name == "postfix" else row[3]
                contestant.measure(sink, row, messages // 4 if claim.quick else messages)
            claim.say(f"{name} round {turn + 1}: " + ", ".join(f"{c.name} {c.rates[-1]:.0f}/s" for c in contestants))
        peak = next((memory_bytes(c.pid, "VmHWM") for c in contestants if c.name == "ours"), 0)
    finally:
        for close in closers:
            close()
        sink.stop()
    return {c.name: c for c in contestants}, peak


def count_syncs(claim):
    """One session, one message at a time: no message can share a sync with another, so each needs one of its own before its 250."""
    messages = 200
    sink = NeutralSink(SINK_PORT, claim.folder / "sink.log")
    ours = Mailweir(claim.arguments.binary, claim.folder / "ours-syncs", smarthost_port=SINK_PORT).start()
    trace = claim.folder / "syncs.strace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync", "-e", "signal=none", "-o", str(trace), "-p", str(ours.pid)])
    try:
        until("strace", 10, lambda: run("grep", "-h", "TracerPid", f"/proc/{ours.pid}/status").split()[1] != "0")
        if neutral_source(ours.target, 1, 4096, messages, True).wait(timeout=60) != 0:
            raise LabError("smtp-source failed")
    finally:
        tracer.terminate()
        tracer.wait(timeout=10)
        ours.stop()
        sink.stop()
    return messages, sum(1 for line in trace.read_text().splitlines() if "= 0" in line)


HEADLINE = {}


def judge(claim, name, found, peak):
    rate = {key: statistics.median(c.rates) for key, c in found.items()}
    for key, contestant in found.items():
        claim.figure(f"{name}_{key}_per_second", round(rate[key]))
        if contestant.cpu_us:
            claim.figure(f"{name}_{key}_cpu_us", round(statistics.median(contestant.cpu_us)))
    if "ours" not in found or "postfix" not in found:
        HEADLINE[name] = max(value for key, value in rate.items() if key != "ceiling")
        return
    ratio, share = rate["ours"] / rate["postfix"], rate["ours"] / rate["ceiling"]
    claim.figure(f"{name}_ratio", ratio)
    claim.figure(f"{name}_ceiling_share", share)
    claim.figure(f"{name}_ours_rss_mib", round(peak / (1 << 20)))
    HEADLINE[name] = ratio
    if name in RATIO_MIN:
        claim.bar(ratio >= RATIO_MIN[name], f"{name}: {ratio:.1f} times Postfix; the bar is {RATIO_MIN[name]}")
    claim.bar(peak <= RSS_MAX, f"{name}: {peak >> 20} MiB resident; the bar is {RSS_MAX >> 20}")
    if name == "4k":
        cpu = statistics.median(found["ours"].cpu_us)
        claim.bar(cpu <= CPU_US_MAX, f"{name}: {cpu:.0f} us CPU a message; the bar is {CPU_US_MAX}")
        claim.bar(share >= CEILING_SHARE_MIN, f"{name}: {share:.0%} of the ceiling; the bar is {CEILING_SHARE_MIN:.0%}")


def body(claim):
    run("ip", "link", "set", "lo", "up")
    arguments = claim.arguments
    rounds = 1 if claim.quick else max(3, arguments.rounds)
    for name in arguments.rows.split(","):
        judge(claim, name, *measure_row(claim, name, ROWS[name], rounds, arguments.servers.split(",")))
    if "ours" in arguments.servers:
        messages, syncs = count_syncs(claim)
        claim.figure("single_session_messages", messages)
        claim.figure("single_session_syncs", syncs)
        claim.bar(syncs >= messages, f"{syncs} syncs for {messages} messages sent one by one: not every 250 follows a sync")


def headline():
    name = next(iter(HEADLINE), "4k")
    return f"{name}_ratio" if name in HEADLINE and "ours" in CLAIM.arguments.servers and "postfix" in CLAIM.arguments.servers else f"{name}_per_second", HEADLINE.get(name, 0)


CLAIM = Claim("speed", [
    (["--rows"], {"default": ",".join(ROWS), "help": f"of {', '.join(ROWS)}"}),
    (["--rounds"], {"type": int, "default": 5}),
    (["--servers"], {"default": "ours,postfix", "help": "`postfix` measures the peer alone"}),
])
if __name__ == "__main__":
    CLAIM.run(body, headline)
    sys.exit(2)
