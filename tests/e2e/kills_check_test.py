#!/usr/bin/python3
"""The checker of kills_test.py finds what it is for: each kind of lie, planted in facts that were fine."""

import dataclasses
import hashlib
import unittest
from types import SimpleNamespace

from kills_check import Checker, Effect, Facts
from kills_workload import Project
from story import main

AT = "2026-01-01T00:00:0{}.000000Z"
BEGIN = 1767225600  # seconds of AT.format(0)


def projects():
    """a fails once and makes something; b takes it; c comes after b has failed."""
    a = Project("a", "b", ["one"], fails=1, retries=1, lines=3, makes=2, lane="lane")
    b = Project("b", "b", ["two"], lines=2, before=["a"], takes=["a"], after=[("c", "failure")], lane="lane")
    return {"a": a, "b": b, "c": Project("c", "b", ["one"])}


def task(number, project, host, outcome, attempt):
    return {"id": number, "name": project, "project": project, "host": host, "state": "finished", "outcome": outcome,
            "reason": "", "attempt": attempt, "queued_at": AT.format(0), "finished_at": AT.format(2)}


def pieces(project, number, attempt):
    """What an attempt of it prints."""
    return [{"task": number, "attempt": attempt, "stream": stream, "data": getattr(project, stream)(number, attempt)}
            for stream in ("stdout", "stderr")]


def good():
    """Facts of one run that went well."""
    work = projects()
    digest = hashlib.sha256(work["a"].made("r", "1", 2).encode()).hexdigest()
    lines = ["start r a 1 one 1 -", "end r a 1 one 1 -", "start r a 1 one 2 -", "end r a 1 one 2 -", "start r b 2 two 1 -",
             f"took r b 2 two 1 a={digest}", "end r b 2 two 1 -"]
    tasks = [task("1", "a", "one", "succeeded", 2), task("2", "b", "two", "succeeded", 1), task("3", "c", "one", "skipped", 0)]
    run = {"id": "r", "project": "b", "state": "finished", "outcome": "succeeded", "tasks": tasks}
    logs = pieces(work["a"], "1", 1) + pieces(work["a"], "1", 2) + pieces(work["b"], "2", 1)
    effects = [Effect.parse(line) for line in lines]
    return Facts(SimpleNamespace(projects=work), {0: ("b", "r")}, {"r": run}, {"r": logs}, effects)


