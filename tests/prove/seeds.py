# claim: 2,000 random worlds with mixed faults break no rule, in under 3 minutes; bugs planted between engine and world are found
# builds: simulate_seeds_test
# needs:
# bound: 900
"""Each seed is a small world of its own: sources, caps, receivers of every personality, loads, and crashes, DNS failures, outages,
jumps of the clock, trips and blocks. The checkers watch: nothing lost, nothing delivered again after its delivery was recorded, caps kept,
the queue drains. The control is a sender that skips a retry, doubles a delivery, forgets a recipient, or ends one twice: the
checkers must say so. --first N begins at another seed.
"""
import os
import re
import resource
import subprocess

from lab.claim import ROOT, Claim
from lab.process import LabError

SECONDS_MAX = 180.0
PLANTED_MIN = 4


def body(claim):
    binary = claim.arguments.tests
    if not os.path.exists(binary):
        raise LabError(f"there is no {binary}; run script/build release simulate_seeds_test")
    count = 200 if claim.quick else 2000
    environment = {**os.environ, "WEIR_SEEDS": str(count), "WEIR_SEED_FIRST": str(claim.arguments.first)}
    done = subprocess.run([str(binary)], capture_output=True, text=True, env=environment, timeout=800)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = usage.ru_utime + usage.ru_stime
    found = re.findall(r"\[       OK \] PlantedBugs\.(\w+IsFound)", done.stdout)
    planted = re.findall(r"\[ RUN      \] PlantedBugs\.(\w+IsFound)", done.stdout)
    passed = "OK ] Seeds.NoRuleIsBrokenUnderMixedFaults" in done.stdout
    claim.figure("seeds", count)
    claim.figure("first_seed", claim.arguments.first)
    claim.figure("planted_bugs_found", len(found))
    claim.figure("processor_seconds", seconds)
    broken = next((line for line in done.stdout.splitlines() if "seed " in line), "a rule was broken")
    claim.bar(passed, broken)
    claim.bar(len(planted) >= PLANTED_MIN and found == planted, f"only {len(found)} of {len(planted)} planted bugs were found (at least {PLANTED_MIN} are planted)")
    claim.bar(done.returncode == 0, f"{binary} ended with {done.returncode}")
    claim.bar(seconds <= SECONDS_MAX, f"{seconds:.0f} s of a core; the bar is {SECONDS_MAX:.0f}")
    claim.result = count if passed else 0


claim = Claim("seeds", [
    (("--tests",), {"default": str(ROOT / "build/release/src/simulate/simulate_seeds_test"), "help": "the test program"}),
    (("--first",), {"type": int, "default": 1, "help": "the first seed"}),
])
claim.result = 0
claim.run(body, lambda: ("seeds_passed", claim.result))
