"""A private root for an unpacked peer: build/peers/NAME laid over the host's root, with users of its own.

What the peer writes goes to memory and vanishes with the mount namespace that script/prove made; folders that must be on a
real disk (queues) are bound in. Needs root and its own mount namespace.
"""
import os
import stat
from pathlib import Path

from .claim import ROOT
from .process import LabError, Process, run, unmount

USERS = {  # name: (uid, primary group)
    "postfix": (9101, "postfix"), "exim": (9103, "exim"), "Debian-exim": (9104, "Debian-exim"), "opensmtpd": (9105, "opensmtpd"),
    "opensmtpq": (9106, "opensmtpq"), "nsd": (9107, "nsd"), "mailbox": (9108, "mailbox"),
}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
GROUPS = {"postdrop": 9102, **{group: uid for uid, group in USERS.values()}}


def peer_tree(name):
    tree = ROOT / "build/peers" / name
    if not (tree / ".complete").exists():
        run(ROOT / "script/lib/unpack-peers", name, timeout=300)
    return tree


class Jail:
    """`binds` maps folders inside to folders outside; `netns` is the name of the network namespace it runs in, if any."""

    def __init__(self, peer, folder, binds=None, netns=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.netns = netns
        self.root = self._mount(peer_tree(peer))
        self._add_users()
        for inside, outside in (binds or {}).items():
            self.bind(inside, outside)

    def bind(self, inside, outside):
        if not Path(outside).resolve().is_relative_to(self.folder.resolve()):
            raise LabError(f"{outside} is outside the working folder and must not be bound into a jail")
        self.path(inside).mkdir(parents=True, exist_ok=True)
        Path(outside).mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", outside, self.path(inside))

    def unbind(self, inside):
        unmount(self.path(inside))

    def _mount(self, tree):
        store, root = self.folder / "store", self.folder / "root"
        store.mkdir()
        root.mkdir()
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", store)
        for name in ("upper", "work"):
            (store / name).mkdir()
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={store}/upper,workdir={store}/work", root)
        # Through the mount, not as a layer: a layer's real /lib would hide the host's symbolic link of that name.
        run("bash", "-c", f"tar -C '{tree}' --exclude=./.complete -cf - . | tar -C '{root}' --keep-directory-symlink -xf -")
        # Never a bind of a folder of the host: whatever happens to this root, nothing outside it can be harmed through it.
        run("mount", "-t", "proc", "proc", root / "proc")
        for name in ("tmp", "run", "var/tmp"):
            run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / name)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", root / "dev")
        for name, (major, minor) in DEVICES.items():
            os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
            (root / "dev" / name).chmod(0o666)
        (root / "dev/fd").symlink_to("/proc/self/fd")
        return root

    def _add_users(self):
        with open(self.path("/etc/passwd"), "a") as passwd:
            for name, (uid, group) in USERS.items():
                passwd.write(f"{name}:x:{uid}:{GROUPS[group]}::/var/empty:/usr/sbin/nologin\n")
        with open(self.path("/etc/group"), "a") as groups:
            for name, gid in GROUPS.items():
                groups.write(f"{name}:x:{gid}:\n")
        self.path("/var/empty").mkdir(exist_ok=True, mode=0o755)

    def path(self, inside):
        return self.root / str(inside).lstrip("/")

    def write(self, inside, text, mode=0o644):
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(text)
        target.chmod(mode)

    def _argv(self, argv):
        enter = ["nsenter", f"--net=/run/netns/{self.netns}"] if self.netns else []
        return [*enter, "chroot", self.root, *argv]

    def run(self, *argv, **options):
        return run(*self._argv(argv), **options)

    def start(self, *argv, log="daemon.log"):
        return Process(self._argv(argv), self.folder / log)
