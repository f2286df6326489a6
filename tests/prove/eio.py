# claim: a failing disk ends the server at once with exit code 70, without one false 250, and it starts clean on the repaired disk
# needs: peers
# bound: 600
"""Load while every write of the disk below begins to fail with EIO. From then on: no 250 later than a second, the process ends with 70.
The disk then works again and is mounted afresh, so that only what really reached it counts; a new server must
deliver every message that was ever acknowledged. A failed fsync that is retried reports success for data that are gone: that is what this
would find.
"""
import random
import sys
import time

from lab.books import acknowledged, arrivals
from lab.claim import Claim
from lab.disk import FailingDisk, mount_image
from lab.load import Sink, Source
from lab.process import LabError, run, unmount
from lab.subject import make_subject

ACK_SECONDS_MAX, EXIT_SECONDS_MAX, EXIT_CODE = 1.0, 15, 70


def one_round(claim, number):
    folder = claim.folder / f"round-{number}"
    folder.mkdir()
    disk = FailingDisk(folder / "disk", 1 << 30)
    sink = Sink(folder, arguments=["--refuse", "parked.test=451 4.2.1 not now"])
    subject = make_subject(claim.arguments.server, claim.arguments.binary, folder / "subject", sink.port)
    mount_image(disk.export, subject.data_dir, "ext4")
    subject.start()
    source = Source(folder, subject.target, domain="parked.test", rate=2000, sessions=20, persist=True)
    time.sleep(random.uniform(1.0, 2.5))
    armed = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    disk.arm()
    code = None
    if claim.arguments.server == "ours":
        try:
            code = subject.server.process.child.wait(timeout=EXIT_SECONDS_MAX)
        except Exception as error:
            claim.say(f"it did not end: {error}")
            subject.kill()
    else:
        time.sleep(3)
        subject.kill()
    ended = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    source.stop()
    sink.stop()
    wanted = acknowledged(source.ledger)
    subject.detach()
    unmount(subject.data_dir)
    disk.disarm()

    mount_image(disk.export, subject.data_dir)
    subject.attach()
    sink = Sink(folder, name="sink-after", port=sink.port)
    missing = wanted.keys()
    try:
        subject.start(60)
        sink.wait_for(len(wanted), 60, idle_seconds=8)
        while sink.wait_for(sink.stats()["messages"] + 1, 2):
            pass
        arrived = arrivals(sink.ledger)
        missing = wanted.keys() - arrived.keys()
        subject.stop()
    finally:
        sink.stop()
    changed = sum(1 for times in arrived.values() if times[0].verdict != "ok")
    subject.detach()
    unmount(subject.data_dir)
    disk.stop()
    if len(wanted) < (200 if claim.arguments.server == "ours" else 20):
        raise LabError(f"only {len(wanted)} messages were acknowledged before the fault")
    late = max((ack.end_us for ack in wanted.values()), default=armed) - armed
    return {"acknowledged": len(wanted), "lost": len(missing), "changed": changed, "exit_code": code, "last_ack_seconds": late / 1e6, "exit_seconds": (ended - armed) / 1e6}


def body(claim):
    run("ip", "link", "set", "lo", "up")
    rounds = [one_round(claim, number) for number in range(1 if claim.quick else 5)]
    claim.figure("rounds", len(rounds))
    claim.figure("acknowledged", sum(r["acknowledged"] for r in rounds))
    claim.figure("exit_codes", ",".join(str(r["exit_code"]) for r in rounds))
    claim.figure("last_ack_seconds_max", max(r["last_ack_seconds"] for r in rounds))
    claim.figure("exit_seconds_max", max(r["exit_seconds"] for r in rounds))
    claim.figure("changed_text", sum(r["changed"] for r in rounds))
    RESULT["lost"] = sum(r["lost"] for r in rounds)
    claim.bar(RESULT["lost"] == 0, f"{RESULT['lost']} acknowledged messages were not on the disk")
    claim.bar(all(r["changed"] == 0 for r in rounds), "messages came back changed")
    claim.bar(all(r["last_ack_seconds"] <= ACK_SECONDS_MAX for r in rounds), f"a 250 came more than {ACK_SECONDS_MAX} s after the fault")
    if claim.arguments.server == "ours":
        claim.bar(all(r["exit_code"] == EXIT_CODE for r in rounds), f"exit codes {[r['exit_code'] for r in rounds]}, not {EXIT_CODE}")


RESULT = {"lost": "unknown"}
CLAIM = Claim("eio", [(["--server"], {"default": "ours", "choices": ["ours", "postfix"]})])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("lost", RESULT["lost"]))
    sys.exit(2)
