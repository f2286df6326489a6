# claim: no byte sequence but CRLF . CRLF ends a message, wherever TCP or TLS cuts it
# needs: peers
# bound: 900
"""Each vector of tests/corpus/smuggling.txt stands in a message before a complete second transaction, sent whole, byte by byte, and in two parts cut at every byte,
plain and over STARTTLS. The server must answer once, as the table says, and its sink must never see the second message. The true end of data is the control: with it the second message must arrive, or the harness sees nothing.

Postfix with smtpd_forbid_bare_newline=reject is the oracle. Then tests/corpus/injection.txt: commands that must not be acted on, among
them what is sent in plain text behind STARTTLS.
"""
import concurrent.futures
import re
import socket
import ssl
import sys
import threading
import time

from lab.books import arrivals
from lab.claim import ROOT, Claim
from lab.load import Sink
from lab.mailweir import Mailweir
from lab.network import self_signed
from lab.postfix import Postfix
from lab.process import LabError, run

# Long enough for the reading side to take the first part by itself; not relied upon for the verdict.
PART_PAUSE_SECONDS = 0.002


class Dialogue:
    """A raw SMTP session."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.code()

    def code(self):
        """The code of the next reply; 0 when the connection is closed."""
        while True:
            end = self.buffer.find(b"\n")
            if end >= 0:
                line, self.buffer = self.buffer[:end], self.buffer[end + 1:]
                if line[3:4] != b"-":
                    return int(line[:3])
                continue
            try:
                data = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError, TimeoutError):
                return 0
            if not data:
                return 0
            self.buffer += data

    def command(self, text):
        self.socket.sendall(text.encode() + b"\r\n")
        return self.code()

    def start_tls(self, context):
        if self.command("STARTTLS") != 220:
            raise LabError("STARTTLS was refused")
        self.socket = context.wrap_socket(self.socket)
        if self.command("EHLO smuggler.test") != 250:
            raise LabError("EHLO inside TLS was refused")

    def send_parts(self, parts):
        for number, part in enumerate(parts):
            if number:
                time.sleep(PART_PAUSE_SECONDS)
            try:
                self.socket.sendall(part)
            except (ConnectionError, ssl.SSLError, BrokenPipeError):
                return  # the server closed on us: its right

    def replies_until_closed(self):
        codes = []
        while (code := self.code()) != 0:
            codes.append(code)
        return codes

    def close(self):
        self.socket.close()


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


END_OF_DATA = {"name": "end_of_data", "outcome": "end", "bytes": b"\r\n.\r\n"}
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def unescape(text):
    """The last column of a corpus table (tests/corpus/README.md) as octets."""
    def octets(match):
        hexadecimal, escape, count, letter = match.groups()
        if hexadecimal:
            return chr(int(hexadecimal, 16))
        return letter * int(count) if count else ESCAPES[escape]
    return re.sub(r"\\x([0-9a-fA-F]{2})|\\([rnt0\\])|\{(\d+)\*(.)\}", octets, text).encode("latin-1")


def corpus(name):
    rows = []
    for line in (ROOT / "tests/corpus" / name).read_text().splitlines():
        if line and not line.startswith("#"):
            case, outcome, octets = line.split("\t")
            rows.append({"name": case, "outcome": outcome, "bytes": unescape(octets)})
    return rows


def text_of(vector, number):
    """The message with the vector in it, then the smuggled transaction, whose own end of data also ends the outer message."""
    before = f"Subject: c{number}\r\n\r\nfirst line".encode()
    after = f"MAIL FROM:<evil@weir.test>\r\nRCPT TO:<s{number}@weir.test>\r\nDATA\r\nSubject: s{number}\r\n\r\nboom\r\n.\r\n".encode()
    return before, vector["bytes"], after


def cuts_of(vector, quick):
    """0: whole; -1: byte by byte; else where the first part ends. Inside a long run of letters a cut says nothing new."""
    before, middle, after = text_of(vector, 10000)
    whole = before + middle + after
    first, last = (len(before) - 1, len(before) + len(middle) + 6) if quick else (1, len(whole) - 1)
    cuts = [cut for cut in range(first, last) if whole[max(0, cut - 4):cut + 4] != b"xxxxxxxx"]
    return [0, *([-1] if len(middle) < 100 else []), *cuts]


class Trial:
    """One server with its sink; outcomes by number of the case."""

    def __init__(self, address, sink):
        self.address, self.sink, self.context = address, sink, tls_context()
        self.lock, self.next, self.cases = threading.Lock(), 0, {}

    def run_case(self, vector, cut, tls):
        with self.lock:
            self.next += 1
            number = 10000 + self.next
        dialogue = Dialogue(self.address)
        if dialogue.command("EHLO smuggler.test") != 250:
            raise LabError("EHLO was refused")
        if tls:
            dialogue.start_tls(self.context)
        codes = [dialogue.command(line) for line in ("MAIL FROM:<source@weir.test>", f"RCPT TO:<c{number}@weir.test>", "DATA")]
        if codes != [250, 250, 354]:
            raise LabError(f"the envelope was refused: {codes}")
        stream = b"".join(text_of(vector, number))
        parts = [stream] if cut == 0 else [bytes([b]) for b in stream] if cut == -1 else [stream[:cut], stream[cut:]]
        dialogue.send_parts([*parts, b"QUIT\r\n"])
        self.cases[number] = (vector, cut, tls, dialogue.replies_until_closed())
        dialogue.close()

    def run_all(self, cases, workers=16):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(self.run_case, *case) for case in cases]:
                done.result()

    def settle(self, seconds):
        """Until everything that was answered 250 has reached the sink, then until nothing more comes."""
        wanted = {f"c{number}" for number, (_, _, _, codes) in self.cases.items() if codes[:1] == [250]}
        end = time.monotonic() + seconds
        while wanted - arrivals(self.sink.ledger).keys():
            if time.monotonic() > end:
                raise LabError(f"{len(wanted - arrivals(self.sink.ledger).keys())} accepted messages did not reach the sink")
            time.sleep(0.1)
        while self.sink.wait_for(self.sink.stats()["messages"] + 1, 1.0):
            pass
        return arrivals(self.sink.ledger)


def describe(case):
    vector, cut, tls, codes = case
    where = {0: "whole", -1: "byte by byte"}.get(cut, f"cut at {cut}")
    return f"{vector['name']} {where}{' over TLS' if tls else ''}: {codes}"


def judge(trial, arrived):
    """Extra messages, refusals that did not come, refused messages that arrived, texts refused; each a list of descriptions."""
    extra, not_refused, leaked, text_refused = [], [], [], []
    for number, case in trial.cases.items():
        vector, codes = case[0], case[3]
        if vector["outcome"] == "end":
            continue
        if f"s{number}" in arrived or len(codes) > 2 or 354 in codes:
            extra.append(describe(case))
        if vector["outcome"] == "refused":
            if not codes or codes[0] < 500:
                not_refused.append(describe(case))
            elif f"c{number}" in arrived:
                leaked.append(describe(case))
        elif codes != [250, 221]:
            text_refused.append(describe(case))
    return extra, not_refused, leaked, text_refused


def injections(address):
    """Commands that must not be acted on, each in one packet; descriptions of those answered otherwise than the table says."""
    wrong = []
    for row in corpus("injection.txt"):
        dialogue = Dialogue(address)
        dialogue.command("EHLO smuggler.test")
        dialogue.send_parts([row["bytes"]])
        dialogue.socket.settimeout(5)
        if row["outcome"] == "554":
            codes = dialogue.replies_until_closed()
        else:  # the session stays open: QUIT ends the list
            dialogue.send_parts([b"QUIT\r\n"])
            codes = [code for code in dialogue.replies_until_closed() if code != 221]
        if codes[-1:] != [int(row["outcome"])]:
            wrong.append(f"{row['name']}: {codes}")
        dialogue.close()
    return wrong


def oracle(claim, cases):
    sink = Sink(claim.folder, "oracle-sink", verify=False)
    postfix = Postfix(claim.folder / "oracle", "127.0.0.1:2601", {
        "relayhost": f"[127.0.0.1]:{sink.port}", "disable_dns_lookups": "yes", "smtpd_peername_lookup": "no", "smtpd_forbid_bare_newline": "reject",
        "smtpd_forbid_bare_newline_exclusions": "", "default_process_limit": "60", "in_flow_delay": "0"}).start()
    trial = Trial(("127.0.0.1", 2601), sink)
    trial.run_all([case for case in cases if not case[2]])
    arrived = trial.settle(120)
    extra, not_refused, _, _ = judge(trial, arrived)
    claim.figure("oracle_cases", len(trial.cases))
    claim.figure("oracle_extra", len(extra))
    claim.figure("oracle_not_refused", len(not_refused))
    postfix.stop()
    sink.stop()
    return trial, arrived


def control(trial, arrived):
    """How many second messages came behind a true end of data."""
    return sum(1 for number, case in trial.cases.items() if case[0]["outcome"] == "end" and f"s{number}" in arrived)


def body(claim):
    run("ip", "link", "set", "lo", "up")
    vectors = [*corpus("smuggling.txt"), END_OF_DATA]
    cases = [(vector, cut, tls) for vector in vectors for cut in cuts_of(vector, claim.quick) for tls in (False, True)]
    claim.figure("vectors", len(vectors))
    if claim.arguments.server == "ours":
        sink = Sink(claim.folder, verify=False)
        self_signed(claim.folder, "mailweir.weir.test")
        tls = {"certificate": str(claim.folder / "mailweir.weir.test.crt"), "key": str(claim.folder / "mailweir.weir.test.key")}
        server = Mailweir(claim.arguments.binary, claim.folder / "ours", {"tls": tls}, smarthost_port=sink.port).start()
        trial = Trial(("127.0.0.1", server.smtp_port), sink)
        trial.run_all(cases)
        arrived = trial.settle(120)
        extra, not_refused, leaked, text_refused = judge(trial, arrived)
        before = sink.stats()["messages"]
        injected = injections(trial.address)
        claim.bar(not sink.wait_for(before + 1, 2.0), "an injected transaction reached the sink")
        seen = control(trial, arrived)
        claim.figure("cases", len(trial.cases))
        for name, found in (("not_refused", not_refused), ("refused_but_sent", leaked), ("text_refused", text_refused)):
            claim.figure(name, len(found))
            claim.bar(not found, f"{name}: {len(found)}, such as {found[:3]}")
        claim.figure("injections_wrong", len(injected))
        claim.figure("control_second_messages", seen)
        claim.bar(not extra, f"{len(extra)} smuggled, such as {extra[:3]}")
        claim.bar(not injected, f"{len(injected)} injections were answered wrongly: {injected[:5]}")
        claim.bar(seen > 0, "not even a true end of data let the second message through: this test has no teeth")
        RESULT["extra_messages"] = len(extra)
        server.stop()
        sink.stop()
    trial, arrived = oracle(claim, cases)
    if claim.arguments.server == "postfix":
        claim.figure("control_second_messages", control(trial, arrived))
        RESULT["extra_messages"] = len(judge(trial, arrived)[0])


RESULT = {"extra_messages": 0}
CLAIM = Claim("smuggling", [(["--server"], {"default": "ours", "choices": ["ours", "postfix"]})])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("extra_messages", RESULT["extra_messages"]))
    sys.exit(2)
