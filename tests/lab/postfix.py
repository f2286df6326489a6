"""Postfix from Debian in a jail: as the server to compare with, as a receiving MX, as an upstream relay, as a strict oracle."""
import os

from .jail import GROUPS, USERS, Jail
from .process import LabError, until, run

QUEUE = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace", "maildrop", "public", "pid")

SERVICES = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """`queue` and `logs` are folders on a real disk. Settings are main.cf lines; `listen` is like 127.0.0.1:2525."""

    def __init__(self, folder, listen, settings, netns=None):
        self.folder = folder
        self.jail = Jail("postfix", folder, {"/var/spool/postfix": folder / "queue", "/var/log/mail": folder / "log", "/var/mail": folder / "mail"}, netns)
        self.listen = listen
        self.settings = settings
        self.process = None

    def start(self):
        base = {
            "compatibility_level": "3.6", "maillog_file": "/var/log/mail/postfix.log", "maillog_file_prefixes": "/var", "myhostname": "postfix.weir.test",
            "mydestination": "", "local_transport": "error:no local mail", "mynetworks": "127.0.0.0/8 10.0.0.0/8", "inet_protocols": "ipv4",
            "alias_maps": "", "alias_database": "", "smtputf8_enable": "yes", "message_size_limit": "52428800",
            "smtpd_client_connection_count_limit": "0", "smtpd_client_connection_rate_limit": "0",
        }
        lines = [f"{key} = {value}" for key, value in {**base, **self.settings}.items()]
        self.jail.write("/etc/postfix/main.cf", "\n".join(lines) + "\n")
        self.jail.write("/etc/postfix/master.cf", f"{self.listen} inet n - n - - smtpd\n" + SERVICES)
        self.jail.write("/etc/postfix/dynamicmaps.cf", "")
        self._make_queue()
        self.process = self.jail.start("/usr/lib/postfix/sbin/master", "-c", "/etc/postfix", "-d")
        until(f"Postfix on {self.listen}", 20, self._is_up)
        return self

    def _make_queue(self):
        uid, drop = USERS["postfix"][0], GROUPS["postdrop"]
        for name in QUEUE:
            path = self.jail.path("/var/spool/postfix") / name
            path.mkdir(exist_ok=True)
            os.chown(path, 0 if name == "pid" else uid, drop if name in ("maildrop", "public") else 0)
            path.chmod({"maildrop": 0o1730, "public": 0o2710, "pid": 0o755}.get(name, 0o700))
        library = self.jail.path("/var/lib/postfix")
        library.mkdir(parents=True, exist_ok=True)
        os.chown(library, uid, 0)

    def _is_up(self):
        self.process.expect_running()
        host, port = self.listen.rsplit(":", 1)
        command = ["bash", "-c", f"exec 3<>/dev/tcp/{host}/{port} && head -c 3 <&3"]
        if self.jail.netns:
            command = ["nsenter", f"--net=/run/netns/{self.jail.netns}", *command]
        try:
            return run(*command, timeout=5) == "220"
        except LabError:
            return False

    def queue_length(self):
        return sum(1 for line in self.jail.run("postqueue", "-j").splitlines() if line.strip())

    def log(self):
        path = self.folder / "log/postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self):
        if self.process:
            self.process.stop(20)
