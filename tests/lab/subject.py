"""A server under test behind one face, so that a proof can be turned on a peer as well and the harness be judged by it.

A subject has: data_dir (everything it keeps), target, pid, start(), kill(), stop(). start() returns when it accepts. detach()
comes before data_dir is unmounted, attach() after it is mounted again.
"""
import os
import signal
import socket

from .mailweir import Mailweir
from .postfix import Postfix
from .process import LabError, ServerFailed, tree, until


def accepts(host, port):
    """Whether a connection gets a 220 now."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.settimeout(1)
            return connection.recv(4).startswith(b"220")
    except OSError:
        return False


class MailweirSubject:
    def __init__(self, binary, folder, sink_port, environment=None, settings=None):
        folder.mkdir(parents=True)
        self.data_dir = folder / "data"
        self.server = Mailweir(binary, folder, {"retry": {"first": "1s", "longest": "2s"}, **(settings or {})}, smarthost_port=sink_port, environment=environment)
        self.target = self.server.target

    @property
    def pid(self):
        return self.server.pid

    def start(self, seconds=30):
        self.server.launch()
        try:
            until("accepting", seconds, lambda: self.server.process.expect_running() or accepts(self.server.address, self.server.smtp_port))
        except LabError as error:
            raise ServerFailed(str(error)) from None

    def kill(self):
        self.server.kill()

    def stop(self):
        self.server.stop()

    def attach(self):
        pass

    def detach(self):
        pass


class PostfixSubject:
    PORT = 2601

    def __init__(self, folder, sink_port):
        self.folder, self.postfix = folder, None
        self.target = f"127.0.0.1:{self.PORT}"
        self.data_dir = folder / "queue"
        self.settings = {
            "relayhost": f"[127.0.0.1]:{sink_port}", "disable_dns_lookups": "yes", "in_flow_delay": "0", "smtpd_peername_lookup": "no",
            "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s", "default_process_limit": "60",
            "smtp_destination_concurrency_limit": "20", "initial_destination_concurrency": "20"}

    @property
    def pid(self):
        return self.postfix.process.pid

    def start(self, seconds=30):
        if not self.postfix:  # only now: the jail binds data_dir as it is mounted at this moment
            self.postfix = Postfix(self.folder, self.target, self.settings)
        # A master that died leaves its lock and its sockets; the next one takes them over.
        self.postfix.start()

    def kill(self):
        for pid in tree(self.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.postfix.process.child.wait(timeout=30)

    def stop(self):
        self.postfix.stop()

    def attach(self):
        if self.postfix:
            self.postfix.jail.bind("/var/spool/postfix", self.data_dir)

    def detach(self):
        self.postfix.jail.unbind("/var/spool/postfix")


def make_subject(kind, binary, folder, sink_port, environment=None, settings=None):
    if kind == "postfix":
        return PostfixSubject(folder, sink_port)
    return MailweirSubject(binary, folder, sink_port, environment, settings)
