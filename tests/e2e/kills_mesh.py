"""A mesh whose programs are killed, stopped and started again: each on an address and a data directory that stay.

REQUIRES: a network namespace of its own (namespaces.enter), so that nobody takes a port while its owner is dead.
"""

import json
import os
import signal
import subprocess
import time
import uuid

import namespaces
import rpc
from install import PROGRAMS, install, place
from mesh import BIN, Mesh
from process import Program, read_text, wait_for

COORDINATOR = "coordinator"
AGENT_PORT, COORDINATOR_PORT = 4100, 4201  # not 4001: there it would also serve a socket that belongs to the machine
DISK = "48m"


class KillsMesh(Mesh):
    """All programs on loopback."""

    def __init__(self, names, slots, cgroup):
        super().__init__()
        self.names = names
        self._cgroup = cgroup
        self._slots = slots
        self._stopped = set()  # pids under SIGSTOP

    # ---- Where things are: what HostsMesh says otherwise --------------------------------------------

    def address(self, name):
        return f"127.0.0.1:{COORDINATOR_PORT if name == COORDINATOR else AGENT_PORT + self.names.index(name)}"

    def before(self, name):
        """What is put before the command of this program: each agent's host has a boot id of its own."""
        return [] if name == COORDINATOR else namespaces.with_boot_id(self._boot(name))

    def flags(self):
        return []

    # ---- Programs -----------------------------------------------------------------------------------

    def start_everything(self):
        # Their user's own home holds what is not ours, such as a tom.yaml.
        config = self.write("agent.yaml", json.dumps({"env": {"HOME": self.path("home")}}))
        self._install()
        for name in self.names:
            command = [*self.before(name), self.path("bin", name, "cromt-agent"), "--listen", self.address(name), "--slots",
                       str(self._slots), "--cgroup", self._cgroup, "--config", config, *self.flags()]
            self.agents[name] = Program(command, self.path(name), self.environment)
            self.agents[name].start()
        command = [*self.before(COORDINATOR), self.path("bin", COORDINATOR, "cromt-coordinator"), "--listen", self.address(COORDINATOR),
                   "--config", self.write_config(allow_local_git=True), *self.flags()]
        self.coordinator = Program(command, self.path(COORDINATOR), self.environment)
        self.coordinator.start()

    # ---- Installed programs -------------------------------------------------------------------------

    def _install(self):
        """Each program has a folder of its own with all that it starts, so that they are replaced one at a time."""
        install(self.path("bin", "other"), other=True)
        for name in [*self.names, COORDINATOR]:
            install(self.path("bin", name))
        self._next = dict.fromkeys([*self.names, COORDINATOR], self.path("bin", "other"))

    def replace(self, name):
        """Another version takes the place of its files; what runs goes on with the deleted ones."""
        theirs, self._next[name] = self._next[name], BIN if self._next[name] != BIN else self.path("bin", "other")
        for program in PROGRAMS:
            place(os.path.join(theirs, program), self.path("bin", name, program))

    def program(self, name):
        return self.coordinator if name == COORDINATOR else self.agents[name]

    def started(self, name):
        return name in self.agents or name == COORDINATOR and self.coordinator is not None

    def runs(self, name):
        return self.program(name).process.poll() is None

    def kill(self, name):
        """SIGKILL, if it runs; whether it did."""
        if not self.runs(name):
            return False
        self.wake(self.program(name).process.pid)
        self.program(name).kill()
        return True

    def kill_while_it_starts(self, name, pause):
        """A start that does not get far."""
        program = self.program(name)
        with open(program.log_path, "ab") as log:
            program.process = subprocess.Popen(program.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               env=program.environment)
        time.sleep(pause)  # of the schedule: it may be anywhere in its start
        return self.kill(name)

    def revive(self, name):
        """Starts it if it does not run. On a full disk it may refuse."""
        if self.runs(name):
            return
        try:
            self.program(name).start()
        except AssertionError:
            if not self._is_full(name) or self.runs(name):
                raise

    def launchers_of(self, name):
        """Pids of this agent's launchers: one, none while it is being started again."""
        return [pid for pid in self.launchers() if self.path(name).encode() in _bytes(f"/proc/{pid}/cmdline").split(b"\0")]

    def _boot(self, name):
        return self.write(f"{name}.boot", f"{uuid.uuid4()}\n")

    def crash_host(self, name):
        """All that runs there is gone at once, and the kernel will be another one; whether the agent and launchers ran."""
        done = self.kill(name), self.kill_launcher(name)
        wait_for(f"jobs of {name} are dead", lambda: not self._kill_jobs(name))
        self._boot(name)
        return done

    def _kill_jobs(self, name):
        mark = f"CROMT_WORKSPACE={self.path(name)}/".encode()
        pids = [pid for pid in self.jobs() if mark in _bytes(f"/proc/{pid}/environ")]
        return [pid for pid in pids if _signal(pid, signal.SIGKILL)]

    def kill_launcher(self, name):
        pids = self.launchers_of(name)
        for pid in pids:
            self.wake(pid)
            _signal(pid, signal.SIGKILL)
        return len(pids)

    def kill_step(self, name):
        """SIGKILL to a cromt-step of this agent, the first process of its task: run, task and attempt; None if there is none."""
        for launcher in self.launchers_of(name):
            for pid in children(launcher):
                if read_text(f"/proc/{pid}/comm") != "cromt-step\n":
                    continue
                words = _bytes(f"/proc/{pid}/environ").decode(errors="replace").split("\0")
                of = dict(word.split("=", 1) for word in words if word.startswith("CROMT_") and "=" in word)
                if "CROMT_ATTEMPT" in of and _signal(pid, signal.SIGKILL):
                    return of["CROMT_RUN"], of["CROMT_TASK"], int(of["CROMT_ATTEMPT"])
        return None

    def kill_git(self):
        """SIGKILL to a cromt-git that fetches or packs for the coordinator; whether there was one."""
        pids = children(self.program(COORDINATOR).process.pid) if self.runs(COORDINATOR) else []
        return any(read_text(f"/proc/{pid}/comm") == "cromt-git\n" and _signal(pid, signal.SIGKILL) for pid in pids)

    def freeze(self, pid):
        if _signal(pid, signal.SIGSTOP):
            self._stopped.add(pid)

    def wake(self, pid):
        if pid in self._stopped:
            self._stopped.discard(pid)
            _signal(pid, signal.SIGCONT)

    # ---- What is asked of the coordinator -------------------------------------------------------------

    def start_run(self, request, root, seconds):
        """Asks with the same request id until there is an answer: the run's id. Any thread."""
        deadline = time.monotonic() + seconds
        service = rpc.coordinator.DESCRIPTOR.services_by_name["CoordinatorService"]
        while True:
            client = rpc.Client(self.address(COORDINATOR), service)
            try:
                return client.call("Start", timeout=5, request_id=request, project=root, author="kills").run_id
            except rpc.grpc.RpcError as error:
                if error.code().name not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED") or time.monotonic() > deadline:
                    raise
            finally:
                client.close()
            time.sleep(0.02)  # nobody listens; there is nothing else to wait for

    # ---- Disks --------------------------------------------------------------------------------------

    def mount_disks(self):
        """A small file system of its own for each program's data."""
        for name in [*self.names, COORDINATOR]:
            os.makedirs(self.path(name))
            namespaces.mount_tmpfs(self.path(name), DISK)

    def fill_disk(self, name):
        with open(self.path(name, "filler"), "wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def empty_disk(self, name):
        if self._is_full(name):
            os.unlink(self.path(name, "filler"))

    def _is_full(self, name):
        return os.path.exists(self.path(name, "filler"))

    # ---- The end --------------------------------------------------------------------------------------

    def strangers(self):
        """Processes that name this mesh's folder in their arguments or as their workspace, but for its own programs."""
        own = {program.process.pid for program in [*self.agents.values(), self.coordinator]} | set(self.launchers())
        own |= {child.pid for child in self._children}
        named = {int(pid) for pid in os.listdir("/proc") if pid.isdigit()
                 and self.folder.encode() in _bytes(f"/proc/{pid}/cmdline")}
        return sorted((named | set(self.jobs())) - own)

    def close(self):
        for pid in list(self._stopped):
            self.wake(pid)
        mounts = [path for path in map(self.path, [*self.names, COORDINATOR]) if os.path.ismount(path)]
        if mounts:  # their users first
            for name in filter(self.started, [*self.names, COORDINATOR]):
                self.kill(name)
            self._leftovers.kill_all()
            subprocess.run(["umount", "--lazy", *mounts], check=True)
        super().close()


def children(pid):
    """Pids of the processes that any of its threads has started."""
    try:
        return [int(child) for thread in os.listdir(f"/proc/{pid}/task")
                for child in read_text(f"/proc/{pid}/task/{thread}/children").split()]
    except OSError:  # it has ended
        return []


def describe(pid):
    """A process for a message."""
    return f"{pid} ({_bytes(f'/proc/{pid}/cmdline').replace(bytes(1), b' ').decode(errors='replace').strip()})"


def own_cgroup():
    """The directory of this process's group in the v2 hierarchy, if groups can be made there; else None."""
    mounts = [line.split() for line in read_text("/proc/self/mountinfo").splitlines() if " - cgroup2 " in line]
    groups = [line[3:] for line in read_text("/proc/self/cgroup").splitlines() if line.startswith("0::/")]
    if not mounts or not groups or mounts[0][3] != "/":
        return None
    path = mounts[0][4] + groups[0].rstrip("/")
    return path if os.access(os.path.join(path, "cgroup.procs"), os.W_OK) else None


def _bytes(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _signal(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False
