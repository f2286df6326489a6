# claim: the simulator's Postfix behaves as Postfix 3.7 does under a throttle: attempts, deliveries, delays and time in the queue agree within 20 %
# needs: peers
# bound: 1500
"""One scenario, twice: real Postfix against `mailweir sink`, and `mailweir simulate` with its Postfix baseline against the same
receiver model. Postfix's time constants are scaled 1:30 on both sides (300 s, 4,000 s and 300 s become 10 s, 133 s and 10 s).

Attempts and refusals are counted from the sink's log. A delay runs from the 250 that Postfix gave to the sink's 250, of what was
delivered while we watched. The time in the queue counts every message that was offered, delivered or not, from its 250 to its
delivery or to the end of the watch: the area under the curve of what waits. The model's figures are means of five seeds.

We watch until nearly all is delivered: of the few that came through early a mean delay says little, and what still waits weighs nothing
in it.
"""
import json
import socket
import statistics
import threading
import time

from lab.claim import Claim
from lab.mailweir import free_port
from lab.postfix import Postfix
from lab.process import LabError, Process, run, until

TOLERANCE = 0.20
SETTINGS = {"minimal_backoff_time": "10s", "maximal_backoff_time": "133s", "queue_run_delay": "10s", "in_flow_delay": "0",
            "disable_dns_lookups": "yes", "smtpd_peername_lookup": "no", "default_process_limit": "100", "smtp_tls_security_level": "none"}
MODEL = {"minimal_backoff": "10s", "maximal_backoff": "133s", "queue_run_delay": "10s"}

# name: receiver (changes to the personality `token-bucket`), messages/s offered, seconds of load, seconds watched
SCENARIOS = {
    # 10 % over the limit; a refusal shuts the sender out for 13 s.
    "shut-out": ({"bucket.rate": "10/s", "bucket.burst": "40", "penalty.trip_on": "refusals", "penalty.trip_count": "1",
                  "penalty.length": "13s"}, 11, 90, 420),
    # Half as much again as the limit; a refusal has half of everything refused for a minute.
    "half-refused": ({"bucket.rate": "10/s", "bucket.burst": "40", "penalty.trip_on": "refusals", "penalty.trip_count": "1",
                      "penalty.length": "60s", "penalty.share": "0.5"}, 15, 60, 300),
}
# The time of one answer, so that 20 deliveries at once make the 450 refusals a second that Postfix makes on two cores.
LATENCY = "15ms"
SEEDS = range(1, 6)


class Feed:
    """Hands messages in at a steady rate over a few sessions; `accepted` holds when each got its 250."""

    SESSIONS = 4

    def __init__(self, target, rate, seconds):
        self.host, port = target.rsplit(":", 1)
        self.port, self.rate, self.total = int(port), rate, int(rate * seconds)
        self.accepted, self.errors = {}, []
        self.began = time.time()
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(self.SESSIONS)]
        for thread in self.threads:
            thread.start()

    def _run(self, first):
        try:
            with socket.create_connection((self.host, self.port), timeout=30) as connection:
                lines = connection.makefile("rb")
                self._expect(lines, b"220")
                self._say(connection, lines, "EHLO feed.weir.test", b"250")
                for i in range(first, self.total, self.SESSIONS):
                    wait = self.began + i / self.rate - time.time()
                    if wait > 0:
                        time.sleep(wait)
                    self._send(connection, lines, i)
        except (OSError, LabError) as error:
            self.errors.append(str(error))

    def _send(self, connection, lines, i):
        self._say(connection, lines, "MAIL FROM:<feed@sender.example>", b"250")
        self._say(connection, lines, f"RCPT TO:<m{i}@d1.mass.test>", b"250")
        self._say(connection, lines, "DATA", b"354")
        self._say(connection, lines, f"Subject: {i}\r\n\r\n{'x' * 2000}\r\n.", b"250")
        self.accepted[f"m{i}@d1.mass.test"] = time.time()

    def _say(self, connection, lines, text, code):
        connection.sendall(text.encode() + b"\r\n")
        self._expect(lines, code)

    @staticmethod
    def _expect(lines, code):
        while True:
            line = lines.readline()
            if not line.startswith(code):
                raise LabError(f"Postfix said {line!r} where {code!r} was due")
            if line[3:4] != b"-":
                return

    def join(self):
        for thread in self.threads:
            thread.join(timeout=300)
        if self.errors:
            raise LabError(self.errors[0])


