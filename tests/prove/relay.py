# claim: real clients through it to real servers, over real DNS: every body arrives byte-equal, every failure is reported
# needs: peers
# bound: 900
"""Network namespaces: nsd as the root of DNS; Postfix, Exim and OpenSMTPD as receiving MXs with mailboxes; swaks, smtplib, nodemailer, msmtp and
a Postfix as upstream relay as clients; the server under test between them with three source addresses.

Every client sends every shape of message (dots, empty, 998-octet lines, 8-bit, SMTPUTF8, 5 MB, ...) to every server, in turn
over plain SMTP and STARTTLS. Then what cannot be delivered: unknown users, a null MX, a domain that does not exist, SMTPUTF8 to a
server without it: a delivery status notification must come back. OpenSMTPD of Debian 12 fails every TLS handshake (its privilege
separation predates OpenSSL 3), so it is also the receiver with which opportunistic TLS must fall back.
"""
import itertools
import os
import re
import sys
import time

from lab.clients import Clients
from lab.claim import Claim
from lab.jail import USERS
from lab.mailweir import Mailweir
from lab.network import PREFIX, Exim, NameServer, Network, OpenSmtpd, self_signed, wait_for_port
from lab.postfix import Postfix
from lab.process import LabError
from lab.shapes import message, shapes

OUT, POSTFIX, EXIM, OPENSMTPD, CLIENT, DNS = 10, 21, 22, 23, 30, 53
UTF8_USER = "почта"
RECEIVERS = ("postfix.lab", "exim.lab", "opensmtpd.lab")
DELIVERY_SECONDS = 120

ZONE = f"""\
postfix.lab. IN MX 10 mx.postfix.lab.
mx.postfix.lab. IN A {PREFIX}{POSTFIX}
back.lab. IN MX 10 mx.postfix.lab.
exim.lab. IN MX 10 mx.exim.lab.
mx.exim.lab. IN A {PREFIX}{EXIM}
opensmtpd.lab. IN MX 10 mx.opensmtpd.lab.
mx.opensmtpd.lab. IN A {PREFIX}{OPENSMTPD}
second.lab. IN MX 10 dead.second.lab.
second.lab. IN MX 20 mx.postfix.lab.
dead.second.lab. IN A {PREFIX}99
implicit.lab. IN A {PREFIX}{POSTFIX}
alias.lab. IN CNAME postfix.lab.
nullmx.lab. IN MX 0 .
"""


def mx_postfix(folder, network):
    """The MX of postfix.lab, of the senders' domain back.lab, and of the domains with a peculiar DNS."""
    netns = network.host("mx-postfix", POSTFIX)
    certificate, key = self_signed(folder, "mx.postfix.lab")
    domains = ("postfix.lab", "back.lab", "second.lab", "implicit.lab", "alias.lab")
    uid = USERS["mailbox"][0]
    boxes = " ".join(f"{{ {user}@{domain} = {domain}/{user}/ }}" for domain in domains for user in ("inbox", "sender", UTF8_USER))
    postfix = Postfix(folder / "mx-postfix", f"{PREFIX}{POSTFIX}:25", {
        "myhostname": "mx.postfix.lab", "virtual_mailbox_domains": " ".join(domains), "virtual_mailbox_base": "/var/mail",
        "virtual_mailbox_maps": f"inline:{{ {boxes} }}", "virtual_uid_maps": f"static:{uid}", "virtual_gid_maps": f"static:{uid}",
        "virtual_mailbox_limit": "0", "mynetworks": "127.0.0.0/8", "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "/etc/postfix/mx.crt",
        "smtpd_tls_key_file": "/etc/postfix/mx.key", "smtpd_tls_loglevel": "2", "smtpd_peername_lookup": "no", "disable_dns_lookups": "yes",
        "smtpd_relay_restrictions": "reject_unauth_destination", "smtpd_forbid_bare_newline": "reject"}, netns)
    postfix.jail.write("/etc/postfix/mx.crt", certificate)
    postfix.jail.write("/etc/postfix/mx.key", key, 0o600)
    os.chown(postfix.jail.path("/var/mail"), uid, uid)
    return postfix.start()


def upstream_postfix(folder, target):
    """A customer's Postfix that hands everything to the server under test."""
    return Postfix(folder / "upstream", f"{PREFIX}{CLIENT}:2525", {
        "myhostname": "upstream.client.lab", "relayhost": f"[{target[0]}]:{target[1]}", "disable_dns_lookups": "yes",
        "smtpd_peername_lookup": "no", "smtp_tls_security_level": "may"}, "client").start()