class Lies(unittest.TestCase):
    def setUp(self):
        self.facts = good()
        self.run_ = self.facts.runs["r"]
        self.a, self.b, self.c = self.run_["tasks"]

    def finds(self, check, *parts):
        """Each finding is of this check, and one says all parts."""
        found = Checker(self.facts).violations()
        self.assertEqual({text.partition(":")[0] for text in found}, {check}, found)
        self.assertTrue(any(all(part in text for part in parts) for text in found), found)

    def is_lost(self, task_, reason="lost: the launcher died"):
        task_.update(outcome="lost", reason=reason)
        self.run_["outcome"] = "failed"

    def test_none(self):
        self.assertEqual(Checker(self.facts).violations(), [])

    # ---- Runs ---------------------------------------------------------------------------------------

    def test_an_answered_start_is_gone(self):
        self.facts.starts[1] = ("b", "q")
        self.finds("starts", "q", "is not there")

    def test_a_request_made_two_runs(self):
        self.facts.runs["q"] = {**self.run_, "id": "q", "tasks": []}
        self.finds("starts", "1 requests made 2 runs")

    def test_a_run_goes_on_for_ever(self):
        self.run_["state"] = "running"
        self.finds("ends", "is running")

    def test_a_run_says_something_else_than_its_tasks(self):
        self.run_["outcome"] = "failed"
        self.finds("ends", "failed instead of succeeded")

    def test_a_canceled_run_is_not(self):
        self.facts.canceled["r"] = True
        self.finds("ends", "succeeded instead of canceled")

    # ---- Tasks --------------------------------------------------------------------------------------

    def test_a_task_is_lost_without_cause(self):
        self.is_lost(self.b)
        self.facts.deaths = [("one", BEGIN + 1, "crash"), ("two", BEGIN + 100, "launcher")]
        self.c["outcome"] = "succeeded"
        self.facts.effects += [Effect.parse("start r c 3 one 1 -"), Effect.parse("end r c 3 one 1 -")]
        self.c["attempt"] = 1
        self.facts.logs["r"] += pieces(projects()["c"], "3", 1)
        self.finds("outcomes", "task 2", "neither its host nor a launcher")

    def test_what_follows_a_failure_was_skipped(self):
        self.is_lost(self.b)
        self.facts.deaths = [("two", BEGIN + 1, "launcher")]
        self.finds("outcomes", "task 3", "skipped", "instead of succeeded")

    def test_what_depends_on_a_failure_ran(self):
        self.is_lost(self.a)
        self.facts.deaths = [("one", BEGIN + 1, "launcher")]
        self.facts.effects.pop(3)
        self.facts.effects = [e for e in self.facts.effects if e.event != "took"]
        self.c["outcome"] = "skipped"
        self.finds("outcomes", "task 2", "succeeded", "instead of skipped")

    def test_a_task_was_killed_and_nobody_killed_it(self):
        self.b.update(outcome="failed", reason="killed by signal 9 (KILL)")
        self.run_["outcome"] = "failed"
        self.c["outcome"] = "succeeded"
        self.facts.effects += [Effect.parse("start r c 3 one 1 -"), Effect.parse("end r c 3 one 1 -")]
        self.c["attempt"] = 1
        self.facts.logs["r"] += pieces(projects()["c"], "3", 1)
        self.facts.killed = {("r", "1", 1)}
        self.finds("outcomes", "task 2", "killed by signal 9")
        self.facts.killed = {("r", "2", 1)}
        self.assertEqual(Checker(self.facts).violations(), [])
        self.b["reason"] = "exit code 3"
        self.finds("outcomes", "task 2", "exit code 3")

    def test_what_had_succeeded_was_tried_again(self):
        self.facts.workload.projects["a"].fails = 0
        self.facts.workload.projects["a"].retries = 0
        self.finds("side effects", "began 2 times", "instead of 1")

    def test_an_attempt_began_twice(self):
        self.facts.effects.insert(1, self.facts.effects[0])
        self.finds("side effects", "attempt 1 began 2 times")

    def test_an_attempt_too_many(self):
        self.facts.effects[2:2] = [dataclasses.replace(effect, attempt=7) for effect in self.facts.effects[:2]]
        self.facts.logs["r"] += pieces(projects()["a"], "1", 7)
        self.finds("side effects", "began 3 times", "instead of 2")

    def test_nothing_ran(self):
        self.facts.effects = self.facts.effects[:4]
        self.facts.logs["r"] = self.facts.logs["r"][:4]
        self.finds("side effects", "task 2", "began 0 times")

    def test_a_lost_task_ran_twice(self):
        self.is_lost(self.b)
        self.facts.deaths = [("two", BEGIN + 1, "launcher")]
        self.facts.effects.append(Effect.parse("start r b 2 two 2 -"))
        self.facts.workload.projects["b"].after = []
        self.run_["tasks"].pop()
        self.finds("side effects", "at most 1")

    # ---- Order --------------------------------------------------------------------------------------

    def test_it_began_too_early(self):
        effects = self.facts.effects
        effects.insert(3, effects.pop(4))
        self.facts.workload.projects["b"].lane = ""
        self.finds("order", "task 2", "before a (task 1) had ended")

    def test_two_in_a_lane(self):
        effects = self.facts.effects
        effects.insert(3, effects.pop(4))
        self.facts.workload.projects["b"].before = []
        self.finds("order", "began in lane while")

    # ---- Output and files ---------------------------------------------------------------------------

    def test_output_is_missing(self):
        self.facts.logs["r"].pop(2)
        self.finds("logs", "task 1", "stdout of attempt 2 has 0 bytes")

    def test_output_came_twice(self):
        self.facts.logs["r"].append(self.facts.logs["r"][4])
        self.finds("logs", "task 2", "stdout of attempt 1")

    def test_output_of_a_lost_task_has_a_gap(self):
        self.is_lost(self.b)
        self.facts.deaths = [("two", BEGIN + 1, "launcher")]
        self.facts.workload.projects["b"].after = []
        self.run_["tasks"].pop()
        piece = self.facts.logs["r"][4]
        piece["data"] = piece["data"].splitlines(keepends=True)[1]
        self.finds("logs", "task 2", "from byte")

    def test_a_follower_saw_less(self):
        self.facts.followed = [("r", True, self.facts.logs["r"][1:]), ("r", False, [])]
        self.finds("logs", "who followed it")

    def test_another_artifact(self):
        self.facts.effects[5] = dataclasses.replace(self.facts.effects[5], detail="a=0")
        self.finds("artifacts", "took another a")

    def test_something_is_left(self):
        self.facts.leftovers = ["a file"]
        self.finds("leftovers", "a file")


if __name__ == "__main__":
    main()
