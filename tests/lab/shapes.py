"""Messages that find out what a relay does to mail, as (name, bytes of the body in CRLF form, SMTPUTF8 needed)."""

_UTF8 = "Zażółć gęślą jaźń — 日本語 — Привет"


def shapes(big_bytes=5 << 20):
    line = b"The quick brown fox jumps over the lazy dog 0123456789.\r\n"
    return [
        ("ascii", b"Hello,\r\n\r\nan ordinary text.\r\n", False),
        ("dots", b".\r\n..\r\n.x\r\nx.\r\n\r\n.\r\n...\r\nFrom the top\r\n.\r\nend\r\n", False),
        ("lastdot", b"the last line is a dot\r\n.\r\n", False),
        ("empty", b"", False),
        ("blank", b"\r\n\r\n\r\n", False),
        ("spaces", b"trailing blanks  \t\r\n \r\n\tleading\r\n", False),
        ("long998", b"x" * 998 + b"\r\n" + b"." * 998 + b"\r\n" + b"y" * 997 + b"\r\n", False),
        ("8bit", bytes(b for b in range(0xA0, 0x100)) + b"\r\n" + _UTF8.encode() + b"\r\n", False),
        ("smtputf8", _UTF8.encode() + b"\r\n", True),
        ("big", line * (big_bytes // len(line)), False),
    ]


def message(token, sender, recipient, body, utf8):
    """The whole message in CRLF form."""
    subject = _UTF8 if utf8 else "a shape"
    coding = "8bit" if any(b > 127 for b in body) else "7bit"
    head = (f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\nMessage-ID: <{token}@client.test>\r\n"
            f"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nX-Token: {token}\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {coding}\r\n\r\n")
    return head.encode() + body
