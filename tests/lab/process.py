"""Processes of a lab: started here, measured from /proc, ended by their own pid. Nothing waits without a deadline."""
import os
import signal
import subprocess
import time

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class LabError(Exception):
    """The lab could not be set up or did not get where it should; says so in one sentence."""


class ServerFailed(LabError):
    """The server under test did not do what it must: a claim that meets this does not hold."""


def until(what, seconds, condition, interval=0.01):
    """Polls until condition() is true and returns its value; a LabError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds:g} s")
        time.sleep(interval)


def run(*argv, timeout=60, check=True, **options):
    """Runs to the end and returns standard output; a LabError carries what it printed."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=True, **options)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(map(str, argv))}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def unmount(folder):
    """Processes that were just killed may still hold it for a moment."""
    def is_unmounted():
        done = subprocess.run(["umount", str(folder)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0 and "busy" not in done.stderr:
            raise LabError(done.stderr.strip())
        return done.returncode == 0
    until(f"umount {folder}", 15, is_unmounted, 0.05)


class Process:
    """A child that runs until stop(). Its output goes to a file, shown when it dies too early."""

    def __init__(self, argv, log, **options):
        self.argv = [str(a) for a in argv]
        self.log = str(log)
        with open(self.log, "ab") as output:
            self.child = subprocess.Popen(self.argv, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
        self.pid = self.child.pid

    def is_running(self):
        return self.child.poll() is None

    def output(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def expect_running(self):
        if not self.is_running():
            raise LabError(f"{self.argv[0]} ended with {self.child.returncode}: {self.output()[-2000:]}")

    def kill(self):
        """kill -9, and waits until it is gone."""
        if self.is_running():
            self.child.send_signal(signal.SIGKILL)
        return self.child.wait(timeout=30)

    def stop(self, seconds=15, signal_number=signal.SIGTERM):
        """Asks it to end and returns its exit code; kill -9 after `seconds`, which is a LabError."""
        if self.is_running():
            self.child.send_signal(signal_number)
        try:
            return self.child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"{self.argv[0]} did not end within {seconds} s of signal {signal_number}") from None


def _stat(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        return file.read().rsplit(")", 1)[1].split()


def tree(root):
    """The pids of a process and of all its living descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(entry)[1]), []).append(int(entry))
            except (OSError, IndexError):
                continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(root):
    """User and system time of a process tree so far, its reaped children included."""
    ticks = 0
    for pid in tree(root):
        try:
            fields = _stat(pid)
        except OSError:
            continue
        ticks += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return ticks / CLOCK_TICKS


def memory_bytes(pid, field="VmRSS"):
    """`VmRSS` now or `VmHWM` at its highest."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise LabError(f"/proc/{pid}/status has no {field}")
