"""A server and a sink of one's own for every test, on ports the system chose, in a folder that is removed afterwards.

Every wait has a deadline and ends as soon as its condition holds.
"""
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.books import acknowledged, arrivals  # noqa: E402
from lab.load import Sink, Source  # noqa: E402
from lab.mailweir import Mailweir, free_port  # noqa: E402
from lab.process import LabError, run, until  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("MAILWEIR", ROOT / "build/release/mailweir"))
SECONDS = 30  # for anything that should come at once, on a machine that may be busy


class ServerCase(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="mailweir-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.sink_port = free_port()
        self.sink = None
        self.server = None
        self.addCleanup(self._stop_all)
        self._sinks = 0

    def _stop_all(self):
        for part in (self.server and self.server.process, self.sink and self.sink.process):
            if part and part.is_running():
                part.kill()

    def start_sink(self, *arguments, **options):
        """A new sink in place of the old one, on the same port; its ledger starts empty."""
        if self.sink:
            self.sink.stop()
        self._sinks += 1
        self.sink = Sink(self.folder, name=f"sink{self._sinks}", port=self.sink_port, arguments=arguments, **options)
        return self.sink

    def start_server(self, settings=None):
        self.server = Mailweir(BINARY, self.folder / "server", settings, smarthost_port=self.sink_port)
        return self.server.start(SECONDS)

    def source(self, name="source", **options):
        return Source(self.folder, self.server.target, name=name, **options)

    def send(self, recipient, *arguments, sender="sender@weir.test", body="Hello."):
        """One message by swaks; returns its id as the reply to the final dot names it."""
        dialogue = run("swaks", "--server", self.server.target, "--from", sender, "--to", recipient, "--body", body, *arguments, timeout=SECONDS)
        answers = [line for line in dialogue.splitlines() if line.startswith("<-  250")]
        self.assertTrue(answers, dialogue)
        return answers[-1].split()[-1].rstrip(".")

    def arrived(self):
        return arrivals(self.sink.ledger)

    def wait_arrived(self, *local_parts):
        try:
            until("arrival", SECONDS, lambda: set(local_parts) <= self.arrived().keys(), 0.02)
        except LabError:
            missing = set(local_parts) - self.arrived().keys()
            self.fail(f"{len(missing)} did not arrive, such as {sorted(missing)[:3]}; log: {self.server.process.output()[-1500:]}")

    def wait_totals(self, **wanted):
        """Until the status shows these totals."""
        def agrees():
            totals = self.server.status()["totals"]
            return all(totals[key] == value for key, value in wanted.items())
        until(f"totals {wanted}", SECONDS, agrees, 0.05)

    def wait_events(self, kind, count=1, **fields):
        """The events of a type with these fields, once there are so many."""
        found = []

        def enough():
            found[:] = [e for e in self.server.events() if e["type"] == kind and all(e.get(k) == v for k, v in fields.items())]
            return len(found) >= count
        until(f"{count} {kind} {fields}", SECONDS, enough, 0.05)
        return found

    def acknowledged(self, source):
        return acknowledged(source.ledger)
