# claim: over real sockets, against a receiver that punishes, more is delivered than by Postfix and Exim, with a twentieth of the wasted attempts
# needs: peers
# bound: 700
"""`bench/throttled.py` in one run: ours, Postfix and Exim at the same time, each with 11 messages a second for 200 s against a receiver of
its own that takes 10 a second; going over it shuts out for 20 s, and every attempt then begins the 20 s anew. Then 80 s more. Postfix's and
Exim's retry times are divided by 30 (300 s, 4,000 s and the queue runs), so minutes here stand for hours.

Bars: ours delivers more than either; Postfix wastes at least 20 times as many attempts; the 99th percentile of our delays is lower than
either's. A message that has not arrived counts with its age at the end. A server that fails is reported, and the claim does not hold.
--quick: 90 s of load, 50 s more. --shape fixed or soft: another kind of penalty (bench/throttled.py says which).
"""
import json
import subprocess
import sys

from lab.claim import ROOT, Claim
from lab.process import LabError

OPTIONS = ((("--shape",), {"default": "hard", "choices": ("hard", "fixed", "soft"), "help": "of the penalty"}),)
WASTE_FACTOR_MIN = 20.0


def play(claim):
    seconds, watch = (90, 50) if claim.quick else (200, 80)
    folder = claim.folder / "run"
    folder.mkdir()
    command = [sys.executable, "-u", str(ROOT / "bench/throttled.py"), "--folder", str(folder), "--binary", claim.arguments.binary,
               "--seconds", str(seconds), "--watch", str(watch), "--shape", claim.arguments.shape]
    done = subprocess.run(command, timeout=seconds + watch + 200)
    file = folder / "figures.json"
    if not file.exists():
        raise LabError(f"bench/throttled.py ended with {done.returncode} and left no figures")
    return json.loads(file.read_text())


def body(claim):
    found = play(claim)
    for name, reason in found["failures"].items():
        claim.bar(False, f"{name} failed: {reason}")
    rows = found["rows"]
    if set(rows) < {"mailweir", "postfix", "exim"}:
        return
    ours = rows["mailweir"]
    for peer in ("postfix", "exim"):
        theirs = rows[peer]
        claim.bar(ours["delivered"] > theirs["delivered"], f"delivered {ours['delivered']}, {peer} {theirs['delivered']}")
        claim.bar(ours["delay_p99_s"] < theirs["delay_p99_s"], f"p99 delay {ours['delay_p99_s']:.1f} s, {peer} {theirs['delay_p99_s']:.1f} s")
    claim.factor = rows["postfix"]["wasted"] / max(1, ours["wasted"])
    claim.bar(claim.factor >= WASTE_FACTOR_MIN, f"Postfix wasted {claim.factor:.1f} times as many attempts; the bar is {WASTE_FACTOR_MIN:g}")


claim = Claim("throttled", OPTIONS)
claim.factor = float("nan")
claim.run(body, lambda: ("postfix_wasted_times_ours", claim.factor))
