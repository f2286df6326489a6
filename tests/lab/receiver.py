"""`mailweir sink` as a receiver that throttles: started on ports of its own, watched and controlled over HTTP, its log read back."""
import json
import urllib.error
import urllib.request

from .mailweir import free_port
from .process import Process, until


class Receiver:
    def __init__(self, binary, folder, personality="plain", settings=None, name="receiver", log=True, arguments=(), wrap=(), smtp_port=None, http_port=None):
        self.smtp_port, self.http_port = smtp_port or free_port(), http_port or free_port()
        self.log_file = folder / f"{name}.jsonl"
        argv = [*wrap, binary, "sink", "--personality", personality, "--listen", f"127.0.0.1:{self.smtp_port}", "--http", f"127.0.0.1:{self.http_port}"]
        for key, value in (settings or {}).items():
            argv += ["--set", f"{key}={value}"]
        if log:
            argv += ["--log", self.log_file]
        self.process = Process([*argv, *arguments], folder / f"{name}.out")
        until(f"the sink on port {self.smtp_port}", 15, self._is_up)

    def _is_up(self):
        self.process.expect_running()
        return "/api/v1/sink" in self.process.output()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.http_port}{path}"

    def get(self, path):
        with urllib.request.urlopen(self.url(path), timeout=5) as answer:
            return answer.read().decode()

    def counts(self):
        return json.loads(self.get("/api/v1/sink"))

    def source(self, address="127.0.0.1"):
        """What one source IP was given; nothing before it has come."""
        return next((s for s in self.counts()["sources"] if s["source"] == address), None)

    def control(self, action, source="127.0.0.1", **further):
        """Status and answer of an order."""
        body = json.dumps({"action": action, "source": source, **further}).encode()
        request = urllib.request.Request(self.url("/api/v1/control"), body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def attempts(self):
        """The lines of its log: every message taken, every step refused."""
        if not self.log_file.exists():
            return []
        return [json.loads(line) for line in self.log_file.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def stop(self):
        return self.process.stop()
