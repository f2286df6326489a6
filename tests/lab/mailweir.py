"""The server under test, as an operator runs it: one configuration file, `serve`, the commands."""
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .process import LabError, Process, ServerFailed, until


def free_port(host="127.0.0.1"):
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def _toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value) if isinstance(value, (int, float)) else json.dumps(value)


def render_toml(settings):
    """A nested dictionary as TOML: dictionaries are tables, lists of dictionaries arrays of tables."""
    scalars, tables = [], []
    for key, value in settings.items():
        if isinstance(value, dict):
            tables += [f"\n[{key}]"] + [f"{k} = {_toml(v)}" for k, v in value.items()]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                tables += [f"\n[[{key}]]"] + [f"{k} = {_toml(v)}" for k, v in entry.items()]
        else:
            scalars.append(f"{key} = {_toml(value)}")
    return "\n".join(scalars + tables) + "\n"


class Mailweir:
    """`settings` are laid over a live configuration that sends everything to 127.0.0.1:`smarthost_port` over plain SMTP."""

    def __init__(self, binary, folder, settings=None, smarthost_port=None, environment=None, wrap=(), address="127.0.0.1", data_dir=None, netns=None):
        self.binary = Path(binary)
        if not self.binary.exists():
            raise LabError(f"there is no {self.binary}; run script/build")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data_dir = Path(data_dir) if data_dir else self.folder / "data"
        self.address = address
        self.smtp_port = free_port()
        self.http_port = free_port()
        self.socket = self.folder / "admin.sock"
        self.config = self.folder / "mailweir.toml"
        self.environment = {**os.environ, **(environment or {})}
        self.netns = netns
        self.enter = ["nsenter", f"--net=/run/netns/{netns}"] if netns else []
        self.wrap = [*self.enter, *wrap]
        self.settings = {
            "mode": "live", "hostname": "mailweir.weir.test", "data_dir": str(self.data_dir),
            "smtp": {"listen": [f"{address}:{self.smtp_port}"]}, "http": {"listen": [f"127.0.0.1:{self.http_port}"]},
            "admin": {"socket": str(self.socket)}, "spool": {"free_min": "64MiB"},
            "caps": {"connections": 20, "messages_per_connection": 100000},
            "delivery": {"allow_private_targets": True, "ipv6": False, "tls": "off"},
            "retry": {"first": "2s", "longest": "10s"},
        }
        if smarthost_port:
            self.settings["route"] = [{"domain": "*", "hosts": ["127.0.0.1"], "port": smarthost_port}]
        for key, value in (settings or {}).items():
            if isinstance(value, dict):
                self.settings[key] = {**self.settings.get(key, {}), **value}
            else:
                self.settings[key] = value
        self.process = None

    @property
    def target(self):
        return f"{self.address}:{self.smtp_port}"

    @property
    def pid(self):
        return self.process.pid

    def write_config(self):
        self.config.write_text(render_toml(self.settings))

    def launch(self):
        """Starts it and does not wait."""
        self.write_config()
        self.process = Process([*self.wrap, self.binary, "serve", "--config", self.config], self.folder / "server.log", env=self.environment)
        return self

    def start(self, seconds=30):
        """Starts it and waits until /readyz answers 200; returns the seconds that took."""
        began = time.monotonic()
        self.launch()
        self.wait_ready(seconds)
        self.ready_seconds = time.monotonic() - began
        return self

    def wait_ready(self, seconds=30):
        def is_ready():
            self.process.expect_running()
            return self.http("/readyz")[0] == 200
        try:
            until("readyz", seconds, is_ready)
        except LabError as error:
            raise ServerFailed(str(error)) from None

    def http(self, path, timeout=5):
        """Status and text of an answer; status 0 when there is none."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        if self.netns:
            done = subprocess.run([*self.enter, "curl", "-s", "-m", str(timeout), "-w", "\n%{http_code}", url], capture_output=True, text=True, timeout=timeout + 5)
            text, _, status = done.stdout.rpartition("\n")
            return int(status or 0), text
        try:
            with urllib.request.urlopen(url, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name):
        """The sum of all series of a metric."""
        total = 0.0
        for line in self.http("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name)] in " {":
                total += float(line.rsplit(" ", 1)[1])
        return total

    def status(self):
        """GET /api/v1/status."""
        code, text = self.http("/api/v1/status")
        if code != 200:
            raise LabError(f"/api/v1/status: {code} {text[:300]}")
        return json.loads(text)

    def cli_run(self, *arguments, timeout=60):
        """A command against this server: the finished process with stdout and stderr as text."""
        return subprocess.run([str(self.binary), *map(str, arguments), "--socket", str(self.socket)], capture_output=True, text=True, timeout=timeout)

    def cli(self, *arguments, timeout=60):
        """A command that must succeed, with --json: its answer."""
        done = self.cli_run(*arguments, "--json", timeout=timeout)
        if done.returncode != 0:
            raise LabError(f"mailweir {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr[-1000:]}")
        return json.loads(done.stdout)

    def events(self):
        """All events so far, oldest first; a line still being written is left out."""
        found = []
        for path in sorted((self.data_dir / "events").glob("*.jsonl")):
            for line in path.read_text(errors="replace").splitlines(keepends=True):
                if line.endswith("\n"):
                    found.append(json.loads(line))
        return found

    def stop(self, seconds=30):
        """SIGTERM; returns the exit code."""
        return self.process.stop(seconds) if self.process else None

    def kill(self):
        return self.process.kill()