def real(claim, name, receiver, rate, seconds, watched):
    folder = claim.folder / name
    folder.mkdir()
    port, log = free_port(), folder / "attempts.log"
    settings = [part for key, value in receiver.items() for part in ("--set", f"{key}={value}")]
    sink = Process([claim.arguments.binary, "sink", "--personality", "token-bucket", *settings, "--listen", f"127.0.0.1:{port}", "--http", "off",
                    "--no-tls", "--log", log], folder / "sink.log")
    postfix = None
    try:
        until("the sink", 10, lambda: _listens(port) or sink.expect_running())
        postfix = Postfix(folder / "postfix", "127.0.0.1:2601", {**SETTINGS, "relayhost": f"[127.0.0.1]:{port}"}).start()
        feed = Feed(postfix.listen, rate, seconds)
        feed.join()
        time.sleep(max(0, feed.began + watched - time.time()))
    finally:
        if postfix:
            postfix.stop()
        sink.stop()
    return figures_of(log, feed, watched)


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def figures_of(log, feed, watched):
    delivered, refused = {}, 0
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if entry["t"] > feed.began + watched:
            continue
        if entry["outcome"] == "delivered":
            delivered[entry["to"].strip("<>")] = entry["t"]
        elif entry["step"] == "mail":
            refused += 1
    return summary({to: at - feed.began for to, at in feed.accepted.items()}, {to: at - feed.began for to, at in delivered.items()}, refused, watched)


def summary(accepted, delivered, refused, watched):
    """Of the moments of acceptance and delivery, in seconds since the beginning, and the count of refusals."""
    delays = sorted(delivered[to] - accepted[to] for to in delivered)
    waits = [min(delivered.get(to, watched), watched) - at for to, at in accepted.items()]
    return {"offered": len(accepted), "delivered": len(delivered), "refused": refused, "attempts": len(delivered) + refused,
            "queue_time_mean": statistics.fmean(waits), "delay_mean": statistics.fmean(delays), "delay_p50": delays[len(delays) // 2],
            "delay_p99": delays[len(delays) * 99 // 100]}


def simulated(claim, name, receiver, rate, seconds, watched):
    file = claim.folder / f"{name}.toml"
    settings = "\n".join(f'"{key}" = "{value}"' for key, value in receiver.items())
    parameters = "\n".join(f'{key} = "{value}"' for key, value in MODEL.items())
    file.write_text(f"""\
title = "{name}"
length = "{watched}s"
drain = "0s"

[sender]
kind = "postfix"
[sender.parameters]
{parameters}

[[source]]
name = "mx"

[[provider]]
name = "mass"
personality = "token-bucket"
latency = "{LATENCY}"
tls = false
[provider.parameters]
{settings}

[[workload]]
name = "feed"
kind = "burst"
messages = {int(rate * seconds)}
within = "{seconds}s"
""")
    rows = [played(claim, file, seed, watched) for seed in SEEDS]
    return {key: statistics.fmean(row[key] for row in rows) for key in rows[0]}


def played(claim, file, seed, watched):
    events = file.with_suffix(".events")
    result = json.loads(run(claim.arguments.binary, "simulate", file, "--json", "--seed", str(seed), "--events", events, timeout=120, check=False))
    if result["violations_total"]:
        raise LabError(f"the simulated run broke a rule: {result['violations'][0]}")
    accepted, delivered = {}, {}
    for line in events.read_text().splitlines():
        at, word, *fields = line.split()
        if word == "accept":
            accepted[fields[0]] = float(at)
        elif word == "settle" and fields[1] == "delivered":
            delivered[fields[0].split("/")[0]] = float(at)
    return summary(accepted, delivered, result["measures"]["refused"], watched)


def compare(claim, name, theirs, ours):
    differences = []
    for key in ("attempts", "delivered", "refused", "queue_time_mean", "delay_mean", "delay_p50", "delay_p99"):
        claim.figure(f"{name}_postfix_{key}", theirs[key])
        claim.figure(f"{name}_model_{key}", ours[key])
    for key in ("attempts", "delivered", "queue_time_mean", "delay_mean"):
        difference = ours[key] / theirs[key] - 1
        differences.append(abs(difference))
        claim.bar(abs(difference) <= TOLERANCE, f"{name}: {key} of the model is {100 * difference:+.0f} % of Postfix's {theirs[key]:.4g}")
    return max(differences)


def main():
    claim = Claim("baselines")
    worst = []

    def body(_):
        run("ip", "link", "set", "lo", "up")
        for name, scenario in SCENARIOS.items():
            theirs = real(claim, name, *scenario)
            claim.say(f"{name}, Postfix: {theirs}")
            ours = simulated(claim, name, *scenario)
            worst.append(compare(claim, name, theirs, ours))

    claim.run(body, lambda: ("worst_difference_percent", 100 * max(worst, default=float("nan"))))


if __name__ == "__main__":
    main()
