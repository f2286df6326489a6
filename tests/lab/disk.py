"""Disks that can lose power, fill up or fail, as loop devices over files. Need root and a mount namespace of one's own.

A loop device is detached at once after it is mounted; the kernel frees it with the last mount, so that none is left
behind whatever happens to the run.
"""
import os
import random
import struct
from collections import namedtuple

from .process import LabError, Process, run, until

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
STAMP_OFFSET = 16  # nr_entries in the log's super block

Entry = namedtuple("Entry", "offset length flags at")  # on the disk; where its data are in the log


def make_sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def mkfs(kind, device):
    run(*{"ext4": ["mkfs.ext4", "-q", "-F", "-m", "0"], "xfs": ["mkfs.xfs", "-q", "-f"]}[kind], device, timeout=120)


def mount_image(image, folder, kind=None):
    """Mounts the file `image`, made into a file system first if `kind` is given."""
    folder.mkdir(parents=True, exist_ok=True)
    device = run("losetup", "--find", "--show", image).strip()
    try:
        if kind:
            mkfs(kind, device)
        # Replayed images of one disk have one UUID; XFS refuses a second at the same time unless told otherwise.
        options = ["-o", "nouuid"] if run("blkid", "-o", "value", "-s", "TYPE", device, check=False).strip() == "xfs" else []
        run("mount", *options, device, folder)
    finally:
        run("losetup", "--detach", device)


class LoggedDisk:
    """A disk whose every write and flush is recorded in order (qemu's blklogwrites, the format of dm-log-writes)."""

    def __init__(self, folder, size, log_size):
        folder.mkdir(parents=True, exist_ok=True)
        self.image, self.log, self.export = folder / "disk.img", folder / "log.img", folder / "export"
        make_sparse(self.image, size)
        make_sparse(self.log, log_size)
        self.export.touch()
        self.size = size
        self.daemon = Process([
            "qemu-storage-daemon", "--blockdev", f"driver=file,node-name=file,filename={self.image}",
            "--blockdev", f"driver=file,node-name=log,filename={self.log}",
            "--blockdev", "driver=raw,node-name=log-raw,file=log", "--blockdev", "driver=raw,node-name=file-raw,file=file",
            "--blockdev", "driver=blklogwrites,node-name=logged,file=file-raw,log=log-raw,log-sector-size=512,log-super-update-interval=1",
            "--export", f"type=fuse,id=export,node-name=logged,mountpoint={self.export},writable=on"], folder / "qemu.log")
        until("the FUSE export", 20, lambda: self.daemon.expect_running() or os.stat(self.export).st_size == size)

    @property
    def stamp(self):
        """For weir_source and weir_sink: how many entries the log has."""
        return f"{self.log}:{STAMP_OFFSET}"

    def entry_count(self):
        with open(self.log, "rb") as log:
            log.seek(STAMP_OFFSET)
            return struct.unpack("<Q", log.read(8))[0]

    def stop(self):
        self.daemon.stop()

    def entries(self):
        """All entries, to be read once the disk is stopped."""
        found = []
        with open(self.log, "rb") as log:
            magic, _, count, sector_size = struct.unpack("<QQQI", log.read(28))
            if magic != 0x6A736677736872 or sector_size != SECTOR:
                raise LabError("the write log has another format")
            at = SECTOR
            for _ in range(count):
                log.seek(at)
                sector, sectors, flags, _ = struct.unpack("<QQQQ", log.read(32))
                at += SECTOR
                found.append(Entry(sector * SECTOR, sectors * SECTOR, flags, at))
                if not flags & DISCARD:
                    at += sectors * SECTOR
        return found


class FailingDisk:
    """A disk on which every write fails with EIO while armed (nbdkit's error filter behind a FUSE file)."""

    def __init__(self, folder, size):
        folder.mkdir(parents=True, exist_ok=True)
        self.trigger = folder / "INJECT"
        image, nbd_socket, mount_point = folder / "disk.img", folder / "nbd.sock", folder / "nbd"
        make_sparse(image, size)
        mount_point.mkdir()
        self.server = Process(["nbdkit", "--foreground", "--exit-with-parent", "--unix", nbd_socket, "--filter=error", "file", image,
                               "error=EIO", "error-pwrite-rate=100%", f"error-file={self.trigger}"], folder / "nbdkit.log")
        until("nbdkit", 10, lambda: self.server.expect_running() or nbd_socket.exists())
        self.fuse = Process(["nbdfuse", mount_point, f"nbd+unix://?socket={nbd_socket}"], folder / "nbdfuse.log")
        self.export = mount_point / "nbd"
        until("nbdfuse", 10, lambda: self.fuse.expect_running() or self.export.exists())

    def arm(self):
        self.trigger.touch()

    def disarm(self):
        self.trigger.unlink()

    def stop(self):
        self.fuse.stop()
        self.server.stop()


class Replay:
    """Images of what a disk may hold after the power went at an entry: all up to the last flush, and a random part of the rest.

    cut(k) must be called with k never falling: it keeps a base image rolled forward.
    """

    def __init__(self, disk, base):
        self.disk, self.base = disk, base
        self.entries = disk.entries()
        self.flushed = 0  # entries in the base image
        make_sparse(base, disk.size)

    def cut(self, k, image, rng=random):
        last_flush = max((i + 1 for i in range(k - 1, self.flushed - 1, -1) if self.entries[i].flags & FLUSH), default=self.flushed)
        with open(self.disk.log, "rb") as log:
            with open(self.base, "r+b") as target:
                for entry in self.entries[self.flushed:last_flush]:
                    self._apply(log, target, entry)
            self.flushed = last_flush
            run("cp", "--sparse=always", self.base, image)
            kept = 0
            with open(image, "r+b") as target:
                for entry in self.entries[last_flush:k]:
                    if entry.flags & FUA or rng.random() < 0.5:
                        self._apply(log, target, entry)
                        kept += 1
        return k - last_flush, kept

    def _apply(self, log, target, entry):
        if entry.length == 0 or entry.flags & DISCARD:
            return
        log.seek(entry.at)
        target.seek(entry.offset)
        target.write(log.read(entry.length))
