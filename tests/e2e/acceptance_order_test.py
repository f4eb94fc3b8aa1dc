#!/usr/bin/python3
"""The acceptance cases about order and time: hosts, dependencies, lanes, time limits, and hosts that are not there.

Tasks hold each other by gates: files that a test makes once what it waits for has happened.
"""

import datetime
import os
import socket

from acceptance import Acceptance, on
from mesh import EXAMPLES
from process import alive, read_text, wait_for
from story import main


class Hosts(Acceptance):
    def test_02_three_hosts_work_at_once_each_with_its_own_letter(self):
        """The article's file as it is. Each job waits until all three are there."""
        here = self.mesh.path("story")
        self.mesh.commit("myjobs", "myjobs")
        hello = read_text(os.path.join(EXAMPLES, "myjobs", "tasks", "hello", "task.bash"))
        meet = f'touch "{here}/$WORKER"\nfor letter in A B C; do until [ -e {here}/$letter ]; do sleep 0.02; done; done\n'
        self.mesh.commit("myjobs", {"tasks/hello/task.bash": meet + hello})
        self.begin("hostA", "hostB", "hostC", rewrite={"https://github.com/melezhik/": self.mesh.git_url + "/"})
        self.succeeded(self.mesh.cromt("--conf", os.path.join(EXAMPLES, "hello.yaml")))
        self.do("job1")
        self.assertEqual(self.outcomes(), {f"job1@host{letter}": "succeeded" for letter in "ABC"})
        self.assertEqual([self.raw(task) for task in (1, 2, 3)], [f"Hello worker  {letter}!\n" for letter in "ABC"])

    def test_10_after_runs_if_all_hosts_succeeded_or_always_if_it_says_so(self):
        self.begin("a", "b")
        hosts = [*on("a", action="one"), *on("b", action="bad")]
        clean = {"action": "three"}
        self.apply(p={"hosts": hosts, "after": [{"name": "clean"}]}, clean=clean)
        self.do("p", code=1)
        self.assertEqual(self.outcomes(), {"p@a": "succeeded", "p@b": "failed", "clean@local": "skipped"})
        self.never_ran("clean@local")

        self.apply(p={"hosts": on("a", action="one"), "after": [{"name": "clean"}]}, clean=clean)
        self.do("p")
        self.assertEqual(self.raw("clean"), "three  \n")

        after = [{"name": "clean", "when": "always"}, {"name": "tell", "when": "failure"}, {"name": "next"}]
        self.apply(p={"hosts": hosts, "after": after}, clean={"action": "three"},
                   tell={"action": "two", "before": [{"name": "ask"}]}, ask={"action": "one"}, next={"action": "one"})
        self.do("p", code=1)
        self.assertEqual(self.outcomes(), {"p@a": "succeeded", "p@b": "failed", "clean@local": "succeeded",
                                           "ask@local": "succeeded", "tell@local": "succeeded", "next@local": "skipped"})
        self.never_ran("next@local")
        self.assertEqual(self.raw("clean"), "three  \n")

        self.apply(p={"hosts": on("a", action="one"), "after": after}, clean={"action": "bad"},
                   tell={"action": "two", "before": [{"name": "ask"}]}, ask={"action": "one"}, next={"action": "one"})
        self.do("p", code=1)  # for what cleans up has failed
        self.assertEqual(self.outcomes(), {"p@a": "succeeded", "clean@local": "failed", "ask@local": "skipped",
                                           "tell@local": "skipped", "next@local": "succeeded"})
        self.says(self.tasks()["ask@local"]["reason"], "'ask' runs on failure only, and 'p' has not failed")

    def test_29_a_host_that_is_not_there_is_named_and_holds_no_other(self):
        """It is waited for a minute, and then its task fails: errors_test has that minute."""
        held = socket.socket()  # nobody listens on its port, nor will while it is held
        self.addCleanup(held.close)
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        self.begin("here", agents={"gone": address})
        self.apply(p={"action": "one", "hosts": on("gone", "here")}, q={"action": "two", "hosts": on("here")})
        run = self.mesh.start("p")
        wait_for("the other host's task has ended", lambda: self.tasks(run)["p@here"]["outcome"] == "succeeded")
        self.do("q")
        gone = wait_for("the reason", lambda: (task := self.tasks(run)["p@gone"])["reason"] and task)
        self.assertEqual((gone["state"], gone["started_at"]), ("ready", None))
        self.says(gone["reason"], f"gone ({address}) can't be reached")
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")


