"""A little internet: hosts in network namespaces on one bridge, and a name server that knows the root and nothing else.

Names end in `.lab`: a resolver may answer for `.test` by itself (RFC 6761 section 6.2), and libunbound does.

Lives in the network namespace that script/prove made, so nothing here is reachable from outside nor the other way round.
"""
import os

from .jail import USERS, Jail
from .process import run, until

PREFIX = "10.9.0."


class Network:
    def __init__(self, folder):
        self.folder = folder
        run("ip", "link", "set", "lo", "up")
        os.makedirs("/run/netns", exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "link", "add", "lab", "type", "bridge")
        run("ip", "address", "add", PREFIX + "1/24", "dev", "lab")
        run("ip", "link", "set", "lab", "up")

    def host(self, name, *last_octets):
        """A namespace with these addresses; returns its name."""
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"v-{name}", "master", "lab", "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        for octet in last_octets:
            run("ip", "-n", name, "address", "add", f"{PREFIX}{octet}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        return name


def inside(netns, *argv):
    """argv, run in a namespace."""
    return ["nsenter", f"--net=/run/netns/{netns}", *argv]


class NameServer:
    """nsd, authoritative for the root: `zone` is its records. What is not in it does not exist."""

    def __init__(self, folder, network, octet, zone):
        self.address = f"{PREFIX}{octet}"
        netns = network.host("dns", octet)
        self.jail = Jail("nsd", folder, netns=netns)
        head = f"$TTL 60\n@ IN SOA ns.lab. hostmaster.lab. 1 60 60 600 60\n@ IN NS ns.lab.\nns.lab. IN A {self.address}\n"
        self.jail.write("/etc/nsd/root.zone", head + zone)
        self.jail.write("/etc/nsd/nsd.conf", f'server:\n  ip-address: {self.address}\n  username: nsd\n  database: ""\n  zonesdir: /etc/nsd\n  pidfile: /run/nsd.pid\n'
                        '  xfrdfile: /run/xfrd.state\n  zonelistfile: /run/zone.list\n  xfrdir: /run\n  server-count: 1\n'
                        'remote-control:\n  control-enable: no\nzone:\n  name: "."\n  zonefile: root.zone\n')
        self.process = self.jail.start("/usr/sbin/nsd", "-d", "-c", "/etc/nsd/nsd.conf")
        until("nsd", 10, lambda: self.process.expect_running() or "nsd started" in self.process.output())


def self_signed(folder, name):
    """A certificate and key for `name`, as PEM text."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")
    return (folder / f"{name}.crt").read_text(), (folder / f"{name}.key").read_text()


class Exim:
    """Exim as the MX of `domain`: one Maildir for the listed local parts, 550 for others, STARTTLS."""

    def __init__(self, folder, network, octet, domain, users, certificate):
        self.maildirs = folder / "mail"
        netns = network.host("mx-exim", octet)
        self.jail = Jail("exim", folder, {"/var/mail": self.maildirs, "/var/spool/exim4": folder / "spool", "/var/log/exim4": folder / "log"}, netns)
        uid, gid = USERS["Debian-exim"][0], USERS["Debian-exim"][0]
        for path in ("/var/mail", "/var/spool/exim4", "/var/log/exim4"):
            os.chown(self.jail.path(path), uid, gid)
        self.jail.write("/etc/exim4/mx.crt", certificate[0], 0o644)
        self.jail.write("/etc/exim4/mx.key", certificate[1], 0o644)
        self.jail.write("/etc/exim4/exim4.conf", f"""\
primary_hostname = mx.{domain}
domainlist local_domains = {domain}
smtputf8_advertise_hosts = *
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
message_size_limit = 50M
tls_advertise_hosts = *
tls_certificate = /etc/exim4/mx.crt
tls_privatekey = /etc/exim4/mx.key
acl_smtp_rcpt = rcpt
acl_smtp_data = accept_all
trusted_users = root
local_interfaces = {PREFIX}{octet}
daemon_smtp_ports = 25
host_lookup =
rfc1413_query_timeout = 0s
log_selector = +tls_resumption +tls_cipher +tls_sni
tls_resumption_hosts = *
begin acl
rcpt:
  accept domains = +local_domains
         local_parts = {" : ".join(users)}
  deny message = 5.1.1 no such mailbox
accept_all:
  accept
begin routers
mailbox:
  driver = accept
  domains = +local_domains
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /var/mail/all
  maildir_format
  create_directory
  user = Debian-exim
  group = Debian-exim
  mode = 0600
begin retry
* * F,1h,1m
begin rewrite
""", 0o644)
        os.chown(self.jail.path("/etc/exim4/mx.key"), uid, gid)
        self.process = self.jail.start("/usr/sbin/exim4", "-bdf", "-q10m")
        wait_for_port(self.process, netns, f"{PREFIX}{octet}")


class OpenSmtpd:
    """OpenSMTPD as the MX of `domain`, likewise. It does not offer SMTPUTF8."""

    def __init__(self, folder, network, octet, domain, users, certificate):
        self.maildirs = folder / "mail"
        netns = network.host("mx-opensmtpd", octet)
        self.jail = Jail("opensmtpd", folder, {"/var/mail": self.maildirs, "/var/spool/smtpd": folder / "spool"}, netns)
        uid = USERS["mailbox"][0]
        os.chown(self.jail.path("/var/mail"), uid, uid)
        os.chown(self.jail.path("/var/spool/smtpd"), 0, 0)
        self.jail.path("/var/spool/smtpd").chmod(0o711)
        self.jail.path("/var/lib/opensmtpd/empty").mkdir(parents=True, exist_ok=True)
        self.jail.write("/etc/mx.crt", certificate[0], 0o644)
        self.jail.write("/etc/mx.key", certificate[1], 0o600)
        self.jail.write("/etc/mailname", f"mx.{domain}\n")
        self.jail.write("/etc/smtpd.conf", f"""\
pki lab cert "/etc/mx.crt"
pki lab key "/etc/mx.key"
smtp max-message-size 50M
table users {{ {", ".join(f'"{user}@{domain}" = "mailbox"' for user in users)} }}
listen on {PREFIX}{octet} port 25 tls pki lab hostname mx.{domain}
action "in" maildir "/var/mail/%{{dest.user}}" virtual <users>
match from any for domain "{domain}" action "in"
""")
        self.process = self.jail.start("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd.conf")
        wait_for_port(self.process, netns, f"{PREFIX}{octet}")


def wait_for_port(process, netns, address, port=25):
    def answers():
        process.expect_running()
        return run(*inside(netns, "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port} && timeout 2 head -c 3 <&3"), check=False) == "220"
    until(f"{process.argv[-1]} on {address}", 20, answers, 0.05)

