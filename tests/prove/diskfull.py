# claim: a full disk is answered with 452 before it is full; deliveries go on, nothing is lost, service resumes by itself
# needs: peers
# bound: 600
"""A 1 GiB ext4 of its own. Mail that cannot be delivered yet fills it to the server's limit: from there new mail must get 452, never another
refusal, with space left. A ballast file then keeps the disk full while the sink opens: the whole queue must be delivered
all the same. Without the ballast the server must take mail again by itself. Last, the ballast takes every block at once under load,
so that a commit can meet ENOSPC itself: whatever was acknowledged must still arrive.
"""
import collections
import os
import sys

from lab.books import acknowledged, arrivals, replies
from lab.claim import Claim
from lab.disk import make_sparse, mount_image
from lab.load import Sink, Source
from lab.process import LabError, run, until
from lab.subject import MailweirSubject, accepts

MIB = 1 << 20
FREE_MIN = 256 * MIB
LEFT_MIN = 64 * MIB  # at the first 452; the rest of FREE_MIN is what was on its way
RESUME_SECONDS = 60


def free_bytes(folder):
    state = os.statvfs(folder)
    return state.f_bfree * state.f_frsize


def codes(ledger):
    return collections.Counter(ack.code for _, ack in replies(ledger))


def fill(folder, left):
    """A ballast that leaves `left` bytes."""
    size = free_bytes(folder) - left
    if size > 0:
        run("fallocate", "-l", size, folder / "ballast", check=False)


def refused_with_452(claim, folder, subject):
    """Parks mail until the server refuses; the acknowledged ones."""
    source = Source(folder, subject.target, name="fill", domain="parked.test", size=20000, sessions=20, persist=True, prefix="fill")
    until("a refusal", 120, lambda: source.process.expect_running() or codes(source.ledger).keys() - {"250"}, 0.02)
    left = free_bytes(subject.data_dir)
    figures = source.stop()
    seen = codes(source.ledger)
    claim.figure("free_mib_at_first_452", left // MIB)
    claim.figure("replies", ",".join(f"{code}:{count}" for code, count in sorted(seen.items())))
    claim.bar(set(seen) <= {"250", "452"}, f"replies other than 250 and 452: {dict(seen)}")
    claim.bar(left >= LEFT_MIN, f"only {left // MIB} MiB were left at the first refusal")
    claim.figure("connections_closed_on_us", figures["lost_connections"])
    return acknowledged(source.ledger)


def probe(folder, subject, name, seconds=2.0):
    """How a few messages are answered now."""
    source = Source(folder, subject.target, name=name, messages=5, seconds=seconds, sessions=1, size=2000, persist=True, prefix=name)
    source.join(20)
    return codes(source.ledger), acknowledged(source.ledger)


def body(claim):
    run("ip", "link", "set", "lo", "up")
    folder = claim.folder
    make_sparse(folder / "disk.img", 1 << 30)
    sink = Sink(folder, arguments=["--refuse", "parked.test=451 4.2.1 not now"])
    settings = {"spool": {"free_min": f"{FREE_MIN // MIB}MiB"}}
    subject = MailweirSubject(claim.arguments.binary, folder / "subject", sink.port, settings=settings)
    mount_image(folder / "disk.img", subject.data_dir, "ext4")
    subject.start()
    wanted = refused_with_452(claim, folder, subject)
    claim.say(f"{len(wanted)} acknowledged before the first refusal")

    fill(subject.data_dir, 48 * MIB)
    sink.accept_all()
    sink.wait_for(len(wanted), 120, idle_seconds=15)
    delivered = len(wanted.keys() & arrivals(sink.ledger).keys())
    seen, acks = probe(folder, subject, "full")
    wanted.update(acks)
    claim.figure("delivered_while_full", delivered)
    claim.bar(delivered >= len(wanted) - len(acks), f"only {delivered} of {len(wanted)} were delivered while the disk was full")
    claim.bar(set(seen) == {"452"}, f"with a full disk new mail was answered {dict(seen)}")

    (subject.data_dir / "ballast").unlink()
    attempt = 0

    def takes_mail_again():
        nonlocal attempt
        attempt += 1
        acks = probe(folder, subject, f"again{attempt}", 1.0)[1]
        wanted.update(acks)
        return acks
    try:
        until("mail taken again", RESUME_SECONDS, takes_mail_again, 0.5)
        resumed = True
    except LabError:
        resumed = False
    claim.figure("resumed_by_itself", "yes" if resumed else "no")
    left = free_bytes(subject.data_dir) // MIB
    queued = subject.server.status()["totals"]["recipients"]
    claim.bar(resumed, f"no mail was taken within {RESUME_SECONDS} s of space: {left} MiB free, {queued} recipients queued")
    if resumed:
        wanted.update(out_of_space_at_once(claim, folder, subject))
    sink.wait_for(sink.stats()["messages"] + len(wanted), 60, idle_seconds=10)
    arrived = arrivals(sink.ledger)
    RESULT["lost"] = len(wanted.keys() - arrived.keys())
    claim.figure("acknowledged", len(wanted))
    claim.bar(RESULT["lost"] == 0, f"{RESULT['lost']} acknowledged messages never arrived")
    claim.bar(all(times[0].verdict == "ok" for times in arrived.values()), "messages arrived changed")
    subject.stop()
    sink.stop()


def out_of_space_at_once(claim, folder, subject):
    """Takes every block under load, then gives them back; the server may end over it, then it is started again."""
    source = Source(folder, subject.target, name="sudden", rate=2000, sessions=20, size=8000, persist=True, prefix="sudden")
    until("load", 20, lambda: len(acknowledged(source.ledger)) > 500, 0.05)
    fill(subject.data_dir, 0)
    until("a refusal or the end", 60, lambda: not subject.server.process.is_running() or codes(source.ledger).keys() - {"250"}, 0.05)
    (subject.data_dir / "ballast").unlink()
    survived = subject.server.process.is_running()
    claim.figure("survived_enospc", "yes" if survived else f"no, exit {subject.server.process.child.returncode}")
    claim.bar(survived or subject.server.process.child.returncode == 70, "it ended otherwise than with 70 on ENOSPC")
    if not survived:
        subject.start()
    source.stop()
    until("accepting", 30, lambda: accepts(subject.server.address, subject.server.smtp_port), 0.1)
    return acknowledged(source.ledger)


RESULT = {"lost": "unknown"}
CLAIM = Claim("diskfull")
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("lost", RESULT["lost"]))
    sys.exit(2)