class Ours:
    def __init__(self, claim, network):
        network.host("out", OUT, OUT + 1, OUT + 2)
        sources = [{"name": name, "ipv4": f"{PREFIX}{OUT + i}", "ehlo": f"{name}.out.lab"} for i, name in enumerate(("one", "two", "three"))]
        self.server = Mailweir(claim.arguments.binary, claim.folder / "ours", {
            "hostname": "out.lab", "smtp": {"listen": [f"{PREFIX}{OUT}:25"], "relay_networks": [f"{PREFIX}0/24"]},
            "dns": {"servers": [f"{PREFIX}{DNS}"]}, "delivery": {"allow_private_targets": True, "ipv6": False, "tls": "opportunistic", "timeouts": {}},
            "caps": {"connections": 4, "messages_per_connection": 3}, "source": sources, "pool": [{"name": "all", "sources": ["one", "two", "three"]}],
        }, netns="out", address=f"{PREFIX}{OUT}")
        del self.server.settings["delivery"]["timeouts"]
        self.server.start()
        self.target = (f"{PREFIX}{OUT}", 25)
        wait_for_port(self.server.process, "out", self.target[0], self.target[1])

    def report(self, claim):
        attempts = [event for event in self.server.events() if event.get("type") == "attempt"]
        claim.figure("source_addresses_used", len({event.get("source_address") for event in attempts}))
        encrypted = sum(1 for event in attempts if event.get("tls") and event.get("outcome") == "delivered")
        claim.figure("deliveries_with_tls", encrypted)
        claim.bar(encrypted > 0, "no delivery was encrypted although two servers offer STARTTLS")

    def stop(self):
        self.server.stop()


class PostfixBetween:
    """Postfix in our place: what it cannot do either is the lab's limit."""

    def __init__(self, claim, network):
        network.host("out", OUT)
        self.postfix = Postfix(claim.folder / "between", f"{PREFIX}{OUT}:25", {
            "myhostname": "out.lab", "smtpd_peername_lookup": "no", "smtp_tls_security_level": "may", "minimal_backoff_time": "2s", "queue_run_delay": "2s",
            "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "/etc/postfix/own.crt", "smtpd_tls_key_file": "/etc/postfix/own.key",
            "smtp_tls_session_cache_database": "btree:/var/lib/postfix/sessions"}, "out")
        certificate, key = self_signed(claim.folder, "out.lab")
        self.postfix.jail.write("/etc/postfix/own.crt", certificate)
        self.postfix.jail.write("/etc/postfix/own.key", key, 0o600)
        self.postfix.jail.write("/etc/resolv.conf", f"nameserver {PREFIX}{DNS}\n")
        self.postfix.start()
        self.target = (f"{PREFIX}{OUT}", 25)

    def report(self, claim):
        pass

    def stop(self):
        self.postfix.stop()


class Mailboxes:
    """All messages in the Maildirs of the receivers, by token; read again only when new files have come."""

    def __init__(self, *folders):
        self.folders, self.seen, self.by_token, self.others = folders, set(), {}, []

    def refresh(self):
        for folder in self.folders:
            for path in folder.glob("**/new/*"):
                if path in self.seen:
                    continue
                self.seen.add(path)
                content = path.read_bytes().replace(b"\r\n", b"\n")
                head, _, body = content.partition(b"\n\n")
                tokens = [line.split(b":", 1)[1].strip().decode() for line in head.split(b"\n") if line.lower().startswith(b"x-token:")]
                if tokens:
                    self.by_token.setdefault(tokens[0], []).append(body)
                else:
                    self.others.append(content)

    def wait(self, condition, seconds):
        """True once condition() holds; gives up when nothing came for `seconds`."""
        quiet_since, seen = time.monotonic(), -1
        while not condition():
            if len(self.seen) != seen:
                seen, quiet_since = len(self.seen), time.monotonic()
            if time.monotonic() - quiet_since > seconds:
                return False
            time.sleep(0.1)
            self.refresh()
        return True


def send_matrix(claim, clients):
    """Everything from everyone to everyone; returns token → (body expected, description)."""
    expected, refused = {}, []
    folder = claim.folder / "messages"
    folder.mkdir()
    big = 1 << 20 if claim.quick else 5 << 20
    cells = itertools.product(clients.names, RECEIVERS, shapes(big))
    for number, (client, domain, (shape, body, utf8)) in enumerate(cells):
        if shape in clients.cannot.get(client, ()) or (utf8 and domain == "opensmtpd.lab"):
            continue
        token = f"t{number}-{client}-{shape}"
        recipient = f"{UTF8_USER if utf8 else 'inbox'}@{domain}"
        file = folder / token
        file.write_bytes(message(token, "sender@back.lab", recipient, body, utf8))
        tls = number % 2 == 1
        try:
            clients.send(client, tls, "sender@back.lab", recipient, file, utf8)
            expected[token] = (body.replace(b"\r\n", b"\n"), f"{client} -> {domain}, {shape}{', TLS' if tls else ''}")
        except LabError as error:
            refused.append(f"{token} to {domain}: {str(error)[-300:]}")
    for line in refused:
        claim.say(f"not accepted: {line}")
    claim.figure("messages_sent", len(expected) + len(refused))
    claim.bar(not refused, f"{len(refused)} messages were not accepted")
    return expected