class Dependencies(Acceptance):
    def test_08_what_is_before_starts_together_and_all_of_it_ends_first(self):
        self.begin()
        self.apply(a=self.gated(), b=self.gated(), p={"action": "one", "before": [{"name": "a"}, {"name": "b"}]})
        run = self.mesh.start("p")
        wait_for("both have begun", lambda: sorted(self.told()) == ["begin a@local", "begin b@local"])
        self.let("a@local")
        wait_for("a has ended", lambda: self.tasks(run)["a@local"]["state"] == "finished")
        self.assertEqual(self.tasks(run)["p@local"]["state"], "waiting")
        self.let("b@local")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        tasks = self.tasks(run)
        for name in "ab":
            self.assertLessEqual(tasks[f"{name}@local"]["finished_at"], tasks["p@local"]["started_at"])

    def test_09_a_failure_before_lets_its_siblings_end_and_nothing_else_begin(self):
        self.begin()
        self.apply(bad={"action": "bad"}, two=self.gated(action="gated two"), clean={"action": "three"},
                   p={"action": "one", "before": [{"name": "bad"}, {"name": "two"}], "after": [{"name": "clean"}]})
        run = self.mesh.start("p")
        wait_for("two has begun", self.told)
        wait_for("bad has failed", lambda: self.tasks(run)["bad@local"]["outcome"] == "failed")
        self.assertEqual(self.told(), ["begin two@local"])
        self.let("two@local")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.assertEqual(self.outcomes(), {"bad@local": "failed", "two@local": "succeeded", "p@local": "skipped",
                                           "clean@local": "skipped"})
        self.never_ran("p@local", "clean@local")

    def test_11_a_chain_runs_from_its_end_and_ends_with_a_failure(self):
        self.begin()
        self.let("all")
        a, b = self.gated(before=[{"name": "b"}]), self.gated(before=[{"name": "c"}])
        self.apply(a=a, b=b, c=self.gated())
        self.do("a")
        order = [f"{what} {name}@local" for name in "cba" for what in ("begin", "end")]
        self.assertEqual(self.told(), order)

        self.apply(a=a, b=b, c=self.gated(action="gated bad"))
        self.do("a", code=1)
        self.assertEqual(self.outcomes(), {"c@local": "failed", "b@local": "skipped", "a@local": "skipped"})
        self.never_ran("a@local", "b@local")
        self.assertEqual(self.told(), [*order, "begin c@local", "end c@local"])

    def test_12_an_entry_goes_over_the_project_that_it_names_and_not_beyond(self):
        self.begin()
        self.apply(leaf={"action": "two"}, tail={"action": "two"},
                   d={"action": "one", "vars": {"WORKER": "d"}, "before": [{"name": "leaf"}], "after": [{"name": "tail"}]},
                   p={"action": "one", "before": [{"name": "d", "action": "three", "vars": {"X": "entry"}}]})
        self.do("p")
        self.assertEqual({name: self.raw(name) for name in ("leaf", "d", "tail", "p")},
                         {"leaf": "two  \n", "d": "three d entry\n", "tail": "two  \n", "p": "one  \n"})
        tasks = self.tasks()
        for earlier, later in (("leaf", "d"), ("d", "tail"), ("tail", "p")):
            self.assertLessEqual(tasks[f"{earlier}@local"]["finished_at"], tasks[f"{later}@local"]["started_at"])

    def test_13_an_entry_also_goes_over_a_project_with_hosts_and_a_host_over_it(self):
        self.begin("a", "b")
        self.apply(d={"action": "two", "vars": {"WORKER": "d"}, "hosts": [*on("a"), *on("b", action="one", vars={"X": "host"})]},
                   p={"action": "one", "before": [{"name": "d", "action": "three", "vars": {"X": "entry"}}]})
        self.do("p")
        self.assertEqual(list(self.tasks()), ["d@a", "d@b", "p@local"])
        self.assertEqual([self.raw(task) for task in (1, 2)], ["three d entry\n", "one d host\n"])

    def test_14_hosts_of_an_entry_replace_those_of_its_project_and_what_is_before_runs_once(self):
        self.begin("a", "b", "c")
        self.apply(leaf={"action": "two"}, d={"action": "one", "hosts": on("c"), "before": [{"name": "leaf"}]},
                   p={"action": "three", "before": [{"name": "d", "hosts": on("a", "b", vars={"X": "entry"})}]})
        self.do("p")
        # A list: a task that ran twice would be in it twice.
        self.assertEqual([(task["project"], task["host"], task["outcome"]) for task in self.mesh.show("last")["tasks"]],
                         [("leaf", "local", "succeeded"), ("d", "a", "succeeded"), ("d", "b", "succeeded"),
                          ("p", "local", "succeeded")])
        self.assertEqual([self.raw(task) for task in (1, 2, 3)], ["two  \n", "one  entry\n", "one  entry\n"])


