# claim: a day of ten million messages over 64 sources and 8 providers is simulated in under 5 minutes on one core, in under 4 GiB
# needs:
# bound: 2400
"""`mailweir simulate scenarios/virtual-day.toml`, kept to one core: 10 million messages, processor time below 300 s, resident size below
4 GiB, no rule broken. After it scenarios/wide-hour.toml, 1,000 sources × 50 providers × 1 hour, for which there is no bar but the
rules. First, five minutes are played twice with one seed: the event logs must be the same bytes. --quick leaves out the wide hour.

Processor time, not the clock's, is held against the bar: on a core of its own the two are the same, and the machine may be shared.
"""
import hashlib
import json
import os
import subprocess
import time

from lab.claim import ROOT, Claim
from lab.process import LabError

SECONDS_MAX, GIB_MAX, MESSAGES_MIN = 300.0, 4.0, 9_900_000


def keep_to_one_core():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def simulate(claim, name, *arguments):
    """The result, processor seconds, seconds and GiB of one run."""
    began = time.monotonic()
    process = subprocess.Popen([claim.arguments.binary, "simulate", str(name), "--json", *arguments], stdout=subprocess.PIPE,
                               preexec_fn=keep_to_one_core)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise LabError(f"mailweir simulate {name} ended with {os.waitstatus_to_exitcode(status)}")
    return json.loads(out), usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / (1 << 20)


def report(claim, prefix, found):
    result, busy, seconds, gib = found
    claim.figure(f"{prefix}_messages", result["counts"]["messages"])
    claim.figure(f"{prefix}_events", result["events"])
    claim.figure(f"{prefix}_processor_seconds", busy)
    claim.figure(f"{prefix}_clock_seconds", seconds)
    claim.figure(f"{prefix}_gib", gib)
    claim.figure(f"{prefix}_times_faster", result["lasted"] / busy)
    claim.bar(result["violations_total"] == 0, f"{prefix}: {result['violations_total']} rules broken: {result['violations'][:1]}")
    return result


def part_twice(claim):
    """The same five minutes twice: the digest of their event logs."""
    text = (ROOT / "scenarios/virtual-day.toml").read_text().replace('length = "24h"', 'length = "5m"').replace('peak_at = "14:00"', 'peak_at = "00:00"')
    scenario = claim.folder / "part.toml"
    scenario.write_text(text)
    digests = []
    for turn in (1, 2):
        log = claim.folder / f"events{turn}"
        simulate(claim, scenario, "--events", str(log))
        digests.append(hashlib.sha256(log.read_bytes()).hexdigest())
        claim.figure(f"log_bytes_{turn}", log.stat().st_size)
        log.unlink()
    claim.bar(digests[0] == digests[1], "two runs with one seed wrote different event logs")


def body(claim):
    part_twice(claim)
    found = simulate(claim, ROOT / "scenarios/virtual-day.toml")
    result = report(claim, "day", found)
    claim.result = found[1]
    claim.bar(result["counts"]["messages"] >= MESSAGES_MIN, f"only {result['counts']['messages']} messages")
    claim.bar(found[1] <= SECONDS_MAX, f"the day took {found[1]:.0f} s of a core; the bar is {SECONDS_MAX:.0f}")
    claim.bar(found[3] <= GIB_MAX, f"the day took {found[3]:.2f} GiB; the bar is {GIB_MAX:.0f}")
    if not claim.quick:
        report(claim, "wide", simulate(claim, ROOT / "scenarios/wide-hour.toml"))


claim = Claim("virtual-day")
claim.result = -1.0
claim.run(body, lambda: ("day_processor_seconds", claim.result))
