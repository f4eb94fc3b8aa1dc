"""Whether a mesh that was mistreated has kept its promises: told from what tasks wrote themselves, from what the
coordinator says in the end, and from what was done to the mesh. Knows nothing of how cromt works.

What is checked, each by the method of that name:

- starts         each start that was answered is one run, and each request made one run only
- ends           each run has finished, with the outcome that its tasks give it
- outcomes       each task has the outcome that its project must come to; `lost` only where its launcher or host died meanwhile,
                 `canceled` only where somebody wished it, `skipped` exactly where what it depends on says so, `failed` by a
                 signal only where its first process was killed
- side_effects   no attempt began twice; each task ran exactly as often as it must, and at most that often if it was lost
- order          a task began after all that it depends on had ended; in a lane one at a time
- logs           output of every attempt is whole, without gap or repetition; of one that was killed it is a beginning;
                 who followed saw the same
- artifacts      what was taken is what the right attempt of its maker made
- leftovers      no process, file or cgroup is left, and no agent holds an attempt
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

BAD = ("failed", "timed_out", "lost")


@dataclass
class Facts:
    """All that a Checker knows."""

    workload: object
    starts: dict  # number → (root, run id as it was answered)
    runs: dict  # run id → the run as `show` gives it
    logs: dict  # run id → pieces of output as `logs` gives them
    effects: list  # Effect, in the order in which they happened
    deaths: list = field(default_factory=list)  # (host, wall seconds, "launcher" or "crash" of the host)
    full_disks: list = field(default_factory=list)  # names of programs whose disk was full at some time
    killed: set = field(default_factory=set)  # (run id, task id, attempt) whose first process was killed
    canceled: dict = field(default_factory=dict)  # run id → whether the wish was acknowledged
    followed: list = field(default_factory=list)  # (run id, whether it ended well, pieces of output)
    leftovers: list = field(default_factory=list)  # text


@dataclass(frozen=True)
class Effect:
    """A line that a task has written."""

    event: str  # start, took, hangs, full (of the disk under its workspace), end
    run: str
    project: str
    task: str
    host: str
    attempt: int
    detail: str

    @staticmethod
    def parse(line):
        event, run, project, task, host, attempt, detail = line.split(" ")
        return Effect(event, run, project, task, host, int(attempt), detail)


class Checker:
    """Looks at the facts of one seed."""

    CHECKS = ["starts", "ends", "outcomes", "side_effects", "order", "logs", "artifacts", "leftovers"]

    def __init__(self, facts):
        self._facts = facts
        self._found = []
        self._by_task = defaultdict(list)  # (run, task) → positions in effects
        for position, effect in enumerate(facts.effects):
            self._by_task[effect.run, effect.task].append(position)
        self._output = {run: _join(pieces) for run, pieces in facts.logs.items()}

    def violations(self):
        """Texts that name run and task."""
        for check in self.CHECKS:
            getattr(self, check)()
        return self._found

    # ---- Runs ---------------------------------------------------------------------------------------

    def starts(self):
        asked = defaultdict(int)
        for number, (root, run) in self._facts.starts.items():
            asked[root] += 1
            if run not in self._facts.runs:
                self._violation("starts", f"run {run}", f"start {number} of {root} was answered with it, and it is not there")
        made = defaultdict(int)
        for run in self._facts.runs.values():
            made[run["project"]] += 1
        for root in asked.keys() | made.keys():
            if asked[root] != made[root]:
                self._violation("starts", f"project {root}", f"{asked[root]} requests made {made[root]} runs")

    def ends(self):
        for run_id, run in self._facts.runs.items():
            if run["state"] != "finished":
                unfinished = [f"{t['id']} {t['name']} on {t['host']} is {t['state']} at attempt {t['attempt']} ({t['reason']})"
                              for t in run["tasks"] if t["state"] != "finished"]
                self._violation("ends", f"run {run_id}", f"is {run['state']}: {'; '.join(unfinished)}")
                continue
            wished = self._facts.canceled.get(run_id)
            failed = any(task["outcome"] in BAD for task in run["tasks"])
            allowed = {"failed" if failed else "succeeded"} if wished is None else {"canceled"}
            if wished is False:  # nobody knows whether it was heard
                allowed |= {"failed" if failed else "succeeded"}
            if run["outcome"] not in allowed:
                self._violation("ends", f"run {run_id}", f"ended as {run['outcome']} instead of {' or '.join(sorted(allowed))}")

    # ---- Tasks --------------------------------------------------------------------------------------

    def outcomes(self):
        for run, task, project in self._tasks():
            outcome = task["outcome"]
            if run["id"] in self._facts.canceled:
                allowed = {project.outcome(), "canceled", "skipped", "failed"}
            elif self._must_skip(run, project):
                allowed = {"skipped"}
            else:
                allowed = {project.outcome()}
            if outcome == "lost":
                self._check_lost(run, task)
            elif outcome == "failed" and self._was_killed(run, task):
                continue
            elif outcome == "failed" and self._met_a_full_disk(task) and (self._said_full(run, task) or "No space left" in task["reason"]):
                continue
            elif outcome not in allowed:
                expected = " or ".join(sorted(allowed))
                self._of_task("outcomes", run, task, f"is {outcome} ({task['reason']}) at attempt {task['attempt']} instead of {expected}")

    def _killed(self, run, task):
        """Its attempts whose first process was killed."""
        return {a for r, t, a in self._facts.killed if (r, t) == (run["id"], task["id"])}

    def _was_killed(self, run, task):
        """Whether it failed by that, or for want of the try that it cost."""
        killed = self._killed(run, task)
        if task["attempt"] in killed and "killed by signal 9 (KILL)" in task["reason"]:
            return True
        return any(attempt < task["attempt"] for attempt in killed) and "exit code 7" in task["reason"]

    def _met_a_full_disk(self, task):
        """Whether an attempt of it may have failed for want of room: of the agent's, or of the coordinator's as a relay."""
        return task["host"] in self._facts.full_disks or "coordinator" in self._facts.full_disks

    def _said_full(self, run, task):
        return any(self._facts.effects[position].event == "full" for position in self._by_task[run["id"], task["id"]])

    def _check_lost(self, run, task):
        begin, end = _seconds(task["queued_at"]) - 1, _seconds(task["finished_at"]) + 1
        causes = {cause for host, at, cause in self._facts.deaths if host == task["host"] and begin <= at <= end}
        if not causes:
            self._of_task("outcomes", run, task, f"is lost ({task['reason']}), and neither its host nor a launcher there died meanwhile")
        elif not any(word in task["reason"] for cause in causes for word in self.REASONS[cause]):
            self._of_task("outcomes", run, task, f"is lost by {' or '.join(sorted(causes))}, and says: {task['reason']}")

    REASONS = {"launcher": ["launcher"], "crash": ["restarted", "new journal"]}

    def _must_skip(self, run, project):
        """Whether what it depends on says so; only roots have an `after`, so their own tasks are all that counts."""
        outcome = lambda name: {task["outcome"] for task in run["tasks"] if task["project"] == name}
        root = self._facts.workload.projects[project.root]
        for name, when in root.after:
            if name == project.name:
                good = outcome(root.name) == {"succeeded"}
                return {"success": not good, "failure": good, "always": False}[when]
        return any(outcome(name) != {"succeeded"} for name in project.before)

    def side_effects(self):
        begun = defaultdict(int)
        for effect in self._facts.effects:
            begun[effect.run, effect.task, effect.attempt] += effect.event == "start"
        for (run_id, task_id, attempt), times in begun.items():
            if times > 1:
                self._violation("side effects", f"run {run_id} task {task_id}", f"attempt {attempt} began {times} times")
        for run, task, project in self._tasks():
            effects = [self._facts.effects[position] for position in self._by_task[run["id"], task["id"]]]
            starts = [e.attempt for e in effects if e.event == "start"]
            ends = [e.attempt for e in effects if e.event in ("end", "hangs")]
            # An attempt that found no room was one of its tries.
            full = self._met_a_full_disk(task) and (project.retries > 0 or "No space left" in (task["reason"] or ""))
            cost_a_try = full or self._killed(run, task)
            wanted = 0 if task["outcome"] == "skipped" else project.retries + 1 if cost_a_try else project.starts()
            exact = task["outcome"] == project.outcome() and not cost_a_try and run["id"] not in self._facts.canceled
            exact = exact or task["outcome"] == "skipped"
            self._count(run, task, "began", starts, wanted, exact)
            self._count(run, task, "came to its end", ends, wanted, exact and project.end != "hangs")
            if exact and starts and max(starts) != task["attempt"]:
                self._of_task("side effects", run, task, f"its last attempt was {max(starts)}, and it shows {task['attempt']}")

    def _count(self, run, task, what, attempts, wanted, exact):
        if len(attempts) > wanted or exact and len(attempts) < wanted:
            limit = "" if exact else "at most "
            self._of_task("side effects", run, task, f"{what} {len(attempts)} times (attempts {attempts}) instead of {limit}{wanted}; "
                          f"it is {task['outcome']} ({task['reason']})")

    # ---- Order --------------------------------------------------------------------------------------

    def order(self):
        for run, task, project in self._tasks():
            mine = self._by_task[run["id"], task["id"]]
            root = self._facts.workload.projects[project.root]
            is_after = any(name == project.name for name, _ in root.after)
            for name in [root.name] if is_after else project.before:
                for other in run["tasks"]:
                    theirs = self._by_task[run["id"], other["id"]] if other["project"] == name else []
                    if mine and theirs and theirs[-1] > mine[0]:
                        self._of_task("order", run, task, f"began before {other['name']} (task {other['id']}) had ended")
        self._lanes()

    def _lanes(self):
        lanes = defaultdict(list)  # lane → (first, last position, what)
        for key, positions in self._executions().items():
            run_id, task_id, attempt = key
            first = self._facts.effects[positions[0]]
            project = self._facts.workload.projects[first.project]
            if project.lane:
                lane = (project.lane, first.host if project.lane_of_agent else "")
                lanes[lane].append((positions[0], positions[-1], f"run {run_id} task {task_id} attempt {attempt}"))
        for (lane, _), executions in lanes.items():
            executions.sort()
            for (_, last, before), (first, _, after) in zip(executions, executions[1:]):
                if first < last:
                    self._violation("order", after, f"began in {lane} while {before} was in it")

    def _executions(self):
        """(run, task, attempt) → positions of what it wrote."""
        found = defaultdict(list)
        for position, effect in enumerate(self._facts.effects):
            found[effect.run, effect.task, effect.attempt].append(position)
        return found

    # ---- Logs ---------------------------------------------------------------------------------------

    def logs(self):
        ended = {(e.run, e.task, e.attempt) for e in self._facts.effects if e.event in ("end", "hangs")}
        begun = {(e.run, e.task, e.attempt) for e in self._facts.effects if e.event == "start"}
        for run, task, project in self._tasks():
            output = self._output.get(run["id"], {})
            attempts = {a for r, t, a in begun if (r, t) == (run["id"], task["id"])} | {a for t, a, _ in output if t == task["id"]}
            for attempt in sorted(attempts):
                # Of an attempt whose launcher was killed at its very end the last of the output may be gone; cromt-step, too,
                # passes on what a task prints.
                was_lost = task["outcome"] in ("lost", "canceled") and attempt == task["attempt"]
                was_lost = was_lost or attempt in self._killed(run, task)
                whole = (run["id"], task["id"], attempt) in ended and not was_lost
                for stream, expected in (("stdout", project.stdout(task["id"], attempt)), ("stderr", project.stderr(task["id"], attempt))):
                    self._compare(run, task, attempt, stream, output.get((task["id"], attempt, stream), ""), expected, whole)
        self._followers()

    def _compare(self, run, task, attempt, stream, said, expected, whole):
        if said == expected or not whole and expected.startswith(said):
            return
        same = next((i for i, (a, b) in enumerate(zip(said, expected)) if a != b), min(len(said), len(expected)))
        self._of_task("logs", run, task, f"{stream} of attempt {attempt} has {len(said)} bytes instead of {len(expected)}, and from "
                      f"byte {same} on it is {said[same:same + 40]!r} instead of {expected[same:same + 40]!r}")

    def _followers(self):
        for run_id, well, pieces in self._facts.followed:
            seen, kept = _join(pieces), self._output.get(run_id, {})
            # How much there is of what a crash of the host has cost is known to nobody.
            crashed = {task["id"] for task in self._facts.runs[run_id]["tasks"] if task["outcome"] == "lost"
                       and any(word in task["reason"] for word in self.REASONS["crash"])}
            differs = sorted(key for key in seen.keys() | kept.keys() if key[0] not in crashed and seen.get(key) != kept.get(key))
            if well and differs:
                sizes = [f"task {task} attempt {attempt} {stream}: {len(seen.get((task, attempt, stream), ''))} instead of "
                         f"{len(kept.get((task, attempt, stream), ''))}" for task, attempt, stream in differs[:5]]
                self._violation("logs", f"run {run_id}", f"who followed it saw something else: bytes of {'; '.join(sizes)}")

    # ---- Artifacts, leftovers -------------------------------------------------------------------------

    def artifacts(self):
        for effect in self._facts.effects:
            if effect.event != "took" or effect.run not in self._facts.runs:
                continue
            name, _, digest = effect.detail.partition("=")
            maker = next(task for task in self._facts.runs[effect.run]["tasks"] if task["project"] == name)
            made = self._facts.workload.projects[name].made(effect.run, maker["id"], maker["attempt"])
            if hashlib.sha256(made.encode()).hexdigest() != digest:
                self._violation("artifacts", f"run {effect.run} task {effect.task}",
                                f"took another {name} than attempt {maker['attempt']} of task {maker['id']} on {maker['host']} made")

    def leftovers(self):
        for text in self._facts.leftovers:
            self._violation("leftovers", "in the end", text)

    # ---- Words ----------------------------------------------------------------------------------------

    def _tasks(self):
        for run in self._facts.runs.values():
            for task in run["tasks"]:
                yield run, task, self._facts.workload.projects[task["project"]]

    def _of_task(self, check, run, task, what):
        self._violation(check, f"run {run['id']} task {task['id']} ({task['name']} on {task['host']})", what)

    def _violation(self, check, who, what):
        self._found.append(f"{check}: {who}: {what}")


def _join(pieces):
    """(task, attempt, stream) → text, without what cromt says itself."""
    joined = defaultdict(str)
    for piece in pieces:
        if piece["stream"] in ("stdout", "stderr"):
            joined[piece["task"], piece["attempt"], piece["stream"]] += piece["data"]
    return dict(joined)


def _seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
