"""Ours, Postfix and Exim against the same receiver that throttles, side by side in real time; run by `script/bench throttled`.

Each server gets the same steady load, a little more than the receiver's hidden limit per source IP, and a receiver of its own of the
same making. Going over the limit brings a penalty; its time constants are scaled down with those of the servers' retries (--scale), so
that minutes stand for hours. Delays run from the server's 250 to the arrival; a message that has not arrived counts with its age at the
end, so its real delay is longer. Every figure is a key=value line; the table is the summary. A server, sink or source that does not start,
or ends before its time, is reported with what it printed last, the others go on, and the exit code is 1; figures come also when the run is
ended early by a signal.

  hard    over the limit everything is refused, and every attempt starts the penalty anew
  fixed   everything is refused for as long as the penalty lasts
  soft    half is refused, and every attempt makes it last longer
"""
import argparse
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab.claim import ROOT
from lab.jail import USERS, Jail
from lab.load import Source
from lab.mailweir import Mailweir, free_port
from lab.postfix import Postfix
from lab.process import LabError, run, until
from lab.receiver import Receiver
from lab.subject import accepts

SHAPES = {"hard": {"penalty.ends": "restart", "penalty.share": 1}, "fixed": {"penalty.ends": "fixed", "penalty.share": 1},
          "soft": {"penalty.ends": "extend", "penalty.share": 0.5, "penalty.per_attempt": "500ms"}}
ACK = re.compile(r"^(\S+) 250 (\d+) (\d+) ", re.M)


def seconds(value):
    return f"{max(1, round(value))}s"


class Ours:
    def __init__(self, options, folder, port):
        retry = {"first": seconds(60 / options.scale), "longest": seconds(3600 / options.scale)}
        self.server = Mailweir(options.binary, folder, {"retry": retry}, smarthost_port=port)
        self.server.start()
        self.target = self.server.target

    def stop(self):
        self.server.stop()


class PostfixPeer:
    """Its defaults, with the retry timers scaled: 300 s, 4000 s and the queue run of 300 s."""

    def __init__(self, options, folder, port):
        self.target = f"127.0.0.1:{free_port()}"
        self.server = Postfix(folder, self.target, {
            "relayhost": f"[127.0.0.1]:{port}", "disable_dns_lookups": "yes", "smtpd_peername_lookup": "no", "minimal_backoff_time": seconds(300 / options.scale),
            "maximal_backoff_time": seconds(4000 / options.scale), "queue_run_delay": seconds(300 / options.scale)})
        self.server.start()

    def stop(self):
        self.server.stop()


class EximPeer:
    """Debian's retry rule and a queue run, scaled: every 15 minutes for 2 hours, then longer; a run every 30 minutes."""

    def __init__(self, options, folder, port):
        listen = free_port()
        self.target = f"127.0.0.1:{listen}"
        self.jail = Jail("exim", folder, {"/var/spool/exim4": folder / "spool", "/var/log/exim4": folder / "log"})
        for path in ("/var/spool/exim4", "/var/log/exim4"):
            uid = USERS["Debian-exim"][0]
            run("chown", f"{uid}:{uid}", self.jail.path(path))
        step = seconds(900 / options.scale)
        self.jail.write("/etc/exim4/exim4.conf", f"""\
primary_hostname = exim.weir.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {listen}
acl_smtp_rcpt = accept_all
acl_smtp_data = accept_all
trusted_users = root
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
smtp_accept_queue_per_connection = 0
begin acl
accept_all:
  accept
begin routers
receiver:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = receiver
begin transports
receiver:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,{seconds(7200 / options.scale)},{step}; G,{seconds(57600 / options.scale)},{seconds(3600 / options.scale)},1.5; F,4d,{seconds(21600 / options.scale)}
begin rewrite
""", 0o644)
        self.process = self.jail.start("/usr/sbin/exim4", "-bdf", f"-q{seconds(1800 / options.scale)}")
        until("Exim", 20, lambda: self.process.expect_running() or accepts("127.0.0.1", listen), 0.05)

    def stop(self):
        self.process.stop(20)


