"""Readings of processes from /proc, and the few statistics that the rows need. Times in seconds unless named."""

import os
import socket
import statistics
import subprocess
import time
from collections import namedtuple

TICK = 1 / os.sysconf("SC_CLK_TCK")

# A process's own CPU time, and that of its children that it has reaped.
Cpu = namedtuple("Cpu", "own children")


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()  # the name may hold blanks and brackets
    user, system, children_user, children_system = (int(field) * TICK for field in fields[11:15])
    return Cpu(user + system, children_user + children_system)


def cpu_exact_ms(pid):
    """Milliseconds on a CPU of the threads that live now, from the scheduler's own count (not in ticks)."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as file:
            total += int(file.read().split()[0])
    return total / 1e6


def memory_mb(pid):
    """(resident, anonymous) in MB of 10^6 bytes."""
    values = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if rest.strip().endswith("kB"):
                values[name] = int(rest.split()[0]) * 1024 / 1e6
    return values["Rss"], values["Anonymous"]


def peak_mb(pid):
    """The most that was ever resident, in MB of 10^6 bytes."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith("VmHWM:"))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def output_of(command):
    """What it printed; empty if it failed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def timed(command, **options):
    """Seconds that the command took, and what it printed; RuntimeError with its output if it failed."""
    begin = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    seconds = time.monotonic() - begin
    if done.returncode != 0:
        tail = (done.stdout[-1000:] + done.stderr[-2000:]).strip()
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{tail}")
    return seconds, done.stdout


def timed_with_peak(command, **options):
    """Seconds that it took and its peak of resident memory in bytes; RuntimeError if it failed. Its output is dropped."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}")
    return time.monotonic() - begin, usage.ru_maxrss * 1024


def wait_for(what, condition, seconds=15):
    """Polls until `condition` returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


median = statistics.median


def percentile(values, percent):
    """The smallest value that at least `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
