"""Namespaces of its own for a test file: what it mounts or listens on is nobody else's."""

import atexit
import fcntl
import os
import socket
import struct
import subprocess
import sys

_ENTERED = "CROMT_TEST_NAMESPACES"


def enter(network=False):
    """Starts this program again with mounts of its own, and with a network of its own where only the loopback is up."""
    if os.environ.pop(_ENTERED, "") == "yes":
        return _raise_loopback() if network else None
    os.environ[_ENTERED] = "yes"
    flags = [*_MOUNTS, *(["--net"] if network else []), *([] if os.geteuid() == 0 else ["--map-root-user"])]
    atexit._run_exitfuncs()  # exec would leave out what imported modules have to tidy up
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    return None


def with_boot_id(path):
    """What to put before a command, so that the boot id of its host is what this file says. Entered already."""
    return ["unshare", *_MOUNTS, "sh", "-c", 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"', path]


def mount_tmpfs(path, size="16m"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], check=True)


def _root_is_mounted():
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return any(line.split()[4] == "/" for line in mounts)


# In a chroot the root can't be told to keep mounts to itself.
_MOUNTS = ["--mount", *([] if _root_is_mounted() else ["--propagation", "unchanged"])]


def _raise_loopback():
    siocsifflags, iff_up = 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sh14x", b"lo", iff_up))
