"""What kills_test.py has run: small projects that depend on each other, made from a seed, and what each must come to."""

import json
from dataclasses import dataclass, field

TIMEOUT = "700ms"  # of what hangs


@dataclass
class Project:
    """One project of the job file; its tasks are the same on all of its hosts."""

    name: str
    root: str  # what has to be started for it to run
    hosts: list
    end: str = "succeeds"  # or "fails", "hangs"
    fails: int = 0  # ends that fail before one succeeds
    retries: int = 0
    lines: int = 1
    steps: int = 1
    source: str = "command"  # or "script", which is a file of the workspace, or "git", an action of a repository
    daemon: str = ""
    lane: str = ""
    lane_of_agent: bool = False
    makes: int = 0  # lines of the artifact that has its name
    takes: list = field(default_factory=list)
    before: list = field(default_factory=list)
    after: list = field(default_factory=list)  # (project, when)

    def outcome(self):
        """That of its tasks, if nothing is lost and nobody cancels."""
        return {"succeeds": "succeeded", "fails": "failed", "hangs": "timed_out"}[self.end]

    def starts(self):
        """How often each of its tasks is started for that."""
        return {"succeeds": self.fails + 1, "fails": self.retries + 1, "hangs": 1}[self.end]

    def stdout(self, task, attempt):
        return "".join(f"{task}.{attempt} out {n}\n" for n in range(1, self.lines + 1))

    def stderr(self, task, attempt):
        return "".join(f"{task}.{attempt} err {n}\n" for n in range(1, self.steps + 1))

    def made(self, run, task, attempt):
        return "".join(f"{run}.{task}.{attempt} made {n}\n" for n in range(1, self.makes + 1))

    def _command(self, job, effects):
        words = [job, effects, f"lines={self.lines}", f"steps={self.steps}", f"fails={self.fails}", f"end={self.end}"]
        words += [f"daemon={self.daemon}"] if self.daemon else []
        words += [f"makes={self.makes}"] if self.makes else []
        return " ".join(words + [f"takes={name}" for name in self.takes])

    def to_json(self, job, effects, repository):
        """The project as the job file has it."""
        command = self._command(job, effects)
        work = {"command": {"run": command}, "script": {"run": f"# a script with a line break\n{command}\n"},
                "git": {"path": repository, "action": "act", "vars": {"COMMAND": command}}}
        keys = {**work[self.source], "hosts": [{"url": f"http://{host}"} for host in self.hosts],
                "before": [{"name": name} for name in self.before],
                "after": [{"name": name, "when": when} for name, when in self.after],
                "retries": str(self.retries)}
        if self.end == "hangs":
            keys["timeout"] = TIMEOUT
        if self.lane:
            keys["queue-id"] = {"name": self.lane, "scope": "agent"} if self.lane_of_agent else self.lane
        artifacts = {"out": [{"file": self.name, "path": "made"}] if self.makes else [], "in": self.takes}
        if self.makes or self.takes:
            keys["artifacts"] = {key: value for key, value in artifacts.items() if value}
        return keys


class Workload:
    """Projects by name, and which of them are started, in order. Made by `dice` alone."""

    def __init__(self, dice, agents, starts, bare_daemons):
        self._dice, self._agents = dice, agents
        self._daemons = ["quiet", "loud"] + (["bare"] if bare_daemons else [])
        self.projects = {}
        roots = [self._family(f"p{number}") for number in range(1, dice.randint(2, 3) + 1)]
        self.starts = roots + [dice.choice(roots) for _ in range(dice.randint(1, max(3, starts)))]
        dice.shuffle(self.starts)

    # What is in the repository.
    FILES = {".tom/act.bash": "exec $COMMAND\n", "data": "".join(f"{n}\n" for n in range(2000))}

    def job_file(self, job, effects, repository):
        projects = {project.name: project.to_json(job, effects, repository) for project in self.projects.values()}
        return json.dumps({"projects": projects}, indent=1)

    def _family(self, root):
        """A project with what it needs and what comes after it; its name."""
        members = [self._project(f"{root}-{letter}", root) for letter in "abcde"[:self._dice.randint(1, 4)]]
        for number, project in enumerate(members):
            for earlier in members[:number]:
                if self._dice.random() < 0.4:
                    self._depend(project, earlier)
        top = self._project(root, root)
        for project in members:
            self._depend(top, project)
        for when in self._dice.sample(["success", "failure", "always"], self._dice.randint(0, 2)):
            top.after.append((self._project(f"{root}-{when}", root).name, when))
        return root

    def _depend(self, project, earlier):
        project.before.append(earlier.name)
        # What several hosts publish is another story; here each artifact has one maker.
        if len(earlier.hosts) == 1 and earlier.end == "succeeds" and self._dice.random() < 0.6:
            earlier.makes = earlier.makes or self._dice.choice([10, 3000, 30000])
            project.takes.append(earlier.name)

    def _project(self, name, root):
        dice = self._dice
        project = Project(name, root, dice.sample(self._agents, dice.randint(1, len(self._agents))))
        project.lines = dice.choice([1, 7, 150, 400, 2500])
        project.steps = dice.choice([1, 1, 2, 4, 8])
        project.source = dice.choice(["command", "command", "script", "git"])
        kind = dice.random()
        if kind < 0.18:
            project.fails = dice.randint(1, 2)
            project.retries = project.fails + dice.randint(0, 1)
        elif kind < 0.23:
            project.end, project.retries = "fails", dice.randint(0, 1)
        elif kind < 0.27:
            project.end = "hangs"
        if dice.random() < 0.2:
            project.daemon = dice.choice(self._daemons)
        if dice.random() < 0.25:
            project.lane = dice.choice(["lane-a", "lane-b"])
            project.lane_of_agent = project.lane == "lane-b"
        self.projects[name] = project
        return project
