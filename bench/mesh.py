"""A coordinator and agents as separate processes, on free loopback ports, with data on a real disk."""

import json
import os
import shutil
import signal
import subprocess
import tempfile

import measure

# What is measured is not to go while it is.
NOTHING_GOES = {"retention": {"runs": 0, "age": "0", "logs": "0"}}
PROGRAMS = ["cromt", "cromt-coordinator", "cromt-agent", "cromt-launcher", "cromt-step", "cromt-container"]


class Binaries:
    """Where the built programs are."""

    def __init__(self, build):
        self.bin = os.path.join(build, "bin")
        self.spawn_loop = os.path.join(build, "bench", "spawn_loop")
        self.copy_loop = os.path.join(build, "bench", "copy_loop")
        self.many_agents = os.path.join(build, "bench", "many_agents")
        self.many_runs = os.path.join(build, "bench", "many_runs")

    def path(self, name):
        return os.path.join(self.bin, name)

    def missing(self):
        return [name for name in PROGRAMS if not os.access(self.path(name), os.X_OK)]


class Mesh:
    """Use as a context: starts on entry, ends every process it started, and its launchers, on exit.

    `known` are agents that the coordinator's configuration names beside those that are started here: name → address.
    Without any of the latter, tasks without a `url` go to `local`. `environment`, if given, is that of the programs. `configs`:
    agents by these names instead, each with the text of its configuration. `tls`: founded by `cromt-coordinator init`, so that
    all talk by mutual TLS; the agents are its members.
    """

    def __init__(self, binaries, parent, agents=1, known=None, local="127.0.0.1:1", environment=None, configs=None, tls=False):
        self.binaries = binaries
        self.folder = tempfile.mkdtemp(prefix="mesh-", dir=parent)
        self.configs = configs or {f"agent{i + 1}": "" for i in range(agents)}
        self.known = known or {}
        self.local = local
        self.environment = environment or os.environ
        self.processes = {}  # name → Popen
        self.addresses = {}  # name → HOST:PORT
        self.tls = tls

    def __enter__(self):
        try:
            os.chmod(self.folder, 0o711)  # jobs of other users get to their workspaces
            if self.tls:
                self._found()
                return self
            for name, text in self.configs.items():
                path = os.path.join(self.folder, f"{name}.yaml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                self._start(name, "cromt-agent", "--listen", "127.0.0.1:0", "--config", path)
            if self.configs:
                self.local = self.addresses[next(iter(self.configs))]
            with open(os.path.join(self.folder, "mesh.yaml"), "w", encoding="utf-8") as file:
                json.dump({"agents": self.known, **NOTHING_GOES}, file)  # JSON is YAML
            self.start_coordinator()
        except BaseException:
            self.stop()
            raise
        return self

    def _found(self):
        # Members are invited by where they will serve.
        self.addresses = {name: f"127.0.0.1:{measure.free_port()}" for name in ["coordinator", *self.configs]}
        address = self.addresses["coordinator"]
        if self.configs:
            self.local = self.addresses[next(iter(self.configs))]
        with open(os.path.join(self.folder, "mesh.yaml"), "w", encoding="utf-8") as file:
            json.dump({"advertise": address, **NOTHING_GOES}, file)
        founded = json.loads(measure.timed([self.binaries.path("cromt-coordinator"), "init", "--data-dir", os.path.join(self.folder, "coordinator"),
                                            "--advertise", address, "-o", "json"])[1])
        self.fingerprint = founded["fingerprint"]
        self.start_coordinator()
        token = os.path.join(self.folder, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write(founded["admin_token"])
        self.cromt("login", address, "--ca-fingerprint", self.fingerprint, "--token-file", token)
        for name in self.configs:
            (invited,) = self.invite({name: self.addresses[name]})
            with open(token, "w", encoding="utf-8") as file:
                file.write(invited["token"])
            # What can't be reached yet it says with its exit code; the agent is started only now.
            subprocess.run([self.binaries.path("cromt-agent"), "join", address, "--name", name, "--ca-fingerprint", self.fingerprint, "--token-file",
                            token, "--data-dir", os.path.join(self.folder, name), "--listen", self.addresses[name]],
                           check=False, capture_output=True, timeout=60)
            self.start_agent(name)

    def invite(self, members):
        """Name → address: what is to be told to each."""
        path = os.path.join(self.folder, "hosts.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{name} {address}\n" for name, address in members.items())
        return [json.loads(line) for line in self.cromt("agents", "invite", "--hosts", path, "-o", "json")[1].splitlines()]

    def __exit__(self, *_):
        self.stop()

    def start_coordinator(self):
        """The first time, or again where it was; returns when it listens. It says so before it has dialled its agents."""
        self._start("coordinator", "cromt-coordinator", "--listen", self.addresses.get("coordinator", "127.0.0.1:0"), "--http",
                    "127.0.0.1:0", "--local-agent", self.local, "--config", os.path.join(self.folder, "mesh.yaml"))

    def start_agent(self, name):
        """Again where it was."""
        self._start(name, "cromt-agent", "--listen", self.addresses[name])

    def kill(self, name):
        self.processes[name].kill()
        self.processes[name].wait()

    def _start(self, name, program, *arguments):
        data = os.path.join(self.folder, name)
        os.makedirs(data, exist_ok=True)
        if os.path.exists(os.path.join(data, "address")):
            os.unlink(os.path.join(data, "address"))
        # A short runtime folder: the programs put sockets there, and no other mesh's may be found.
        # Their memory is to be looked at, by others than root too.
        environment = {**self.environment, "XDG_STATE_HOME": self.folder, "XDG_RUNTIME_DIR": self.folder, "CROMT_CORE_DUMPS": "allow"}
        with open(os.path.join(self.folder, f"{name}.log"), "ab") as log:
            process = subprocess.Popen([self.binaries.path(program), *arguments, "--data-dir", data],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self.processes[name] = process

        def address():
            if process.poll() is not None:
                raise RuntimeError(f"{program} ended with {process.returncode}:\n{self.log_tail(name)}")
            try:
                with open(os.path.join(data, "address"), encoding="utf-8") as file:
                    return next((line.split()[1] for line in file if line.startswith("grpc ") and line.endswith("\n")), None)
            except FileNotFoundError:
                return None

        self.addresses[name] = measure.wait_for(f"{program} says its address", address)

    def log_tail(self, name):
        with open(os.path.join(self.folder, f"{name}.log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def pids(self):
        """Name → pid of coordinator, agents and the launcher of each agent."""
        found = {name: process.pid for name, process in self.processes.items()}
        for pid, arguments in self._our_processes():
            if os.path.basename(arguments[0]) == "cromt-launcher":
                owner = next(name for name in self.processes if self._names(arguments, name))
                found[owner.replace("agent", "launcher")] = pid
        return found

    def _names(self, arguments, name):
        """Whether a command line names the data folder of `name`."""
        data = os.path.join(self.folder, name)
        return any(argument.partition("=")[2] == data or argument == data or argument.startswith(data + "/")
                   for argument in arguments)

    def _our_processes(self):
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    arguments = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            if any(self._names(arguments, name) for name in self.processes):
                yield int(entry), arguments

    def cromt(self, *arguments):
        """Runs the CLI against this coordinator: (seconds, stdout)."""
        command = [self.binaries.path("cromt"), "--coordinator", self.addresses["coordinator"], *arguments]
        try:
            return measure.timed(command, timeout=600, env={**os.environ, "XDG_STATE_HOME": self.folder, "XDG_CONFIG_HOME": self.folder})
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"{error}\ncoordinator's log: {self.log_tail('coordinator')}") from error

    def apply(self, text):
        path = os.path.join(self.folder, "jobs.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.cromt("--conf", path)

    def run(self, project):
        """Starts the project and waits for its end: seconds as the caller sees them. RuntimeError unless it succeeded."""
        return self.cromt("start", project, "--wait", "-o", "quiet")[0]

    def show_last(self):
        return json.loads(self.cromt("show", "last", "-o", "json")[1])

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pid, _ in list(self._our_processes()):  # launchers outlive their agents, as they should
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)
