"""A mesh of real programs on loopback with data in one folder: agents, a coordinator, repositories served over http."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from process import Leftovers, Program, read_text, wait_for

SOURCE = os.path.abspath(os.environ.get("CROMT_SOURCE") or os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.path.abspath(os.environ.get("CROMT_BIN") or os.path.join(SOURCE, "build", "bin"))
EXAMPLES = os.path.join(SOURCE, "examples")


class Finished:
    """A CLI call that has ended."""

    def __init__(self, command, process):
        self.command = " ".join(command)
        self.code = process.returncode
        self.out = process.stdout.decode(errors="replace")
        self.err = process.stderr.decode(errors="replace")

    def __str__(self):
        return f"$ {self.command}\nexit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Mesh:
    """Nothing runs until asked for; `close` ends all of it. One test owns it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cromt-e2e-")
        # Readable by all, so that a second user fails at the program's door and not at ours.
        os.chmod(self.folder, 0o755)
        self.environment = {**os.environ, "HOME": self.path("home"), "XDG_STATE_HOME": self.path("state"),
                            "XDG_RUNTIME_DIR": self.path("runtime")}
        self.environment.pop("CROMT_COORDINATOR", None)
        for name in ("home", "state", "runtime", "git"):
            os.mkdir(self.path(name))
        self.binaries = BIN  # of the command line
        self.agents = {}
        self.coordinator = None
        self.git_url = None
        self._children = []  # CLI calls and servers that were started beside the programs
        self._leftovers = Leftovers(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    # ---- Starting ---------------------------------------------------------------------------------

    def start_agent(self, name, *flags, binaries=BIN, before=()):
        """An agent that the coordinator (started later) knows as `name`; `before` is put before its command."""
        command = [*before, os.path.join(binaries, "cromt-agent"), "--listen", "127.0.0.1:0", *flags]
        self.agents[name] = Program(command, self.path(name), self.environment)
        return self.agents[name].start()

    def start_coordinator(self, agents=None, rewrite=None, local=None, binaries=BIN, **settings):
        """Knows the agents started so far, and those of `agents`: name → address. A local task goes to `local`."""
        self.write_config(agents, rewrite, **settings)
        local = local or (next(iter(self.agents.values())).address if self.agents else "127.0.0.1:1")
        command = [os.path.join(binaries, "cromt-coordinator"), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
                   "--local-agent", local, "--config", self.path("mesh.yaml")]
        self.coordinator = Program(command, self.path("coordinator"), self.environment)
        return self.coordinator.start()

    def start_all(self, *names, **settings):
        """Agents of these names, then a coordinator that knows them."""
        for name in names:
            self.start_agent(name)
        return self.start_coordinator(**settings)

    def write_config(self, agents=None, rewrite=None, **settings):
        known = {name: program.address for name, program in self.agents.items()}
        config = {"agents": {**known, **(agents or {})}, **settings}
        if rewrite:
            config["git"] = {"rewrite": rewrite}
        return self.write("mesh.yaml", json.dumps(config))  # JSON is YAML

    def start_git_server(self):
        """Serves PATH/git/NAME.git as URL/NAME.git, through git-http-backend."""
        port_file = self.path("git.port")
        server = os.path.join(SOURCE, "tests", "support", "git_server.py")
        with open(self.path("git.log"), "wb") as log:
            self._children.append(subprocess.Popen([sys.executable, server, "--root", self.path("git"), "--port-file", port_file],
                                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        wait_for("the Git server's port", lambda: os.path.exists(port_file))
        self.git_url = f"http://127.0.0.1:{read_text(port_file).strip()}"
        return self.git_url

    # ---- Files ------------------------------------------------------------------------------------

    def write(self, name, text):
        """A file of the test's folder; its path."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def commit(self, repository, files):
        """Commits to REPOSITORY.git what a folder of `examples` holds, or {path: text}; the commit's id."""
        bare, tree = self.path("git", repository + ".git"), self.path("trees", repository)
        if not os.path.exists(bare):
            self._git("init", "-q", "--bare", "-b", "main", bare)
            self._git("clone", "-q", bare, tree)
        if isinstance(files, str):
            shutil.copytree(os.path.join(EXAMPLES, files), tree, dirs_exist_ok=True)
        else:
            for path, text in files.items():
                self.write(os.path.join("trees", repository, path), text)
        self._git("-C", tree, "add", "-A")
        self._git("-C", tree, "-c", "user.name=Test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "a change")
        self._git("-C", tree, "push", "-q", "origin", "HEAD:main")
        return self._git("-C", tree, "rev-parse", "HEAD").strip()

    def _git(self, *arguments):
        done = subprocess.run(["git", *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    # ---- The command line -------------------------------------------------------------------------

    def _command(self, arguments):
        at = ["--coordinator", self.coordinator.address] if self.coordinator else []
        return [os.path.join(self.binaries, "cromt"), *arguments, *at]

    def cromt(self, *arguments, timeout=60, under=(), program=None, typed=None):
        """The ended call of the CLI, run by the command `under` if there is one; AssertionError if it takes longer. `typed`: what
        standard input has."""
        command = [*under, *self._command(arguments)]
        if program:
            command[len(under)] = program
        try:
            stdin = {"stdin": subprocess.DEVNULL} if typed is None else {"input": typed.encode()}
            done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, timeout=timeout, **stdin)
        except subprocess.TimeoutExpired as late:
            said = f"{late.stdout}\n{late.stderr}"
            raise AssertionError(f"{' '.join(command)} did not end within {timeout} s; so far:\n{said}") from None
        return Finished(command, done)

    def begin(self, *arguments):
        """A call of the CLI that goes on: its Popen, with its output in the files out_path and err_path."""
        number = len(self._children)
        paths = [self.path(f"call{number}.{stream}") for stream in ("out", "err")]
        with open(paths[0], "wb") as out, open(paths[1], "wb") as err:
            call = subprocess.Popen(self._command(arguments), env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=err)
        call.out_path, call.err_path = paths
        self._children.append(call)
        return call

    def apply(self, text, name="jobs.yaml"):
        """Applies a job file that has no error."""
        done = self.cromt("--conf", self.write(name, text))
        if done.code != 0:
            raise AssertionError(str(done))
        return done

    def start(self, project, *flags):
        """Starts a run without waiting: its id."""
        done = self.cromt("start", project, *flags, "-o", "quiet")
        if done.code != 0:
            raise AssertionError(str(done))
        return done.out.strip()

    def show(self, run):
        done = self.cromt("show", run, "-o", "json")
        if done.code != 0:
            raise AssertionError(str(done))
        return json.loads(done.out)

    def wait_finished(self, run, seconds=60):
        """The run as `show` says it, once it has finished."""
        return wait_for(f"run {run} has finished", lambda: (s := self.show(run))["state"] == "finished" and s, seconds)

    def tasks(self, run):
        """The run's tasks by name."""
        return {task["name"]: task for task in self.show(run)["tasks"]}

    # ---- What is left -----------------------------------------------------------------------------

    def jobs(self):
        return self._leftovers.jobs()

    def launchers(self):
        return self._leftovers.launchers()

    def logs(self):
        """What every program and call said, for the report of a failed test."""
        names = sorted(name for name in os.listdir(self.folder) if name.endswith((".log", ".out", ".err")))
        return "".join(f"--- {name}\n{read_text(self.path(name))[-4000:]}" for name in names)

    def close(self):
        """TERM to all, KILL to what stays; launchers and jobs outlive their agents, so they are looked for."""
        programs = [*self.agents.values(), *([self.coordinator] if self.coordinator else [])]
        processes = self._children + [program.process for program in programs if program.process]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._leftovers.kill_all()
        # Not shutil.rmtree: tests leave folders deeper than it can go.
        subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=False)
