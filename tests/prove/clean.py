# claim: clang-format and clang-tidy find nothing; the suite passes under ASan and UBSan; no parser falls to its fuzzer
# bound: 5400
"""What `script/test --sanitize` and `script/tidy` run, as one claim. --seconds is what each fuzz target gets; the parsers of untrusted
bytes and what the project promises a fuzz target for must all be among the targets."""
import os
import subprocess
import sys

from lab.claim import ROOT, Claim
from lab.process import run

PROMISED = {"smtp_command", "data_framing", "address", "reply", "spool_record", "config"}


def step(claim, name, *argv, **environment):
    """Whether the command succeeded; its output goes to a file, the end of it to the terminal if it did not."""
    log = claim.folder / f"{name}.log"
    with open(log, "wb") as output:
        done = subprocess.run(argv, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT, check=False)
    claim.say(f"{name}: {'passed' if done.returncode == 0 else 'FAILED'}")
    if done.returncode != 0:
        print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
    claim.figure(name, "passed" if done.returncode == 0 else "failed")
    return claim.bar(done.returncode == 0, f"{name} failed: {' '.join(map(str, argv))}")


def body(claim):
    run("ip", "link", "set", "lo", "up")
    passed = [step(claim, "format", "script/format", "--check"), step(claim, "tidy", "script/tidy")]
    if step(claim, "asan_build", "script/build", "asan"):
        options = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        passed.append(step(claim, "asan_suite", "ctest", "--test-dir", "build/asan", "--output-on-failure", "-j", str(os.cpu_count()), **options))
        targets = run(str(ROOT / "script/fuzz")).split()
        claim.figure("fuzz_targets", len(targets))
        claim.bar(PROMISED <= set(targets), f"no fuzz target for {sorted(PROMISED - set(targets))}")
        for target in targets:
            passed.append(step(claim, f"fuzz_{target}", "script/fuzz", target, str(claim.arguments.seconds)))
    RESULT["passed"] = sum(passed)


RESULT = {"passed": 0}
CLAIM = Claim("clean", [(["--seconds"], {"type": int, "default": 20, "help": "for each fuzz target"})])
if __name__ == "__main__":
    CLAIM.run(body, lambda: ("steps_passed", RESULT["passed"]))
    sys.exit(2)
