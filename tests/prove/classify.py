# claim: refusals are understood: every rule's samples pass, and of the gathered replies a path is told from a recipient in 95 % (docs/providers.md says which were unseen)
# builds: provider_test
# needs:
# bound: 120
"""Every sample of every rule must be read by its own rule (`mailweir catalogue check`). Then the replies of tests/data/replies, which were
gathered from public bounces and logs after the rules were written and labelled by hand: the share in which a refusal about the path
(throttled, connection limit, block-listed) is told from one about the recipient (mailbox, greylisting). The control judges the same
replies without the general rules, and must fail the bar.
"""
import json
import os
import re
import subprocess
import time

from lab.claim import ROOT, Claim
from lab.process import LabError

BAR = 0.95
BLOCKED = "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. part of their network is on our block list (S3150)"
MISSING = "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"


def mailweir(claim, *arguments):
    return subprocess.run([claim.arguments.mailweir, *arguments], capture_output=True, text=True, timeout=30)


def ruled(claim, provider, phase, reply):
    done = mailweir(claim, "classify", "--json", "--provider", provider, "--phase", phase, reply)
    if done.returncode != 0:
        raise LabError(done.stderr)
    return json.loads(done.stdout)["replies"][0]


def body(claim):
    for binary in (claim.arguments.mailweir, claim.arguments.tests):
        if not os.path.exists(binary):
            raise LabError(f"there is no {binary}; run script/build release mailweir provider_test")
    began = time.monotonic()
    checked = mailweir(claim, "catalogue", "check")
    claim.figure("catalogue_check_s", time.monotonic() - began)
    claim.bar(checked.returncode == 0, checked.stdout.strip() or checked.stderr.strip())
    found = re.search(r"(\d+) rules of (\d+) files", checked.stdout)
    claim.figure("rules", int(found[1]) if found else 0)
    claim.figure("files", int(found[2]) if found else 0)

    done = subprocess.run([claim.arguments.tests, "--gtest_filter=Replies.*:EmbeddedRules.*"], capture_output=True, text=True, timeout=60)
    shown = [line for line in done.stdout.splitlines() if re.match(r"(all rules|control|  (wanted|path|recipient|other))", line)]
    print("\n".join(shown), flush=True)
    shares = [float(share) for share in re.findall(r"told_apart=([\d.]+)", done.stdout)]
    claim.bar(done.returncode == 0, f"{claim.arguments.tests} ended with {done.returncode}")
    claim.bar(len(shares) == 2, "the tests printed no shares")
    if len(shares) == 2:
        claim.figure("told_apart", shares[0])
        claim.figure("told_apart_without_general_rules", shares[1])
        claim.bar(shares[0] >= BAR, f"told apart in {shares[0]:.3f}; the bar is {BAR}")
        claim.bar(shares[1] < BAR, "the control passed as well: the bar shows nothing")
        claim.result = shares[0]

    # The two that must not be confused: one waits, one bounces.
    blocked, missing = ruled(claim, "outlook-consumer", "mail", BLOCKED), ruled(claim, "ms365", "rcpt", MISSING)
    claim.bar(blocked["category"] == "block_listed", f"a block-listing was read as {blocked['category']}")
    claim.bar(missing["category"] == "mailbox", f"a missing mailbox was read as {missing['category']}")


claim = Claim("classify", [
    (("--mailweir",), {"default": str(ROOT / "build/release/mailweir"), "help": "the program"}),
    (("--tests",), {"default": str(ROOT / "build/release/src/provider/provider_test"), "help": "the test program"}),
])
claim.result = 0.0
claim.run(body, lambda: ("told_apart", claim.result))
