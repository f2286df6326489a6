"""A claim under test: figures as key=value lines, bars, a headline as the last line.

Exit code 0: every bar holds; 1: one does not; 2: it could not be tried, with the reason.
"""
import argparse
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from .process import LabError, ServerFailed

ROOT = Path(__file__).resolve().parents[2]


class Claim:
    """Parses --quick, owns the folder build/prove/NAME (a real disk, not tmpfs) and the verdict.

    Nothing here deletes a folder: mounts lie below it. script/prove does, once the namespace and its mounts are gone.
    """

    def __init__(self, name, options=()):
        parser = argparse.ArgumentParser(prog=f"script/prove {name}")
        parser.add_argument("--quick", action="store_true", help="fewer rounds; same bars")
        parser.add_argument("--binary", default=str(ROOT / "build/release/mailweir"), help="the server under test")
        parser.add_argument("--sabotaged", default=str(ROOT / "build/sabotage/mailweir"), help="the build that must fail")
        for flags, settings in options:
            parser.add_argument(*flags, **settings)
        self.arguments = parser.parse_args()
        self.name = name
        self.quick = self.arguments.quick
        self.failures = []
        base = Path(os.environ.get("PROVE_DIR", ROOT / "build/prove"))
        self.folder = base / name
        self.folder.mkdir(parents=True)  # script/prove has removed what an earlier run left
        self.started = time.monotonic()

    def figure(self, key, value):
        print(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}", flush=True)

    def say(self, text):
        """Progress, for people; not part of the figures."""
        print(f"# {time.monotonic() - self.started:6.1f}s {text}", file=sys.stderr, flush=True)

    def bar(self, holds, sentence):
        """A bar that must hold; the sentence says what was found, for when it does not."""
        if not holds:
            self.failures.append(sentence)
            print(f"# BAR MISSED: {sentence}", file=sys.stderr, flush=True)
        return holds

    def run(self, body, headline):
        """Runs body(claim); then prints the verdict, and headline() as the last line. Ends the program."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
        try:
            body(self)
        except ServerFailed as error:
            self.bar(False, str(error))
        except LabError as error:
            print(f"script/prove {self.name}: could not run: {error}", file=sys.stderr)
            sys.exit(2)
        except Exception:
            traceback.print_exc()
            sys.exit(2)
        self.figure("seconds", time.monotonic() - self.started)
        self.figure("holds", "yes" if not self.failures else "no")
        key, value = headline()
        self.figure(key, value)
        sys.exit(1 if self.failures else 0)
