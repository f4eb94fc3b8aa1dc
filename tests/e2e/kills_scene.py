"""One seed of kills_test.py from its first start to the verdict: runs the workload, does to the mesh what the schedule
says, mends all, waits for the ends, and gathers the facts for the Checker."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

from kills_check import Checker, Effect, Facts
from kills_mesh import COORDINATOR, KillsMesh, describe, own_cgroup
from kills_schedule import Style, make_schedule
from kills_workload import Workload
from mesh import SOURCE
from process import Timeout, read_text, wait_for

CAP = 60  # seconds in which all must have ended once nothing is done to the mesh any more
QUIET = 0.25  # seconds without news after which a step no longer waits for any


class Scene:
    """What a seed decides, and what came of it."""

    def __init__(self, seed, hosts=None, long=False):
        self.seed = seed
        self.dice = random.Random(seed)
        self.agents = ["one", "two", "three"][: self.dice.randint(2, 3)]
        self._cgroup_parent = own_cgroup() if self.dice.random() < 0.7 else None
        style = Style(launchers=self.dice.random() < 0.6, hosts=hosts is not None, long=long,
                      faults=self.dice.randint(40, 120) if long else 20 if hosts else 30)
        self.workload = Workload(self.dice, self.agents, style.faults // 6, bare_daemons=self._cgroup_parent is not None)
        self.steps = make_schedule(self.dice, self.workload, self.agents, style)
        self._slots = self.dice.randint(2, 4)
        self.hosts = hosts  # how to make a mesh of hosts; None: loopback
        self._long = long
        self.counts = Counter()
        self.violations = []
        self.said = lambda text: None  # the story, for -v

    def kills(self):
        return sum(count for name, count in self.counts.items() if name.startswith("kills "))

    # ---- The story ------------------------------------------------------------------------------------

    def run(self):
        """Violations found, each with how to replay it."""
        cgroup = "none"
        if self._cgroup_parent:
            cgroup = os.path.join(self._cgroup_parent, f"kills-{os.getpid()}-{self.seed}")
            os.mkdir(cgroup)
        self.mesh = (self.hosts or KillsMesh)(self.agents, self._slots, cgroup)
        try:
            self._play(cgroup)
        except Exception as error:  # a helper that did not come up is as much a finding as a wrong outcome
            self.violations.append(f"{type(error).__name__}: {error} {getattr(error, 'stderr', '')}")
        finally:
            if self.violations or os.environ.get("CROMT_KILLS_KEEP"):
                self.programs_said = self.mesh.logs()
                if keep := os.environ.get("CROMT_KILLS_KEEP"):
                    subprocess.run(["cp", "-a", self.mesh.folder, keep], check=False)
            self.mesh.close()
            if self._cgroup_parent:
                _remove_groups(cgroup)
        flags = ("--hosts " if self.hosts else "") + ("--long " if self._long else "")
        replay = f"replay: tests/e2e/kills_test.py {flags}--seed {self.seed}"
        self.violations = [f"seed {self.seed}: {text}; {replay}" for text in self.violations]
        return self.violations

    def _play(self, cgroup):
        self._prepare()
        for number, step in enumerate(self.steps):
            self._mend(number)
            self._wait(step)
            self._do(number, step)
            _pause(step.holds)
        self._mend(None)
        self.said("all is mended")
        self._all_end()
        self.said("all runs have ended")
        facts = self._gather()
        self.said("output is here")
        self._stop(facts, cgroup)
        self.said("all programs have ended")
        self.counts["runs"] += len(facts.runs)
        self.counts["tasks"] += sum(len(run["tasks"]) for run in facts.runs.values())
        self.counts["attempts"] += sum(effect.event == "start" for effect in facts.effects)
        self.counts["lost"] += sum(task["outcome"] == "lost" for run in facts.runs.values() for task in run["tasks"])
        self.violations += Checker(facts).violations()

    def _prepare(self):
        self._effects_path = self.mesh.write("effects", "")
        self._deaths, self._full, self._canceled, self._killed = [], [], {}, set()
        self._started, self._threads, self._followers = {}, [], []
        self._mending = []  # (step number, what to do then)
        if self.hosts:
            self.mesh.mount_disks()
        self.mesh.start_everything()
        job = os.path.join(SOURCE, "tests", "e2e", "kills_job.sh")
        link = self.mesh.path("job")  # one word of letters, whatever the folder of the sources is called
        os.symlink(job, link)
        self.mesh.commit("r", self.workload.FILES)
        self.mesh.apply(self.workload.job_file(link, self._effects_path, f"file://{self.mesh.path('git', 'r.git')}"))

    def _wait(self, step):
        """Until tasks have written so many lines more, or none for a while; then as long as the schedule says."""
        size, wanted, last = os.path.getsize(self._effects_path), step.news, time.monotonic()
        lines = read_text(self._effects_path).count("\n")
        while step.news and read_text(self._effects_path).count("\n") < lines + wanted and time.monotonic() < last + QUIET:
            if (now := os.path.getsize(self._effects_path)) != size:
                size, last = now, time.monotonic()
            time.sleep(0.005)
        _pause(step.pause)

    # ---- Steps ------------------------------------------------------------------------------------------

    def _do(self, number, step):
        self.said(f"{number}: {step}")
        if step.kind in ("start", "cancel", "follow", "git", "step"):
            return getattr(self, f"_{step.kind}")(step)
        if step.kind.startswith("replaced "):
            self.counts["replaced"] += 1
            return self.mesh.replace(COORDINATOR if step.kind == "replaced coordinator" else step.host)
        if step.kind == "leave":
            return self._leave(number, step)
        if step.kind in self.KILLS:
            return self._kill(number, step)
        self.counts[step.kind] += 1
        mend = self._fault(step)
        if mend:
            self._mending.append((number + step.lasts, mend))
        return None

    KILLS = {"agent": ["HOST"], "coordinator": [COORDINATOR], "launcher": [], "agent+coordinator": ["HOST", COORDINATOR],
             "agent+launcher": ["HOST"], "agents": ["ALL"], "agent twice": ["HOST"], "coordinator twice": [COORDINATOR],
             "all": ["ALL", COORDINATOR], "host": ["HOST"]}

    def _kill(self, number, step):
        names = [name for word in self.KILLS[step.kind]
                 for name in (self.agents if word == "ALL" else [step.host if word == "HOST" else word])]
        if step.kind == "host":
            self._crash(step.host)
        for name in names:
            self._count_kill(name, self.mesh.kill(name))
        if "launcher" in step.kind or step.kind == "all":
            for host in self.agents if step.kind == "all" else [step.host]:
                self._deaths.append((host, time.time(), "launcher"))
                self.counts["kills launcher"] += self.mesh.kill_launcher(host)
        if "twice" in step.kind:
            self._count_kill(names[0], self.mesh.kill_while_it_starts(names[0], step.pause))
        revive = lambda: [self.mesh.revive(name) for name in names]
        if step.lasts:
            self._mending.append((number + step.lasts, revive))
        else:
            revive()

    def _step(self, step):
        """The first process of a task is killed, if one comes soon."""
        deadline = time.monotonic() + QUIET
        while not (killed := self.mesh.kill_step(step.host)) and time.monotonic() < deadline:
            time.sleep(0.005)
        if killed:
            self._killed.add(killed)
            self.counts["kills step"] += 1

    def _git(self, step):
        """The next fetch is killed in its middle, by a thread that waits for it."""
        def kill():
            deadline = time.monotonic() + 2
            while not (done := self.mesh.kill_git()) and time.monotonic() < deadline:
                time.sleep(0.002)
            self.counts["kills git"] += done

        self._threads.append(threading.Thread(target=kill, daemon=True))
        self._threads[-1].start()

    def _crash(self, host):
        self.counts["crashes of hosts"] += 1
        self._deaths.append((host, time.time(), "crash"))
        agent, launchers = self.mesh.crash_host(host)
        self.counts["kills agent"] += agent
        self.counts["kills launcher"] += launchers

    def _count_kill(self, name, done):
        self.counts["kills coordinator" if name == COORDINATOR else "kills agent"] += done

    def _fault(self, step):
        """Begins it; what ends it."""
        if step.kind.startswith("stop "):
            pids = self._pids(step)
            for pid in pids:
                self.mesh.freeze(pid)
            return lambda: [self.mesh.wake(pid) for pid in pids]
        if step.kind.startswith("full "):
            name = COORDINATOR if step.kind == "full coordinator" else step.host
            self._full.append(name)
            self.mesh.fill_disk(name)
            return lambda: [self.mesh.empty_disk(name), self.mesh.revive(name)]
        return self.mesh.network_fault(step.kind, step.host, self.dice)

    def _pids(self, step):
        if step.kind == "stop launcher":
            return self.mesh.launchers_of(step.host)
        name = COORDINATOR if step.kind == "stop coordinator" else step.host
        return [self.mesh.program(name).process.pid] if self.mesh.runs(name) else []

    def _mend(self, number):
        """What is due before this step; None: all, and whoever ended by itself (for want of room) comes back."""
        due = [mend for when, mend in self._mending if number is None or when <= number]
        self._mending = [entry for entry in self._mending if number is not None and entry[0] > number]
        for mend in due:
            mend()
        for name in [*self.agents, COORDINATOR] if number is None else []:
            self.mesh.revive(name)

    # ---- What people do meanwhile ---------------------------------------------------------------------

    def _start(self, step):
        def ask():
            try:
                self._started[step.run] = (step.root, self.mesh.start_run(f"kills-{self.seed}-{step.run}", step.root, CAP + 60))
            except Exception as error:
                self._started[step.run] = (step.root, f"refused: {error}")

        self._threads.append(threading.Thread(target=ask, daemon=True))
        self._threads[-1].start()

    def _answered(self, step):
        """The run that this start was answered with; empty if none has been yet."""
        run = self._started.get(step.run, ("", ""))[1]
        return "" if run.startswith("refused") else run

    def _cancel(self, step):
        if not (run := self._answered(step)):
            return
        code = self.mesh.cromt("cancel", run).code
        if code != 2:  # 2: it had ended already
            self._canceled[run] = self._canceled.get(run, False) or code == 0
            self.counts["cancels"] += 1

    def _follow(self, step):
        if run := self._answered(step):
            self._followers.append((run, self.mesh.begin("logs", run, "--follow", "-o", "json")))

    def _leave(self, number, step):
        """Somebody follows, and is killed in the middle: the run goes on."""
        if run := self._answered(step):
            call = self.mesh.begin("logs", run, "--follow")
            self._mending.append((number + step.lasts, lambda: self._left(call)))

    def _left(self, call):
        self.counts["kills cli"] += call.poll() is None
        call.kill()

    # ---- The end ----------------------------------------------------------------------------------------

    def _all_end(self):
        for thread in self._threads:
            thread.join(timeout=CAP + 60)
        try:
            wait_for("all runs have finished", lambda: all(run["state"] == "finished" for run in self._runs()), CAP)
        except Timeout as late:
            self.violations.append(f"ends: {late}")

    def _runs(self):
        done = self.mesh.cromt("runs", "--limit", "1000", "-o", "json")
        if done.code != 0:
            raise AssertionError(str(done))
        return [json.loads(line) for line in done.out.splitlines()]

    def _gather(self):
        runs = {run["id"]: self.mesh.show(run["id"]) for run in self._runs()}
        finished = all(run["state"] == "finished" for run in runs.values())
        logs = {}
        for run in runs:
            done = self.mesh.cromt("logs", run, "-o", "json", *(["--follow"] if finished else []), timeout=CAP)
            if done.code != 0:
                self.violations.append(f"logs: run {run}: {done}")
            logs[run] = _pieces(done.out)
            self.said(f"output of {run} is here")
        followed = [(run, call.wait(timeout=CAP) == 0, _pieces(read_text(call.out_path)))
                    for run, call in (self._followers if finished else [])]
        self.counts["followers"] += len(followed)
        self.counts["followers that gave up"] += sum(not well for _, well, _ in followed)
        effects = [Effect.parse(line) for line in read_text(self._effects_path).splitlines()]
        return Facts(self.workload, self._started, runs, logs, effects, self._deaths, self._full, self._killed,
                     self._canceled, followed)

    def _stop(self, facts, cgroup):
        """Ends all programs as a service manager does; what is left then is too much."""
        left = facts.leftovers
        self._becomes(left, "an agent holds attempts", lambda: [one for one in self._agents() if one["attempts"] or one["ready"]])
        self._becomes(left, "files are left", self._files)
        self._becomes(left, "processes are left", lambda: [describe(pid) for pid in self.mesh.strangers()])
        for name in [*self.agents, COORDINATOR]:
            self.mesh.program(name).process.terminate()
        for name in [*self.agents, COORDINATOR]:
            if (code := self.mesh.program(name).terminate()) != 0:
                left.append(f"{name} ended with {code} on SIGTERM")
        for pid in self.mesh.launchers():
            os.kill(pid, signal.SIGTERM)
        self._becomes(left, "launchers stay after SIGTERM", lambda: [describe(pid) for pid in self.mesh.launchers()])
        if cgroup != "none":
            self._becomes(left, "cgroups are left", lambda: next(os.walk(cgroup))[1])

    def _becomes(self, left, what, those):
        try:
            wait_for(what, lambda: not those(), seconds=20)
        except Timeout:
            left.append(f"{what}: {those()}")

    def _agents(self):
        return [json.loads(line) for line in self.mesh.cromt("agents", "-o", "json").out.splitlines()]

    def _files(self):
        """Of workspaces, and what was half written; artifacts and logs are kept."""
        places = [self.mesh.path(name, *rest) for name in [*self.agents, COORDINATOR]
                  for rest in (["work"], ["blobs", "tmp"])]
        return [os.path.join(folder, file) for place in places for folder, _, files in os.walk(place) for file in files]


def _pause(seconds):
    """Of the schedule: a fault is to come at any moment, not at one that somebody waits for."""
    if seconds:
        time.sleep(seconds)


def _pieces(text):
    """JSON lines; the last may have been cut off with its writer."""
    lines = text.split("\n")
    return [json.loads(line) for line in lines[:-1] if line]


def _remove_groups(path):
    for folder, _, _ in os.walk(path, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            pass
