"""A service manager of the test's own: the other end of what services say (sd_notify(3)), and one thread stopped for real."""

import ctypes
import os
import socket

from process import read_text

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # waitpid's __WALL: threads, too
libc = ctypes.CDLL(None, use_errno=True)


class Manager:
    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)

    def environment(self, patience=None):
        """Of a service that is to say so; `patience` in seconds is its watchdog's."""
        return {"NOTIFY_SOCKET": self.path, **({"WATCHDOG_USEC": str(int(patience * 1e6))} if patience else {})}

    def next(self, seconds):
        """What is said next within that time, as a dict; None: nothing was."""
        self.socket.settimeout(seconds)
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.splitlines())

    def wait(self, word, seconds=30):
        """The first message that holds this word, whatever is said before."""
        while (said := self.next(seconds)) is not None:
            if word in said:
                return said
        raise AssertionError(f"{word} was not said within {seconds} s")

    def drain(self):
        while self.next(0.001) is not None:
            pass

    def close(self):
        self.socket.close()


def thread_named(pid, name):
    (found,) = [int(tid) for tid in os.listdir(f"/proc/{pid}/task") if read_text(f"/proc/{pid}/task/{tid}/comm").strip() == name]
    return found


def _ptrace(request, tid):
    if libc.ptrace(request, ctypes.c_long(tid), None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {tid}")


class Stopped:
    """While entered, this one thread of another process does nothing; its others go on."""

    def __init__(self, tid):
        self.tid = tid

    def __enter__(self):
        _ptrace(PTRACE_SEIZE, self.tid)
        _ptrace(PTRACE_INTERRUPT, self.tid)
        os.waitpid(self.tid, WALL)

    def __exit__(self, *_):
        _ptrace(PTRACE_DETACH, self.tid)
