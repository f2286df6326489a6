# claim: a receiver model in virtual time and its twin over TCP give a client the same replies, closings and delays
# builds: sink_test
# needs:
# bound: 900
"""Every personality, as it is and with limits that are soon reached, and every network fault: seeded sequences of visits from several
source IPs at once are run against the model directly and through `mailweir sink`'s sessions on loopback, on one paused clock. Each
step's reply code, text, way of ending and delay are compared. The control is a twin with one parameter changed: it must differ.
"""
import os
import re
import subprocess

from lab.claim import ROOT, Claim
from lab.process import LabError, run

LINE = re.compile(r"^sequence personality=(\S+) variant=(\S+) seed=(\d+) steps=(\d+) refusals=(\d+) differences=(\d+)$", re.M)


def run_tests(binary, seeds):
    environment = {**os.environ, "TWIN_SEEDS": str(seeds)}
    done = subprocess.run([str(binary), "--gtest_filter=*Twin*greement*"], capture_output=True, text=True, env=environment, timeout=800)
    if "[  PASSED  ]" not in done.stdout and "[  FAILED  ]" not in done.stdout:
        raise LabError(f"{binary} gave no verdict: {done.stderr[-500:]}")
    return done


def body(claim):
    run("ip", "link", "set", "lo", "up")
    binary = claim.arguments.tests
    if not os.path.exists(binary):
        raise LabError(f"there is no {binary}; run script/build release sink_test")
    done = run_tests(binary, 3 if claim.quick else 20)
    rows = LINE.findall(done.stdout)
    totals = {name: sum(int(row[i]) for row in rows) for name, i in (("steps", 3), ("refusals", 4), ("differences", 5))}
    control = re.search(r"^sabotage differences=(\d+)$", done.stdout, re.M)
    claim.figure("personalities", len({row[0] for row in rows}))
    claim.figure("sequences", len(rows))
    for name, value in totals.items():
        claim.figure(name, value)
    claim.figure("control_differences", int(control.group(1)) if control else 0)
    claim.bar(rows and totals["differences"] == 0, next((line for line in done.stdout.splitlines() if line.startswith("seed ")), "a sequence differs"))
    claim.bar(totals["refusals"] > totals["steps"] // 100, "hardly any step was refused: the sequences prove nothing")
    claim.bar(control is not None and int(control.group(1)) > 0, "a changed twin was not told from the model")
    claim.bar(done.returncode == 0, f"{binary} ended with {done.returncode}")
    claim.result = totals["differences"]


claim = Claim("twin", [(("--tests",), {"default": str(ROOT / "build/release/src/sink/sink_test"), "help": "the test program"})])
claim.result = -1
claim.run(body, lambda: ("twin_differences", claim.result))
