"""Mail clients that others wrote, each sending one message from inside a namespace. A client raises LabError when it was refused."""
import json
import sys

from .claim import ROOT
from .network import inside
from .process import LabError, run

SMTPLIB = """
import json, smtplib, ssl, sys
job = json.loads(sys.argv[1])
with smtplib.SMTP(job["host"], job["port"], timeout=60) as client:
    client.ehlo()
    if job["tls"]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client.starttls(context=context)
        client.ehlo()
    options = ["BODY=8BITMIME"] + (["SMTPUTF8"] if job["utf8"] else [])
    if job["utf8"]:
        client.command_encoding = "utf-8"
    client.sendmail(job["sender"], [job["recipient"]], open(job["file"], "rb").read(), mail_options=options)
"""

NODEMAILER = """
const job = JSON.parse(process.argv[1]);
const transport = require(job.module).createTransport({host: job.host, port: job.port, secure: false, ignoreTLS: !job.tls, requireTLS: job.tls,
  tls: {rejectUnauthorized: false}});
transport.sendMail({envelope: {from: job.sender, to: [job.recipient]}, raw: require('fs').readFileSync(job.file)})
  .then(() => process.exit(0), error => { console.error(error.message); process.exit(1); });
"""


def nodemailer_module():
    folder = ROOT / "build/peers/nodemailer"
    if not (folder / "node_modules/nodemailer").exists():
        raise LabError("nodemailer is missing; script/bootstrap --peers fetches it")
    return folder / "node_modules/nodemailer"


class Clients:
    """`send(client, ...)` delivers the message in `file` (CRLF form) to host:port."""

    names = ("swaks", "smtplib", "nodemailer", "msmtp", "postfix")
    cannot = {"swaks": ("smtputf8", "empty", "lastdot"), "msmtp": ("smtputf8",)}  # shapes they change or refuse themselves

    def __init__(self, netns, host, port, upstream):
        self.netns, self.host, self.port, self.upstream = netns, host, port, upstream

    def send(self, client, tls, sender, recipient, file, utf8):
        getattr(self, "_" + client)(tls, sender, recipient, file, utf8)

    def _swaks(self, tls, sender, recipient, file, utf8):
        # swaks ends the text with a CRLF of its own, whatever stands there already.
        content = file.read_bytes()
        file.write_bytes(content.removesuffix(b"\r\n"))
        run(*inside(self.netns, "swaks", "--server", self.host, "--port", self.port, "--from", sender, "--to", recipient, "--data", f"@{file}",
                    "--silent", "2", "--timeout", "60", *(["--tls"] if tls else [])), timeout=120)

    def _smtplib(self, tls, sender, recipient, file, utf8, host=None, port=None):
        job = {"host": host or self.host, "port": port or self.port, "tls": tls, "sender": sender, "recipient": recipient, "file": str(file), "utf8": utf8}
        run(*inside(self.netns, sys.executable, "-c", SMTPLIB, json.dumps(job)), timeout=120)

    def _nodemailer(self, tls, sender, recipient, file, utf8):
        job = {"host": self.host, "port": self.port, "tls": tls, "sender": sender, "recipient": recipient, "file": str(file), "module": str(nodemailer_module())}
        run(*inside(self.netns, "node", "-e", NODEMAILER, json.dumps(job)), timeout=120)

    def _msmtp(self, tls, sender, recipient, file, utf8):
        with open(file, "rb") as content:
            run(*inside(self.netns, "msmtp", "-C", "/dev/null", f"--host={self.host}", f"--port={self.port}", f"--from={sender}", "--auth=off",
                        *(["--tls=on", "--tls-starttls=on", "--tls-certcheck=off"] if tls else ["--tls=off"]), "--", recipient), timeout=120, stdin=content)

    def _postfix(self, tls, sender, recipient, file, utf8):
        """To a Postfix that relays everything to the server under test."""
        host, port = self.upstream.rsplit(":", 1)
        self._smtplib(False, sender, recipient, file, utf8, host, int(port))