class Lanes(Acceptance):
    def serial(self, *names):
        return [f"{what} {name}" for name in names for what in ("begin", "end")]

    def test_15_a_lane_runs_one_at_a_time_in_the_order_of_the_list(self):
        self.begin("c", "a", "b")
        self.let("p@a", "p@b")
        self.apply(p=self.gated(hosts=on("c", "a", "b", **{"queue-id": "q"})), other={"action": "one", "hosts": on("a", "b")})
        run = self.mesh.start("p")
        wait_for("the first has begun", self.told)
        self.do("other")  # a and b have nothing else to do
        self.assertEqual(self.told(), ["begin p@c"])
        self.let("p@c")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.told(), self.serial("p@c", "p@a", "p@b"))

    def test_16_lanes_do_not_hold_each_other(self):
        self.begin("a", "b", "c")
        one, two = {"queue-id": "q1"}, {"queue-id": "q2"}
        self.apply(p=self.gated(hosts=[*on("a", "b", **one), *on("c", **two)]), other={"action": "one", "hosts": on("b")})
        run = self.mesh.start("p")
        wait_for("one of each has begun", lambda: sorted(self.told()) == ["begin p@a", "begin p@c"])
        self.let("p@c")
        wait_for("the second lane is done", lambda: self.tasks(run)["p@c"]["outcome"] == "succeeded")
        self.do("other")  # b has nothing else to do
        self.assertNotIn("begin p@b", self.told())
        self.let("p@a", "p@b")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual([line for line in self.told() if "@c" not in line], self.serial("p@a", "p@b"))

    def test_17_a_project_does_not_wait_in_a_lane_for_its_own_hosts(self):
        self.begin("a", "b")
        self.let("d@local", "p@b")
        lane = {"queue-id": "q"}
        self.apply(d=self.gated(**lane), p=self.gated(hosts=on("a", "b"), before=[{"name": "d"}], **lane),
                   other={"action": "one", "hosts": on("b")})
        run = self.mesh.start("p")
        wait_for("the first host has begun", lambda: "begin p@a" in self.told())
        self.do("other")  # b has nothing else to do
        self.assertEqual(self.told(), [*self.serial("d@local"), "begin p@a"])
        self.let("p@a")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.told(), self.serial("d@local", "p@a", "p@b"))


class Time(Acceptance):
    def test_18_a_timeout_ends_the_task_and_all_that_it_started(self):
        """Also what left its process group, and what ignores the request to end."""
        pids = self.mesh.path("pids")
        self.add("long", f"setsid sleep 301 & echo $! >>{pids}\n(trap '' TERM; exec sleep 302) & echo $! >>{pids}\n"
                         f"echo $$ >>{pids}\nwait\n")
        self.begin()
        self.apply(p={"action": "one long two", "timeout": 2, "grace": "200ms", "after": [{"name": "clean"}]},
                   clean={"action": "three"})
        self.do("p", code=1)
        self.assertEqual(self.outcomes(), {"p@local": "timed_out", "clean@local": "skipped"})
        self.never_ran("clean@local")
        task = self.tasks()["p@local"]
        started, finished = (datetime.datetime.fromisoformat(task[at].rstrip("Z")) for at in ("started_at", "finished_at"))
        self.assertGreaterEqual((finished - started).total_seconds(), 2)
        pids = read_text(pids).split()
        self.assertEqual((len(pids), [pid for pid in pids if alive(int(pid))]), (3, []))
        self.assertEqual(self.mesh.jobs(), [])
        self.assertEqual(self.raw("p"), "one  \n")


if __name__ == "__main__":
    main()
