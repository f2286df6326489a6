# claim: one outcome through classification, pacer and engine costs at most 3 µs; what is learned of a path fits in 512 bytes, 100,000 paths fit
# builds: outcome_bench
# needs:
# bound: 180
"""CPU time of the thread, one outcome at a time, over 400,000 outcomes of which one in twenty is a refusal; the lowest of three runs, as
other work on the machine can only add. The paths are 1,000 sources by 100 providers, each in use.
"""
import os
import re
import subprocess

from lab.claim import ROOT, Claim
from lab.process import LabError

OUTCOME_US_MAX = 3.0
STATE_BYTES_MAX = 512
PATHS = 100_000
PATHS_MIB_MAX = 256


def body(claim):
    binary = claim.arguments.bench
    if not os.path.exists(binary):
        raise LabError(f"there is no {binary}; run script/build release outcome_bench")
    runs = []
    for _ in range(1 if claim.quick else 3):
        done = subprocess.run([binary], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise LabError(f"{binary} ended with {done.returncode}: {done.stderr[-500:]}")
        runs.append({key: float(value) for key, value in re.findall(r"^(\w+)=([\d.]+)$", done.stdout, re.M)})
    best = {key: min(run[key] for run in runs) for key in runs[0]}
    for key, value in best.items():
        if key != "outcome_us":
            claim.figure(key, value)
    claim.bar(best["outcome_us"] <= OUTCOME_US_MAX, f"an outcome costs {best['outcome_us']} us, more than {OUTCOME_US_MAX}")
    claim.bar(best["learned_state_bytes"] <= STATE_BYTES_MAX, f"what is learned of a path takes {best['learned_state_bytes']:.0f} bytes")
    claim.bar(best["paths"] >= PATHS and best["paths_mib"] <= PATHS_MIB_MAX, f"{best['paths']:.0f} paths take {best['paths_mib']} MiB")
    claim.result = best["outcome_us"]


claim = Claim("cost", [(("--bench",), {"default": str(ROOT / "build/release/bench/outcome_bench"), "help": "the benchmark program"})])
claim.result = -1
claim.run(body, lambda: ("outcome_us", claim.result))
