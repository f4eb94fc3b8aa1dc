"""Programs that a test starts: their logs, their addresses, their end; and waiting by condition."""

import os
import pwd
import signal
import subprocess
import time


class Timeout(AssertionError):
    """What was waited for did not happen."""


def wait_for(what, condition, seconds=30):
    """The first true value of `condition`, looked at until then; Timeout naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Timeout(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return value


def read_text(path):
    """The file's text; empty if there is none, or it is of a process that has just ended."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def peak_rss(pid):
    """The most memory that was ever resident, in bytes."""
    return next(int(line.split()[1]) << 10 for line in read_text(f"/proc/{pid}/status").splitlines() if line.startswith("VmHWM"))


def as_user(name):
    """What to put before a command so that this user runs it; needs root, or sudo without a password."""
    if name == pwd.getpwuid(os.geteuid()).pw_name:
        return []
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [*sudo, "setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups", "--"]


class Program:
    """One of the servers under test, with a data directory and a log of all that it said over its restarts."""

    def __init__(self, command, data_dir, environment):
        self.command = [*command, "--data-dir", data_dir]
        self.name = os.path.basename(data_dir)
        self.data_dir = data_dir
        self.environment = environment
        self.log_path = data_dir + ".log"
        self.process = None

    def start(self):
        """Starts it and waits for its address; the one of the last start does not count."""
        os.makedirs(self.data_dir, exist_ok=True)
        if os.path.exists(self._address_file):
            os.unlink(self._address_file)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        wait_for(f"{self.name} says its address", self._listening)
        return self

    def restart(self):
        """Starts it again where it was: on the same data and the same address."""
        listen = self.command.index("--listen") + 1
        self.command[listen] = self.address
        return self.start()

    @property
    def _address_file(self):
        return os.path.join(self.data_dir, "address")

    def _listening(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        text = read_text(self._address_file)
        if not text.startswith("grpc ") or not text.endswith("\n"):
            return False
        self.address = text.split()[1]
        return True

    @property
    def http(self):
        """The address of its HTTP side; None if it has none."""
        return next((line.split()[1] for line in read_text(self._address_file).splitlines() if line.startswith("http ")), None)

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])

    def log(self):
        return read_text(self.log_path)

    def kill(self):
        """As a crash: SIGKILL."""
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """As a service manager does; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within 15 s after SIGTERM") from None


class Leftovers:
    """Processes that know a folder: by an argument (launchers) or by the workspace they run in (jobs)."""

    def __init__(self, folder):
        self.folder = folder

    def launchers(self):
        return [pid for pid, arguments in _command_lines() if os.path.basename(arguments[0]) == "cromt-launcher"
                and any(argument.startswith(self.folder) for argument in arguments)]

    def jobs(self):
        """Pids of all that a job started, however deep and in whatever session."""
        mark = f"CROMT_WORKSPACE={self.folder}/".encode()
        return [pid for pid in _pids() if mark in _read_bytes(f"/proc/{pid}/environ")]

    def kill_all(self):
        """KILL to jobs. A launcher without jobs ends by TERM, and takes its cgroups along; KILL if it does not."""
        _signal(self.jobs(), signal.SIGKILL)
        _signal(self.launchers(), signal.SIGTERM)
        try:
            wait_for("launchers and jobs are gone", lambda: not self.launchers() and not self.jobs(), seconds=5)
        except Timeout:
            _signal(self.launchers() + self.jobs(), signal.SIGKILL)


def _signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:  # gone meanwhile, or another user's
            pass


def alive(pid):
    """Whether the process is there and not only a zombie."""
    state = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return bool(state) and state[0] != "Z"


def _pids():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _read_bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _command_lines():
    for pid in _pids():
        yield pid, _read_bytes(f"/proc/{pid}/cmdline").decode(errors="replace").split("\0")
