# claim: a server killed in the middle of a throttle comes back with its held paths held
# needs:
# bound: 300
"""Three sources at a receiver that shuts two of them out at 00:30 until nothing was tried for 20 minutes: every attempt begins the 20 minutes
anew. The server is killed four times meanwhile, and is back after 5 s or 2 minutes; mail keeps coming. `mailweir simulate`, seeds 1 to 5.

Bars, each run: in the two minutes after each return at most one refused attempt on each path (a canary); over the whole run no more
refusals than the same run without kills has, and two for each kill and shut path (a canary that died with the server, and one asked
again); no rule broken (nothing lost, nothing sent twice after its 250 was recorded, one canary at a time).

The control is the same run in which each kill loses what was kept of the paths (`forgets = true`): it must miss the first bar. --quick: one seed.
"""
import json
import re
import subprocess

from lab.claim import Claim
from lab.learning import ON, knows_pacing
from lab.process import LabError

KILLS = ((2400, 5), (3000, 120), (3900, 5), (5400, 5))  # seconds after the start, seconds away
SHUT = ("out1", "out2")
TRIP = 1800
WATCHED = 120.0
OPEN = re.compile(r"^\S+ open (s\d+) (\S+) mass ")
START = re.compile(r"^\S+ start (s\d+) (m\d+)/")
REFUSED = re.compile(r"^(\S+) done (m\d+)/\d+ \S+ \S+ 4\d\d$")


def scenario_text(kills, forgets, learns):
    faults = "".join(f'[[fault]]\nkind = "crash"\nat = "{at}s"\ntakes = "{takes}s"\n{"forgets = true" if forgets else ""}\n\n' for at, takes in kills)
    return f"""\
title = "killed in the middle of a throttle"
length = "3h"
drain = "0s"

[[source]]
name = "out"
first = "192.0.2.1"
count = 3

[[class]]
name = "urgent"
priority = 80
deadline = "5m"

[[class]]
name = "bulk"
priority = 20

[caps]
connections = 20
messages_per_connection = 100
{ON if learns else ""}
[[provider]]
name = "mass"
personality = "plain"
domains = 10
latency = "100ms"
[provider.parameters]
"penalty.length" = "20m"
"penalty.ends" = "restart"
"penalty.reply" = "421 4.7.0 Too many messages from [{{ip}}], try again later"

[[workload]]
name = "load"
kind = "rate"
rate = "40/min"
classes = {{ urgent = 1, bulk = 3 }}

{faults}[[fault]]
kind = "trip"
at = "{TRIP}s"
provider = "mass"
sources = ["out1", "out2"]
"""


def play(claim, name, seed, kills, forgets=False):
    file = claim.folder / f"{name}-{seed}.toml"
    file.write_text(scenario_text(kills, forgets, claim.learns))
    log = file.with_suffix(".events")
    done = subprocess.run([claim.arguments.binary, "simulate", str(file), "--json", "--seed", str(seed), "--events", str(log)], capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 1):
        raise LabError(f"{file.name}: mailweir simulate ended with {done.returncode}: {done.stderr.strip()[-1500:]}")
    source_of, on, refused = {}, {}, []
    for line in log.read_text().splitlines():
        if found := OPEN.match(line):
            source_of[found[1]] = found[2]
        elif found := START.match(line):
            on[found[2]] = source_of.get(found[1], "?")
        elif found := REFUSED.match(line):
            refused.append((float(found[1]), on.get(found[2], "?")))
    return json.loads(done.stdout), [(at, source) for at, source in refused if source in SHUT]


def after_returns(refused, kills):
    """The most refusals on one shut path within two minutes of a return."""
    most = 0
    for at, takes in kills:
        for source in SHUT:
            most = max(most, sum(1 for when, whose in refused if whose == source and at + takes <= when < at + takes + WATCHED))
    return most


def body(claim):
    claim.learns = knows_pacing(claim.arguments.binary, claim.folder)
    claim.figure("engine", "learning" if claim.learns else "fixed caps")
    for seed in (1,) if claim.quick else (1, 2, 3, 4, 5):
        quiet, undisturbed = play(claim, "quiet", seed, ())
        killed, refused = play(claim, "killed", seed, KILLS)
        most = after_returns(refused, KILLS)
        claim.worst = max(claim.worst, most)
        claim.figure(f"seed{seed}_refused", len(refused))
        claim.figure(f"seed{seed}_refused_without_kills", len(undisturbed))
        claim.figure(f"seed{seed}_most_after_a_return", most)
        for what, result in (("without kills", quiet), ("killed", killed)):
            claim.bar(result["violations_total"] == 0, f"seed {seed}, {what}: a rule was broken: {result['violations'][:1]}")
        claim.bar(most <= 1, f"seed {seed}: {most} refusals on one shut path within {WATCHED:.0f} s of a return")
        allowed = len(undisturbed) + 2 * len(KILLS) * len(SHUT)
        claim.bar(len(refused) <= allowed, f"seed {seed}: {len(refused)} refusals on the shut paths, {len(undisturbed)} without kills")
        _, forgotten = play(claim, "forgets", seed, KILLS, forgets=True)
        control = after_returns(forgotten, KILLS)
        claim.figure(f"seed{seed}_control_most_after_a_return", control)
        claim.bar(control > 1, f"seed {seed}: the control, which forgets its paths, was not found out")


claim = Claim("restart")
claim.worst = 0
claim.run(body, lambda: ("most_refusals_after_a_return", claim.worst))