def check_matrix(claim, expected, boxes):
    boxes.wait(lambda: expected.keys() <= boxes.by_token.keys(), DELIVERY_SECONDS if claim.arguments.server == "ours" else 60)
    missing = [expected[token][1] for token in expected if token not in boxes.by_token]
    differ = [text for token, (body, text) in expected.items() if any(found != body for found in boxes.by_token.get(token, ()))]
    doubled = [expected[token][1] for token in expected if len(boxes.by_token.get(token, ())) > 1]
    for name, cells in (("missing", missing), ("different", differ), ("doubled", doubled)):
        claim.figure(name, len(cells))
        claim.bar(not cells, f"{len(cells)} {name}: {'; '.join(cells[:6])}")
    RESULT["byte_equal"] = len(expected) - len(missing) - len(differ)


def check_routes(claim, clients, boxes):
    """A dead first MX, no MX but an address, a CNAME."""
    file = claim.folder / "messages/route"
    tokens = []
    for domain in ("second.lab", "implicit.lab", "alias.lab"):
        tokens.append(f"route-{domain}")
        file.write_bytes(message(tokens[-1], "sender@back.lab", f"inbox@{domain}", b"route\r\n", False))
        clients.send("smtplib", False, "sender@back.lab", f"inbox@{domain}", file, False)
    boxes.wait(lambda: set(tokens) <= boxes.by_token.keys(), 60)
    missing = [token for token in tokens if token not in boxes.by_token]
    claim.figure("routes_missing", len(missing))
    claim.bar(not missing, f"not delivered: {', '.join(missing)}")


def dsn_statuses(contents):
    """Final recipient -> (status, action) of all delivery status notifications (RFC 3464, RFC 6533)."""
    found = {}
    for content in contents:
        text = re.sub(r"\n[ \t]+", " ", content.decode(errors="replace"))
        if "delivery-status" not in text:
            continue
        for block in text.split("\n\n"):
            fields = {name.lower(): value.strip() for name, value in re.findall(r"^([A-Za-z-]+):(.*)$", block, re.MULTILINE)}
            if "final-recipient" in fields:
                found[fields["final-recipient"].split(";", 1)[-1].strip()] = (fields.get("status"), fields.get("action"))
    return found


def check_dsns(claim, clients, boxes):
    cases = {  # recipient: accepted beginnings of the status
        "nobody@postfix.lab": ("5.1.1",), "nobody@exim.lab": ("5.1.1",), "nobody@opensmtpd.lab": ("5.",), "x@nullmx.lab": ("5.1.10", "5.1.0"),
        "x@does-not-exist.lab": ("5.1.2", "5.4.4"), "inbox@opensmtpd.lab": ("5.6.7",),
    }
    file = claim.folder / "messages/dsn"
    for recipient in cases:
        utf8 = recipient == "inbox@opensmtpd.lab"
        file.write_bytes(message(f"dsn-{recipient}", "sender@back.lab", recipient, b"to nobody\r\n", utf8))
        clients.send("smtplib", False, "sender@back.lab", recipient, file, utf8)
    boxes.wait(lambda: cases.keys() <= dsn_statuses(boxes.others).keys(), 45)
    found = dsn_statuses(boxes.others)
    wrong = {to: found.get(to) for to, statuses in cases.items() if to not in found or not str(found[to][0]).startswith(statuses) or found[to][1] != "failed"}
    claim.figure("dsns_expected", len(cases))
    claim.figure("dsns_wrong_or_missing", len(wrong))
    claim.bar(not wrong, f"delivery status notifications wrong or missing: {wrong}")


def body(claim):
    network = Network(claim.folder)
    NameServer(claim.folder / "dns", network, DNS, ZONE)
    mx = mx_postfix(claim.folder, network)
    exim = Exim(claim.folder / "mx-exim", network, EXIM, "exim.lab", ["inbox", UTF8_USER], self_signed(claim.folder, "mx.exim.lab"))
    opensmtpd = OpenSmtpd(claim.folder / "mx-opensmtpd", network, OPENSMTPD, "opensmtpd.lab", ["inbox"], self_signed(claim.folder, "mx.opensmtpd.lab"))
    network.host("client", CLIENT)
    between = (Ours if claim.arguments.server == "ours" else PostfixBetween)(claim, network)
    upstream_postfix(claim.folder, between.target)
    clients = Clients("client", *between.target, upstream=f"{PREFIX}{CLIENT}:2525")
    boxes = Mailboxes(mx.folder / "mail", exim.maildirs, opensmtpd.maildirs)
    claim.say("the lab stands")
    expected = send_matrix(claim, clients)
    claim.say(f"{len(expected)} sent")
    check_matrix(claim, expected, boxes)
    check_routes(claim, clients, boxes)
    check_dsns(claim, clients, boxes)
    resumed = sum(1 for line in mx.log().splitlines() if "reusing old session" in line.lower() or "re-using session" in line.lower())
    claim.figure("tls_sessions_resumed", resumed)
    if claim.arguments.server == "ours":
        claim.bar(resumed > 0, "no TLS session was resumed")
    between.report(claim)
    between.stop()


RESULT = {"byte_equal": 0}
CLAIM = Claim("relay", [(["--server"], {"default": "ours", "choices": ["ours", "postfix"]})])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("byte_equal", RESULT["byte_equal"]))
    sys.exit(2)
