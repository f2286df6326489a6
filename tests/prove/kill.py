# claim: kill -9 at 200 random points under load loses no acknowledged message and is back within 5 s
# needs: sabotage
# bound: 2400
"""Load of 2,000 messages/s through the server into a sink; at random moments kill -9 and a new start on the same data. lab/killing.py
keeps the books. Control: a build that answers 250 before the commit must lose mail under the same test, or the run does not count.
"""
import random
import sys
import time

from lab.claim import Claim
from lab.killing import BACK_SECONDS_MAX, DUPLICATES_SPARE, campaign, duplicates_by_kill, in_flight_at
from lab.process import LabError, run
from lab.subject import make_subject

def body(claim):
    run("ip", "link", "set", "lo", "up")
    arguments = claim.arguments
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    random.seed(seed)
    claim.figure("seed", seed)
    kills = arguments.kills or (5 if claim.quick else 200)
    subject_of = lambda folder, port: make_subject(arguments.server, arguments.binary, folder, port)  # noqa: E731
    wanted, arrived, kill_times, back = campaign(
        claim.folder / "honest", subject_of, kills, 2000, lambda source: time.sleep(random.uniform(0.3, 2.2)), claim.say)

    lost = wanted.keys() - arrived.keys()
    bad = sum(1 for times in arrived.values() if any(a.verdict != "ok" for a in times))
    duplicates = duplicates_by_kill(arrived, kill_times)
    in_flight = in_flight_at(arrived, kill_times)
    worst = max((d - f for d, f in zip(duplicates[1:], in_flight)), default=0)
    claim.figure("kills", len(kill_times))
    claim.figure("acknowledged", len(wanted))
    claim.figure("changed_text", bad)
    claim.figure("duplicates", sum(duplicates))
    claim.figure("duplicates_max_a_kill", max(duplicates[1:], default=0))
    claim.figure("in_flight_max", max(in_flight, default=0))
    claim.figure("duplicates_over_in_flight_max", worst)
    claim.figure("back_seconds_max", max(back))
    claim.figure("back_seconds_mean", sum(back) / len(back))
    if len(wanted) < 100 * kills:
        raise LabError(f"only {len(wanted)} messages were acknowledged in {kills} rounds: no load, no proof")
    claim.bar(not lost, f"{len(lost)} acknowledged messages never arrived, such as {sorted(lost)[:3]}")
    claim.bar(bad == 0, f"{bad} messages arrived with another text than was sent")
    claim.bar(duplicates[0] == 0, f"{duplicates[0]} duplicates before any kill")
    claim.bar(worst <= DUPLICATES_SPARE, f"a kill led to {worst} duplicates more than were in flight; the bar is {DUPLICATES_SPARE}")
    claim.bar(max(back) <= BACK_SECONDS_MAX, f"a start took {max(back):.1f} s; the bar is {BACK_SECONDS_MAX} s")
    RESULT["lost"] = len(lost)
    if arguments.server == "ours" and not arguments.no_control:
        control(claim)


def control(claim):
    subject_of = lambda folder, port: make_subject("ours", claim.arguments.sabotaged, folder, port, {"WEIR_SABOTAGE_EARLY_ACK": "1"})  # noqa: E731
    wanted, arrived, kill_times, _ = campaign(
        claim.folder / "control", subject_of, 40, 0, lambda source: time.sleep(random.uniform(0.2, 0.8)), claim.say, stop_at_loss=True)
    lost = len(wanted.keys() - arrived.keys())
    claim.figure("control_kills", len(kill_times))
    claim.figure("control_lost", lost)
    claim.bar(lost > 0, "the build that acknowledges before the commit lost nothing: this test has no teeth")


RESULT = {"lost": "unknown"}
CLAIM = Claim("kill", [
    (["--kills"], {"type": int, "help": "instead of 200, or 5 with --quick"}),
    (["--seed"], {"type": int, "help": "of the moments of the kills"}),
    (["--server"], {"default": "ours", "choices": ["ours", "postfix"]}),
    (["--no-control"], {"action": "store_true", "help": "without the sabotaged build"}),
])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("lost", RESULT["lost"]))
    sys.exit(2)
