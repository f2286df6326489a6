# claim: 60 power cuts on ext4 lose no acknowledged message
# needs: peers sabotage
# bound: 2400
"""The server keeps everything on a disk that records each write and flush in order. Source and sink note the length of that record with
every 250 and every arrival. A power cut at entry k leaves all up to the last flush before k and a random half of the rest.

After each cut a server starts on that image with an accepting sink: every message acknowledged before k that the first sink
had not taken by k must arrive, unchanged. Half of the mail is refused by the first sink for now, so that there is always a
queue. Control: a build that does not sync must lose mail, or the run does not count.
"""
import random
import sys
import time

from lab.books import acknowledged, arrivals
from lab.claim import Claim
from lab.disk import LoggedDisk, Replay, mount_image
from lab.load import Sink, Source
from lab.process import LabError, run, unmount
from lab.subject import make_subject

DISK_BYTES, LOG_BYTES = 2 << 30, 16 << 30
MEMORY_BYTES = 14 << 30  # of the tmpfs below; what is really used is far less


def record(claim, folder, fast, kind, environment, binary, seconds):
    """Runs load on a recorded disk and stops it in full flight; returns the disk, the books and where the load began."""
    folder.mkdir()
    disk = LoggedDisk(fast / folder.name, DISK_BYTES, LOG_BYTES)
    sink = Sink(folder, arguments=["--stamp", disk.stamp, "--refuse", "parked.test=451 4.2.1 not now"])
    subject = make_subject(claim.arguments.server, binary, folder / "subject", sink.port, environment)
    mount_image(disk.export, subject.data_dir, kind)
    subject.start()
    first = disk.entry_count()
    sources = [Source(folder, subject.target, name=f"source-{domain}", domain=domain, prefix=domain[0], sessions=10, size=3000,
                      rate=claim.arguments.rate / 2, persist=True, stamp=disk.stamp) for domain in ("weir.test", "parked.test")]
    time.sleep(seconds)
    last = disk.entry_count()
    subject.kill()
    for source in sources:
        source.stop()
    subject.detach()
    unmount(subject.data_dir)
    sink.stop()
    disk.stop()
    acks = {}
    for source in sources:
        acks.update(acknowledged(source.ledger))
    if len(acks) < (500 if claim.arguments.server == "ours" else 50):
        raise LabError(f"only {len(acks)} messages were acknowledged: no load, no proof")
    return disk, acks, arrivals(sink.ledger), first, last


def examine(claim, folder, image, binary, wanted):
    """Starts a server on what the cut left; returns the tokens of `wanted` that did not come, and how many came changed."""
    folder.mkdir()
    sink = Sink(folder)
    subject = make_subject(claim.arguments.server, binary, folder / "subject", sink.port)
    mount_image(image, subject.data_dir)
    missing, bad = wanted, 0
    try:
        subject.start(60)
        sink.wait_for(len(wanted), 120, idle_seconds=5)
        while True:  # duplicates can hide that some are still missing
            count = sink.stats()["messages"]
            arrived = arrivals(sink.ledger)
            missing = wanted - arrived.keys()
            if not missing or not sink.wait_for(count + 1, 5):
                break
        bad = sum(1 for times in arrived.values() if times[0].verdict != "ok")
        subject.stop()
    except LabError as error:
        claim.say(f"the server could not work on what the cut left: {error}")
        if subject_is_alive(subject):
            subject.kill()
    finally:
        sink.stop()
        subject.detach()
        unmount(subject.data_dir)
    return missing, bad


def subject_is_alive(subject):
    try:
        return subject.pid > 0
    except AttributeError:
        return False


def campaign(claim, name, fast, kind, environment, binary, cuts, stop_at_loss=False):
    disk, acks, arrived, first, last = record(claim, claim.folder / name, fast, kind, environment, binary, claim.arguments.seconds)
    claim.say(f"{name}: {len(acks)} acknowledged in {last - first} writes and flushes")
    replay = Replay(disk, fast / f"{name}-base.img")
    image = fast / f"{name}-cut.img"
    bad_cuts, lost, changed, checked, done = 0, 0, 0, 0, 0
    for number, k in enumerate(sorted(random.randrange(first, last) for _ in range(cuts))):
        wanted = {token for token, ack in acks.items() if ack.stamp <= k and not any(a.stamp <= k for a in arrived.get(token, ()))}
        rest, kept = replay.cut(k, image)
        missing, bad = examine(claim, claim.folder / f"{name}-{number}", image, claim.arguments.binary if not stop_at_loss else binary, wanted)
        bad_cuts += bool(missing or bad)
        lost, changed, checked, done = lost + len(missing), changed + bad, checked + len(wanted), done + 1
        claim.say(f"{name} cut {number + 1} at {k}: {kept} of {rest} unflushed kept, {len(wanted)} must be there, {len(missing)} are not, {bad} changed")
        if stop_at_loss and bad_cuts >= 3:
            break
    return len(acks), done, checked, bad_cuts, lost, changed


def body(claim):
    run("ip", "link", "set", "lo", "up")
    arguments = claim.arguments
    random.seed(arguments.seed if arguments.seed is not None else (seed := random.randrange(1 << 32)))
    claim.figure("seed", arguments.seed if arguments.seed is not None else seed)
    fast = claim.folder / "images"
    fast.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={MEMORY_BYTES}", "tmpfs", fast)
    cuts = arguments.cuts or (6 if claim.quick else 60)
    acked, done, checked, bad_cuts, lost, changed = campaign(claim, "honest", fast, arguments.fs, None, arguments.binary, cuts)
    claim.figure("file_system", arguments.fs)
    claim.figure("acknowledged", acked)
    claim.figure("cuts", done)
    claim.figure("messages_checked", checked)
    claim.figure("cuts_with_loss", bad_cuts)
    claim.figure("changed_text", changed)
    claim.bar(lost == 0, f"{lost} acknowledged messages were gone after {bad_cuts} of {done} cuts")
    claim.bar(changed == 0, f"{changed} messages arrived with another text")
    RESULT["lost"] = lost
    if arguments.server == "ours" and not arguments.no_control:
        _, done, _, bad_cuts, lost, _ = campaign(claim, "control", fast, arguments.fs, {"WEIR_SABOTAGE_NO_SYNC": "1"},
                                                 claim.arguments.sabotaged, 12, stop_at_loss=True)
        claim.figure("control_cuts", done)
        claim.figure("control_cuts_with_loss", bad_cuts)
        claim.figure("control_lost", lost)
        claim.bar(bad_cuts > 0, "the build that does not sync lost nothing: this test has no teeth")


RESULT = {"lost": "unknown"}
CLAIM = Claim("powercut", [
    (["--cuts"], {"type": int, "help": "instead of 60, or 6 with --quick"}),
    (["--fs"], {"default": "ext4", "choices": ["ext4", "xfs"]}),
    (["--seconds"], {"type": float, "default": 6.0, "help": "of recorded load"}),
    (["--rate"], {"type": float, "default": 2000.0, "help": "messages a second"}),
    (["--seed"], {"type": int}),
    (["--server"], {"default": "ours", "choices": ["ours", "postfix"]}),
    (["--no-control"], {"action": "store_true"}),
])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("lost", RESULT["lost"]))
    sys.exit(2)
