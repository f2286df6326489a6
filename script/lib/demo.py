"""What script/demo shows: one line a second of what the server sends, what the receiver refuses, and what waits."""
import argparse
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from lab.claim import ROOT
from lab.load import Source
from lab.mailweir import Mailweir
from lab.receiver import Receiver

TEXT = {
    "en": {
        "began": "A server and a receiver are running on this machine. Nothing leaves it.\n  the receiver, its counts and its verdict: {receiver}\n  the server:                               {server}\n"
                 "Load: {rate:g} messages a second. After {trip:g} s the receiver penalizes our address{release}. Ctrl-C ends it.\n",
        "release": ", and {0:g} s later it lets it go", "head": ("time", "offered/s", "delivered/s", "refused/s", "waiting", "receiver"),
        "free": "takes mail", "penalized": "PENALTY: 451 4.7.500", "tripped": "--- the receiver begins to refuse", "released": "--- the receiver takes mail again",
        "ended": "\n{delivered} delivered, {refused} attempts refused, {waiting} still waiting."},
    "ja": {
        "began": "サーバーと受信側をこのマシンで起動しました。外部には何も送信されません。\n  受信側の画面: {receiver}\n  サーバー:     {server}\n"
                 "負荷: 毎秒 {rate:g} 通。{trip:g} 秒後に受信側がこの送信元を制限します{release}。Ctrl-C で終了します。\n",
        "release": "(さらに {0:g} 秒後に解除)", "head": ("時刻", "投入/秒", "配送/秒", "拒否/秒", "待ち", "受信側"),
        "free": "受け取り中", "penalized": "制限中: 451 4.7.500", "tripped": "--- 受信側が拒否を始めました", "released": "--- 受信側が受け取りを再開しました",
        "ended": "\n配送 {delivered} 通、拒否 {refused} 回、待ち {waiting} 通。"}}


def span(text):
    """Seconds of "90", "90s" or "2m"."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    try:
        return float(number) * unit
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; write 90s or 2m') from None


def read_options():
    parser = argparse.ArgumentParser(prog="script/demo")
    parser.add_argument("--for", dest="duration", type=span, default=None, help="end after this time [when Ctrl-C is pressed]")
    parser.add_argument("--rate", type=float, default=5, help="messages a second [5]")
    parser.add_argument("--trip-after", type=span, default=20.0)
    parser.add_argument("--release-after", type=span, default=30.0, help="0: never")
    parser.add_argument("--lang", choices=TEXT, default="ja" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("ja") else "en")
    parser.add_argument("--binary", default=str(ROOT / "build/release/mailweir"), help=argparse.SUPPRESS)
    return parser.parse_args()


class Demo:
    def __init__(self, options, folder):
        self.options, self.text = options, TEXT[options.lang]
        self.source = self.server = self.receiver = None
        self.last = {"delivered": 0, "refused": 0, "accepted": 0}
        self.folder = folder

    def start(self):
        options, folder = self.options, self.folder
        apart = ("setsid",)  # Ctrl-C at the terminal is for us alone
        quiet = {"penalty.length": "1h", "penalty.ends": "fixed", "bucket.rate": "1000/s", "bucket.burst": 1000}
        self.receiver = Receiver(options.binary, folder, "token-bucket", quiet, log=False, arguments=("--lang", options.lang), wrap=apart)
        self.server = Mailweir(options.binary, folder / "server", {"retry": {"first": "5s", "longest": "20s"}}, smarthost_port=self.receiver.smtp_port, wrap=apart)
        self.server.start()
        self.source = Source(folder, self.server.target, ledger=False, rate=options.rate, sessions=1, size=2048, persist=True)

    def totals(self):
        account = self.receiver.source() or {"messages": 0, "transient": 0, "is_penalized": False}
        status = self.server.status()
        return {"delivered": account["messages"], "refused": account["transient"], "accepted": status["counters"]["messages_accepted"],
                "waiting": status["totals"]["recipients"], "penalized": account["is_penalized"]}

    def line(self, elapsed):
        now = self.totals()
        rates = {key: now[key] - self.last[key] for key in self.last}
        self.last = {key: now[key] for key in self.last}
        verdict = self.text["penalized" if now["penalized"] else "free"]
        print(f"{elapsed:5.0f}s {rates['accepted']:10} {rates['delivered']:12} {rates['refused']:10} {now['waiting']:9}   {verdict}", flush=True)

    def run(self):
        options, text = self.options, self.text
        release = text["release"].format(options.release_after) if options.release_after else ""
        print(text["began"].format(receiver=self.receiver.url(), server=f"http://127.0.0.1:{self.server.http_port}/", rate=options.rate, trip=options.trip_after, release=release))
        print("{:>6} {:>10} {:>12} {:>10} {:>9}   {}".format(*text["head"]))
        orders = [(options.trip_after, "trip", "tripped")]
        if options.release_after:
            orders.append((options.trip_after + options.release_after, "release", "released"))
        began, shown = time.monotonic(), 0
        while options.duration is None or time.monotonic() - began < options.duration:
            elapsed = time.monotonic() - began
            if orders and elapsed >= orders[0][0]:
                _, action, words = orders.pop(0)
                self.receiver.control(action)
                print(text[words], flush=True)
            if elapsed >= shown + 1:
                shown = int(elapsed)
                self.line(elapsed)
            time.sleep(0.05)

    def sum_up(self):
        print(self.text["ended"].format(**self.totals()))

    def stop(self):
        for part in (self.source, self.server, self.receiver):
            if part:
                part.stop()


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, interrupt)
    folder = Path(tempfile.mkdtemp(prefix="mailweir-demo-"))
    demo = Demo(options, folder)
    try:
        demo.start()
        demo.run()
        demo.sum_up()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.sum_up()
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
