"""Load tools: our own weir_source and weir_sink, which keep books, and Postfix's smtp-source and smtp-sink, which are nobody's."""
import fcntl
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

from .claim import ROOT
from .jail import peer_tree
from .process import LabError, Process, run, until

STATS = ("messages", "recipients", "bytes", "first_us", "last_us", "connections", "refused", "open_sessions", "bad", "open_sessions_max")


def tool(name):
    """A load tool: from the release build, or compiled on its own when that is missing or older than the source."""
    sources = list((ROOT / "bench/tools").iterdir())
    newest = max(source.stat().st_mtime for source in sources)
    for folder in (ROOT / "build/release/bench", ROOT / "build/tools"):
        if (folder / name).exists() and (folder / name).stat().st_mtime >= newest:
            return folder / name
    (ROOT / "build/tools").mkdir(parents=True, exist_ok=True)
    run("clang++-19", "-std=c++23", "-O2", "-pthread", ROOT / f"bench/tools/{name}.cc", "-o", ROOT / "build/tools" / name, timeout=120)
    return ROOT / "build/tools" / name


def figures(text):
    """key=value lines as a dictionary of numbers."""
    result = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        try:
            result[key] = float(value) if "." in value else int(value)
        except ValueError:
            continue
    return result


class Sink:
    """A weir_sink. port 0 lets the system choose; then `port` says which."""

    def __init__(self, folder, name="sink", port=0, verify=True, ledger=True, arguments=(), host="127.0.0.1"):
        folder = Path(folder)
        self.ledger = folder / f"{name}.ledger"
        self.stats_file = folder / f"{name}.stats"
        argv = [tool("weir_sink"), "--listen", f"{host}:{port}", "--stats", self.stats_file, *arguments]
        if ledger:
            argv += ["--ledger", self.ledger]
        if verify:
            argv += ["--verify"]
        log = folder / f"{name}.log"
        log.unlink(missing_ok=True)
        self.process = Process(argv, log)
        until("the sink", 10, lambda: "listening=" in self.process.output() or self.process.expect_running())
        self.port = figures(self.process.output())["listening"]

    def stats(self):
        data = self.stats_file.read_bytes()
        return dict(zip(STATS, struct.unpack(f"<{len(STATS)}Q", data[: 8 * len(STATS)])))

    def wait_for(self, messages, seconds, idle_seconds=None):
        """Until so many have arrived; with idle_seconds, gives up when none has come for that long. True if all came."""
        end, last_count, last_change = time.monotonic() + seconds, -1, time.monotonic()
        while time.monotonic() < end:
            count = self.stats()["messages"]
            if count >= messages:
                return True
            if count != last_count:
                last_count, last_change = count, time.monotonic()
            elif idle_seconds and time.monotonic() - last_change > idle_seconds:
                return False
            time.sleep(0.005)
        return False

    def accept_all(self):
        """Ends all refusals, without a moment in which a connection would fail."""
        os.kill(self.process.pid, signal.SIGUSR1)

    def stop(self):
        self.process.stop()


class Source:
    """A weir_source in the background; join() returns its figures."""

    def __init__(self, folder, target, name="source", ledger=True, **options):
        folder = Path(folder)
        self.ledger = folder / f"{name}.ledger"
        argv = [tool("weir_source"), "--target", target]
        if ledger:
            argv += ["--ledger", self.ledger]
        for key, value in options.items():
            flag = "--" + key.replace("_", "-")
            argv += [flag] if value is True else [] if value is False else [flag, value]
        self.log = folder / f"{name}.log"
        self.log.unlink(missing_ok=True)
        self.process = Process(argv, self.log)

    def join(self, seconds):
        try:
            code = self.process.child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise LabError(f"the source did not end within {seconds} s") from None
        if code != 0:
            raise LabError(f"the source ended with {code}: {self.process.output()[-500:]}")
        return figures(self.process.output())

    def stop(self):
        self.process.stop()
        return figures(self.process.output())


def neutral(name):
    """The argv that starts smtp-source or smtp-sink from the unpacked Postfix, and its environment."""
    tree = peer_tree("postfix")
    return [tree / "usr/sbin" / name], {**os.environ, "LD_LIBRARY_PATH": str(tree / "usr/lib/postfix"), "MAIL_CONFIG": str(tree / "etc/postfix")}


class NeutralSink:
    """smtp-sink -c, which prints a running count; read in large, rare steps so that watching costs nothing."""

    def __init__(self, port, log, connections=1024):
        argv, environment = neutral("smtp-sink")
        self.child = subprocess.Popen([*argv, "-c", "-u", "root", f"127.0.0.1:{port}", str(connections)], env=environment,
                                      stdout=subprocess.PIPE, stderr=open(log, "ab"), stdin=subprocess.DEVNULL)
        fcntl.fcntl(self.child.stdout, fcntl.F_SETFL, os.O_NONBLOCK)
        fcntl.fcntl(self.child.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)
        self.total = 0
        self.tail = b""
        self.pid = self.child.pid

    def count(self):
        while True:
            data = self.child.stdout.read(1 << 20)
            if not data:
                break
            self.tail = (self.tail + data)[-256:]
        mark = self.tail.rfind(b"mesg=")
        end = self.tail.find(b"\r", mark)
        if mark >= 0 and end < 0:  # the newest count is still being written: take the one before
            mark = self.tail.rfind(b"mesg=", 0, mark)
            end = self.tail.find(b"\r", mark)
        if mark >= 0 and end >= 0:
            self.total = int(self.tail[mark + 5:end])
        return self.total

    def stop(self):
        self.child.kill()
        self.child.wait()


def neutral_source(target, sessions, size, messages, reuse):
    """Starts smtp-source; with `reuse`, -d keeps a session for many messages."""
    argv, environment = neutral("smtp-source")
    options = ["-s", sessions, "-l", size, "-m", messages, "-f", "source@weir.test", "-t", "someone@weir.test"] + (["-d"] if reuse else [])
    return subprocess.Popen([str(a) for a in [*argv, *options, target]], env=environment, stdin=subprocess.DEVNULL)
