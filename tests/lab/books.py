"""The checker: what was acknowledged against what arrived. Neither book is written by the server under test."""
from collections import namedtuple

Ack = namedtuple("Ack", "code start_us end_us stamp")
Arrival = namedtuple("Arrival", "time_us verdict stamp")


def _lines(path, fields):
    if path.exists():
        with open(path) as ledger:
            for line in ledger:
                words = line.split()
                if len(words) == fields and line.endswith("\n"):
                    yield words


def acknowledged(path):
    """token → Ack of all messages that were answered 250 after the final dot."""
    return {token: Ack(code, int(start), int(end), int(stamp)) for token, code, start, end, stamp in _lines(path, 5) if code == "250"}


def replies(path):
    """Every (token, Ack) of the book, refusals (code ≥ 400) and unknown ends (code `-`) included, in order."""
    return [(token, Ack(code, int(start), int(end), int(stamp))) for token, code, start, end, stamp in _lines(path, 5)]


def arrivals(path, domain=None):
    """token → its Arrivals in order; only those for `domain` if given."""
    found = {}
    for token, where, time_us, verdict, stamp in _lines(path, 5):
        if domain in (None, where):
            found.setdefault(token, []).append(Arrival(int(time_us), verdict, int(stamp)))
    return found