SERVERS = {"mailweir": Ours, "postfix": PostfixPeer, "exim": EximPeer}


class Trial:
    """One server, its load and its receiver."""

    def __init__(self, name, options, folder):
        folder.mkdir(parents=True)
        self.name = name
        settings = {"bucket.rate": f"{options.limit}/s", "bucket.burst": options.limit, "penalty.trip_on": "refusals", "penalty.trip_count": 1,
                    "penalty.trip_window": "1s", "penalty.length": f"{options.penalty}s", "penalty.length_max": "24h", **SHAPES[options.shape]}
        self.receiver = Receiver(options.binary, folder, "token-bucket", settings, arguments=("--no-tls",))
        self.server = SERVERS[name](options, folder / name, self.receiver.smtp_port)
        self.source = Source(folder, self.server.target, rate=options.rate, seconds=options.seconds, sessions=4, size=2048)

    def processes(self):
        return {"its receiver": self.receiver.process, self.name: self.server.server.process if hasattr(self.server, "server") else self.server.process}

    def expect_running(self):
        """A LabError says which process has ended, and what it printed last."""
        for what, process in self.processes().items():
            if not process.is_running():
                raise LabError(f"{what} ended with {process.child.returncode}: {process.output().strip()[-1000:] or 'it printed nothing'}")
        code = self.source.process.child.poll()
        if code not in (None, 0):
            raise LabError(f"its source ended with {code}: {self.source.process.output().strip()[-1000:] or 'it printed nothing'}")

    def is_fed(self):
        return self.source.process.child.poll() is not None

    def figures(self, clock_offset, end):
        accepted = {token: int(end) / 1e6 + clock_offset for token, _, end in ACK.findall(self.source.ledger.read_text())}
        attempts = self.receiver.attempts()
        arrived = {}
        for attempt in attempts:
            if attempt["outcome"] == "delivered":
                arrived.setdefault(attempt["to"].split("@")[0], attempt["t"])
        delays = sorted(max(0.0, arrived.get(token, end) - since) for token, since in accepted.items())
        delivered = sum(1 for token in accepted if token in arrived)
        try:
            account = self.receiver.source() or {"trips": 0}
        except OSError:  # it was ended along with us
            account = {"trips": -1}
        return {"offered": len(accepted), "delivered": delivered, "wasted": sum(1 for a in attempts if a["outcome"] != "delivered"), "trips": account["trips"],
                "delay_p50_s": percentile(delays, 0.5), "delay_p99_s": percentile(delays, 0.99), "delay_max_s": delays[-1] if delays else 0.0}

    def stop(self):
        """All of them, whatever one of them does; what went wrong."""
        wrong = []
        for part in (self.source, self.server, self.receiver):
            try:
                part.stop()
            except (LabError, OSError, subprocess.SubprocessError) as error:
                wrong.append(str(error))
        return "; ".join(wrong)


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def read_options():
    parser = argparse.ArgumentParser(prog="script/bench throttled", description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long the load lasts [60]")
    parser.add_argument("--watch", type=float, default=30, help="how long the servers may go on afterwards [30]")
    parser.add_argument("--rate", type=float, default=11, help="messages a second offered [11]")
    parser.add_argument("--limit", type=int, default=10, help="messages a second the receiver takes from an address [10]")
    parser.add_argument("--penalty", type=int, default=20, help="seconds [20]")
    parser.add_argument("--scale", type=float, default=30, help="by how much the servers' retry times are divided [30]")
    parser.add_argument("--shape", choices=SHAPES, default="hard", help="of the penalty [hard]")
    parser.add_argument("--servers", default="mailweir,postfix,exim", help="which ones [all]")
    parser.add_argument("--binary", default=str(ROOT / "build/release/mailweir"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.servers = options.servers.split(",")
    if unknown := set(options.servers) - set(SERVERS):
        parser.error(f"--servers: there is no {sorted(unknown)[0]}; known are {', '.join(SERVERS)}")
    return options


class Ended(Exception):
    """By a signal."""


def end_early(*_):
    raise Ended


class Run:
    """All trials at once; what fails is dropped and kept for the report."""

    def __init__(self, options):
        self.options = options
        self.clock_offset = time.time() - time.monotonic()
        self.trials, self.rows, self.failures = {}, {}, {}
        self.said = time.monotonic()

    def fail(self, name, reason):
        self.failures[name] = reason
        print(f"# {name} failed: {reason}", file=sys.stderr, flush=True)

    def start(self):
        for name in self.options.servers:
            try:
                self.trials[name] = Trial(name, self.options, self.options.folder / name)
            except (LabError, OSError, subprocess.SubprocessError) as error:
                self.fail(name, f"it did not start: {error}")

    def look(self):
        for name, trial in self.trials.items():
            if name in self.failures:
                continue
            try:
                trial.expect_running()
            except LabError as error:
                self.fail(name, str(error))
        if time.monotonic() >= self.said + 15:
            self.said = time.monotonic()
            taken = {name: sum(1 for attempt in trial.receiver.attempts() if attempt["outcome"] == "delivered") for name, trial in self.running().items()}
            print(f"# {self.said + self.clock_offset - self.began:5.0f} s, delivered: {taken}", file=sys.stderr, flush=True)

    def running(self):
        return {name: trial for name, trial in self.trials.items() if name not in self.failures}

    def go(self):
        self.began = time.time()
        fed_by = time.monotonic() + self.options.seconds + 30
        while self.running() and not all(trial.is_fed() for trial in self.running().values()):
            if time.monotonic() > fed_by:
                for name, trial in self.running().items():
                    if not trial.is_fed():
                        self.fail(name, "it did not take the load in time")
            self.look()
            time.sleep(0.2)
        end = time.monotonic() + self.options.watch
        while self.running() and time.monotonic() < end:
            self.look()
            time.sleep(0.2)

    def finish(self):
        now = time.time()
        for name, trial in self.trials.items():
            try:
                self.rows[name] = trial.figures(self.clock_offset, now)
            except (LabError, OSError, ValueError, KeyError) as error:
                self.fail(name, f"no figures: {error}")
        for name, trial in self.trials.items():
            if wrong := trial.stop():
                print(f"# {name}, stopping: {wrong}", file=sys.stderr, flush=True)

    def report(self):
        for name, row in self.rows.items():
            for key, value in row.items():
                print(f"{name}_{key}={value:.2f}" if isinstance(value, float) else f"{name}_{key}={value}")
        print(f"\n{'server':10} {'offered':>8} {'delivered':>10} {'wasted':>8} {'trips':>6} {'p50 s':>8} {'p99 s':>8} {'max s':>8}")
        for name in self.options.servers:
            if row := self.rows.get(name):
                print(f"{name:10} {row['offered']:8} {row['delivered']:10} {row['wasted']:8} {row['trips']:6} {row['delay_p50_s']:8.2f} {row['delay_p99_s']:8.2f} {row['delay_max_s']:8.2f}")
            if name in self.failures:
                print(f"{name:10} FAILED: {self.failures[name]}")
        sys.stdout.flush()
        (self.options.folder / "figures.json").write_text(json.dumps({"rows": self.rows, "failures": self.failures}, indent=2))


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, end_early)
    signal.signal(signal.SIGINT, end_early)
    run("ip", "link", "set", "lo", "up")
    print(f"# {options.rate:g}/s for {options.seconds:g} s against {options.limit}/s, penalty {options.penalty} s, {options.shape}; then {options.watch:g} s more", file=sys.stderr, flush=True)
    trials = Run(options)
    try:
        trials.start()
        trials.go()
    except Ended:
        print("# ended by a signal; what there is so far:", file=sys.stderr, flush=True)
    finally:
        trials.finish()
        trials.report()
    sys.exit(1 if trials.failures else 0)


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        print(f"script/bench throttled: could not run: {error}", file=sys.stderr)
        sys.exit(2)
