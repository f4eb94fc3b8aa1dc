#!/usr/bin/python3
"""The acceptance cases, one test each by number: what actions print and get, artifacts, and what job files may hold.

Those about order and time are in acceptance_order_test.py.
"""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime

import acceptance_order_test
import acceptance_sparrow_test
from acceptance import Acceptance, on
from mesh import SOURCE
from process import alive, peak_rss, read_text, wait_for
from story import main


class Actions(Acceptance):
    def test_01_hello_is_printed_as_the_article_shows_it(self):
        self.begin()
        self.apply(job1={"action": "hello", "vars": {"WORKER": "A"}})
        self.do("job1")
        self.assertRegex(self.mesh.cromt("logs", "last").out,
                         r"\[task run: task.bash - tasks/hello\]\n\[task stdout\]\n\d\d:\d\d:\d\d :: Hello worker  A!\n")

    def test_03_three_actions_run_in_order_in_one_clone(self):
        self.begin()
        self.apply(p={"action": "one two three"})
        self.do("p")
        self.assertEqual(self.raw(1), "one  \ntwo  \nleft-by-one\nthree  \nleft-by-one\nleft-by-two\n")

    def test_04_the_first_failure_ends_the_actions_and_the_project(self):
        self.begin()
        self.apply(p={"action": "two bad three", "after": [{"name": "clean"}]}, clean={"action": "one"})
        self.do("p", code=1)
        self.assertEqual(self.outcomes(), {"p@local": "failed", "clean@local": "skipped"})
        self.never_ran("clean@local")
        self.assertEqual(self.tasks()["p@local"]["exit_code"], 5)
        self.assertEqual(self.raw("p"), "two  \n")
        report = self.mesh.cromt("logs", "last").out
        self.assertRegex(report, r"\d\d:\d\d:\d\d :: two  \n")
        self.says(report, ":: task exit status: 5\n", ":: task tasks/bad FAILED\n")

    def test_05_without_any_action_there_must_be_one_called_default(self):
        self.begin()
        self.apply(p={"title": "nothing to do"})
        self.do("p", code=1)
        self.says(self.mesh.cromt("logs", "last").out, "default not found")
        self.assertEqual(self.tasks()["p@local"]["exit_code"], 1)

    def test_36_a_task_that_kills_itself_fails(self):
        self.add("kill", "echo before; kill -9 $$; echo behind\n")
        self.begin()
        self.apply(p={"action": "kill one"})
        self.do("p", code=1)
        self.assertEqual((self.tasks()["p@local"]["outcome"], self.tasks()["p@local"]["exit_code"]), ("failed", 137))
        self.assertEqual(self.raw("p"), "before\n")

    def test_37_what_a_task_leaves_running_does_not_hold_it(self):
        self.add("leave", f"sleep 300 &\necho $! >{self.mesh.path('pid')}\necho done\n")
        self.begin()
        self.apply(p={"action": "leave"})
        self.do("p")  # far below 300 s, or it fails
        self.assertEqual(self.raw("p"), "done\n")
        self.assertFalse(alive(int(read_text(self.mesh.path("pid")))))
        self.assertEqual(self.mesh.jobs(), [])


class Values(Acceptance):
    """Which of several values holds, and that it arrives as it was written."""

    def test_06_variables_of_hosts_go_over_those_of_projects(self):
        self.begin("a", "b")
        self.apply(p={"action": "one", "vars": {"WORKER": "p", "X": "p"},
                      "hosts": [*on("a", vars={"X": "h1"}), *on("b", vars={"WORKER": "h2"}), *on("b")]})
        self.do("p")
        self.assertEqual([self.raw(task) for task in (1, 2, 3)], ["one p h1\n", "one h2 p\n", "one p p\n"])

    def test_07_the_action_of_a_host_goes_over_that_of_its_project(self):
        self.begin("a", "b")
        self.apply(p={"action": "one", "hosts": [*on("a"), *on("b", action="three")]})
        self.do("p")
        self.assertEqual([self.raw(task) for task in (1, 2)], ["one  \n", "three  \n"])

    def environment(self, variables):
        """What a task with these lines as `vars` finds in its environment."""
        self.begin()
        self.mesh.apply(f"projects:\n  p:\n    path: {self.path}\n    action: env\n    vars:\n{variables}")
        self.do("p")
        out = self.raw("p")
        self.assertNotIn("INJ", out.split("\n"))
        return dict(entry.split("=", 1) for entry in out.rstrip("\0").split("\0"))

    def test_22_no_shell_reads_a_variable(self):
        found = self.environment("      MSG: hello world\n      Q: a\"b;echo INJ\n      D: $HOME\n      M: \"x\\ny\"\n"
                                 "      B: $(echo INJ) `echo INJ` \\\n      S: \"  two  \"\n")
        expected = {"MSG": "hello world", "Q": 'a"b;echo INJ', "D": "$HOME", "M": "x\ny", "B": "$(echo INJ) `echo INJ` \\",
                    "S": "  two  "}
        self.assertEqual({name: found[name] for name in expected}, expected)

    def test_23_variables_are_text_as_it_is_written(self):
        expected = {"Y": "1.10", "Z": "true", "N": "no", "E": "1e3", "O": "007", "on": "yes"}
        lines = "".join(f"      {name}: {value}\n" for name, value in expected.items())
        found = self.environment(lines + "      V:\n      W: null\n")
        expected.update(V="", W="")
        self.assertEqual({name: found[name] for name in expected}, expected)


class Artifacts(Acceptance):
    OUT = {"out": [{"file": "patch.sql", "path": "out/f.txt"}]}
    TAKE = {"artifacts": {"in": ["patch.sql"]}, "before": [{"name": "maker"}]}

    def test_19_what_one_host_made_is_there_before_the_first_action_of_another(self):
        self.begin("a", "b")
        self.apply(maker={"action": "mk", "url": "http://a", "artifacts": self.OUT},
                   taker={"action": "use one", "url": "http://b", **self.TAKE})
        self.do("taker")
        self.assertEqual(self.raw("taker"), "ALTER TABLE users; -- of a\none  \n")

    def test_20_what_nobody_makes_is_refused_and_what_is_not_made_fails(self):
        self.begin()
        taker = {"action": "two", **self.TAKE}
        self.apply(maker={"action": "mk"}, taker=taker)
        refused = self.mesh.cromt("start", "taker")
        self.exited(2, refused)
        self.assertRegex(refused.err, r"jobs\.yaml:\d+:\d+: error: nothing before 'taker' publishes 'patch\.sql'")
        self.assertEqual(self.mesh.cromt("runs", "-o", "json").out, "")  # no action has run

        self.apply(maker={"action": "one", "artifacts": self.OUT}, taker=taker)
        self.do("taker", code=1)
        self.assertEqual(self.raw("maker"), "one  \n")
        self.assertEqual(self.outcomes(), {"maker@local": "failed", "taker@local": "skipped"})
        self.says(self.tasks()["maker@local"]["reason"], "patch.sql", "out/f.txt")

    def test_21_a_hundred_megabytes_arrive_byte_for_byte_in_bounded_memory(self):
        self.add("big", 'mkdir out; { head -c 100M /dev/urandom; printf "\\0\\377\\0"; } >out/f.txt; sha256sum <out/f.txt\n')
        self.add("sum", "sha256sum <.artifacts/patch.sql\n")
        self.begin("a", "b")
        programs = {**self.mesh.agents, "coordinator": self.mesh.coordinator}
        before = {name: peak_rss(program.process.pid) for name, program in programs.items()}
        self.apply(maker={"action": "big", "url": "http://a", "artifacts": self.OUT},
                   taker={"action": "sum", "url": "http://b", **self.TAKE})
        self.do("taker")
        self.assertRegex(self.raw("maker"), "^[0-9a-f]{64}  -\n$")
        self.assertEqual(self.raw("taker"), self.raw("maker"))
        for name, program in programs.items():
            self.assertLess(peak_rss(program.process.pid) - before[name], 64 << 20, name)

    def test_28_of_two_hosts_that_make_one_name_the_last_listed_counts_and_all_can_be_had(self):
        """Also when the first host is the last to publish; and no file holds parts of both."""
        size = 4_000_000
        self.add("letters", f'mkdir out; head -c {size} /dev/zero | tr "\\0" "$CROMT_HOST" >out/f.txt\n')
        self.add("count", 'cd .artifacts; for f in $(find * -type f | sort); do\n'
                          'echo $f $(tr -cd a <$f | wc -c) $(tr -cd b <$f | wc -c) $(wc -c <$f)\ndone\n')
        self.begin("a", "b")
        every = {"artifacts": {"in": [{"file": "patch.sql", "hosts": "all"}]}}
        self.apply(maker=self.gated(action="gated letters", hosts=on("a", "b"), artifacts=self.OUT),
                   last={"action": "count", **self.TAKE},
                   every={"action": "count", **self.TAKE, **every},
                   top={"action": "one", "before": [{"name": "last"}, {"name": "every"}]})
        run = self.mesh.start("top")
        self.let("maker@b")
        wait_for("b has published", lambda: self.tasks(run)["maker@b"]["state"] == "finished")
        self.let("maker@a")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        self.assertEqual(self.raw("last"), f"patch.sql 0 {size} {size}\n")
        self.assertEqual(self.raw("every"), f"a/patch.sql {size} 0 {size}\nb/patch.sql 0 {size} {size}\n")


class Sources(Acceptance):
    def test_25_a_folder_is_used_in_place_and_urls_are_cloned(self):
        self.begin(allow_local_git=True)
        home = pwd.getpwuid(os.getuid()).pw_dir
        place = tempfile.mkdtemp(prefix=".cromt-e2e-", dir=home)
        self.addCleanup(shutil.rmtree, place)
        shutil.copytree(self.mesh.path("trees", "r"), place, dirs_exist_ok=True)
        self.apply(maker={"action": "mk", "artifacts": Artifacts.OUT},
                   p={"path": "~/" + os.path.basename(place), "action": "use one", **Artifacts.TAKE})
        self.do("p")
        self.assertEqual(self.raw("p"), "ALTER TABLE users; -- of local\none  \n")
        self.assertTrue(os.path.exists(os.path.join(place, "left-by-one")))
        self.assertEqual(os.listdir(os.path.join(place, ".artifacts")), ["patch.sql"])

        for url in (self.path, f"file://{self.mesh.path('git', 'r.git')}"):
            with self.subTest(url.partition(":")[0]):
                self.apply(p={"path": url, "action": "one env"})
                self.do("p")
                said, _, environment = self.raw("p").partition("\n")
                self.assertEqual(said, "one  ")
                self.says("\0" + environment, f"\0SCM_URL={url}\0", f"\0SCM_SHA={self.commit}\0")

    def test_26_the_branch_is_what_is_cloned_and_what_starts_it(self):
        self.begin()
        self.add("one", "echo this is dev\n")
        self.branch("dev")
        dev = self.commit
        self.add("one", "echo this is main\n")
        self.apply(p={"action": "one", "branch": "dev"}, q={"action": "one"})

        def runs(project, said, commit):
            self.do(project)
            self.assertEqual((self.raw(project), self.mesh.show("last")["commit"]), (said, commit))

        runs("p", "this is dev\n", dev)
        runs("q", "this is main\n", self.commit)
        self.branch("dev")
        runs("p", "this is main\n", self.commit)

        self.apply(p={"action": "one", "branch": "dev", "trigger": True, "poll_interval": "1s"})
        wait_for("the branch is seen", lambda: f": at {self.commit[:12]}" in self.mesh.cromt("projects").out)
        count = len(self.runs())
        self.add("one", "echo this is pushed\n")
        self.branch("dev")
        pushed = self.commit
        self.add("one", "echo this is main again\n")
        wait_for("the push starts a run", lambda: len(self.runs()) > count)
        run = self.mesh.wait_finished(self.runs()[0])
        self.assertEqual((run["trigger"], run["commit"], run["outcome"]), ("scm", pushed, "succeeded"))
        self.assertEqual(self.mesh.cromt("logs", run["id"], "--raw").out, "this is pushed\n")

    def runs(self):
        """Ids of p's, the newest first."""
        return [json.loads(line)["id"] for line in self.mesh.cromt("runs", "--project", "p", "-o", "json").out.splitlines()]

    def branch(self, name):
        """Moves it to where main is."""
        subprocess.run(["git", "-C", self.mesh.path("git", "r.git"), "branch", "-q", "--force", name, "main"], check=True)


class JobFiles(Acceptance):
    def test_27_what_is_wrong_is_refused_with_its_line_and_nothing_is_applied(self):
        self.begin()
        text = ("projects:\n"
                "  good: {run: 'true'}\n"
                "  p:\n"
                "    run: 'true'\n"
                "    before: [{name: nobody}]\n"
                "    actoin: one\n"
                "  A: {run: 'true', before: [{name: B}]}\n"
                "  B: {run: 'true', before: [{name: A}]}\n")
        done = self.mesh.cromt("--conf", self.mesh.write("jobs.yaml", text))
        self.exited(2, done)
        self.assertRegex(done.err, r"jobs\.yaml:5:\d+: error: .*nobody")
        self.assertRegex(done.err, r"jobs\.yaml:6:5: error: .*actoin.*did you mean 'action'")
        self.assertRegex(done.err, r"jobs\.yaml:[78]:\d+: error: .*A.*B.*A")
        self.assertEqual(self.mesh.cromt("projects", "-o", "json").out, "")

    def plan(self, project, file):
        self.succeeded(self.mesh.cromt("validate", file))
        done = self.mesh.cromt("plan", project, "--conf", file, "-o", "json")
        self.succeeded(done)
        return json.loads(done.out)

    def test_24_a_crontab_is_accepted_and_its_next_time_is_told(self):
        self.begin()
        self.apply(a={"action": "one", "crontab": "*/10 * * * *", "timezone": "UTC"}, b={"action": "one", "crontab": "@daily", "timezone": "UTC"},
                   c={"action": "one", "crontab": "30 4 13 * mon-fri", "timezone": "UTC"})
        told = [json.loads(line)["next_tick"] for line in self.mesh.cromt("projects", "-o", "json").out.splitlines()]
        ten, daily, either = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in told)
        self.assertEqual((ten.minute % 10, ten.second), (0, 0))
        self.assertEqual((daily.hour, daily.minute), (0, 0))
        self.assertEqual((either.hour, either.minute), (4, 30))
        self.assertTrue(either.day == 13 or either.weekday() < 5, either)

    def test_35_builds_in_containers_one_at_a_time(self):
        """A file of the shape of the one that builds rakudo, and a shorter one of its author as it is. Nothing is run."""
        distros = ("alpine", "debian", "archlinux", "fedora")
        path = "https://git.example.org/rakudo.git"

        def hosts(**keys):
            return [{"url": "https://builder.example.org:4000", "queue-id": "rakudo-build",
                     **{key: value.format(distro) for key, value in keys.items()}} for distro in distros]

        builds = [{**host, "sparrowdo": {"docker": distro, "bootstrap": True, "no_sudo": True}}
                  for host, distro in zip(hosts(title="{} build"), distros)]
        file = self.mesh.write("jobs.yaml", json.dumps({"projects": {
            "run_docker": {"path": path, "title": "run dockers", "hosts": hosts(action="run-docker", title="run-docker {}")},
            "stop_docker": {"path": path, "hosts": hosts(action="stop-docker", title="stop-docker {}")},
            "rakudo": {"path": path, "action": "build", "hosts": builds, "before": [{"name": "run_docker"}],
                       "after": [{"name": "stop_docker"}]}}}))
        plan = self.plan("rakudo", file)
        self.assertEqual([(i["id"], i["project"], i["needs"], i["after"]) for i in plan["instances"]],
                         [("1", "run_docker", [], []), ("2", "rakudo", ["1"], ["3"]), ("3", "stop_docker", [], [])])
        self.assertEqual([(task["instance"], task["name"], task["does"]) for task in plan["tasks"]],
                         [*(("1", f"run-docker {distro}", "action run-docker") for distro in distros),
                          *(("2", f"{distro} build", "action build") for distro in distros),
                          *(("3", f"stop-docker {distro}", "action stop-docker") for distro in distros)])
        self.assertEqual({task["agent"] for task in plan["tasks"]}, {"builder.example.org:4000"})
        self.assertEqual({tuple(task["groups"]) for task in plan["tasks"]}, {("rakudo-build",)})
        self.assertEqual(plan["groups"], [{"name": "rakudo-build", "depth": 1, "mesh_wide": True}])

        plan = self.plan("rakusta", os.path.join(SOURCE, "tests", "data", "cromtit", "rakusta.yaml"))
        self.assertEqual([(task["name"], task["does"], task["groups"]) for task in plan["tasks"]],
                         [("alpine build", "action alpine-setup build", ["rakudo-build"]),
                          ("debian build", "action build", ["rakudo-build"]),
                          ("archlinux build", "action build", ["rakudo-build"])])

    def test_38_a_distribution_is_built_on_one_node_and_tested_by_three_workers(self):
        """A file of the shape of the one that tests rakudo on several hosts; this one is run, too."""
        nodes = [f"node{number}.example.org" for number in (1, 2, 3)]
        workers = "".join(f"      -\n        url: http://{node}:4000\n        vars:\n          WORKER: {number}\n"
                          for number, node in enumerate(nodes, 1))
        file = self.mesh.write("jobs.yaml", f"""storage: https://storage.example.org:4000
projects:
  build:
    path: https://git.example.org/r.git
    artifacts:
      out:
        -
          file: distro.tar
          path: .cache/distro.tar
  spectest:
    path: https://git.example.org/r.git
    before:
      -
        name: build
        action: build-distro archive-distro
        hosts:
          -
            url: http://{nodes[0]}:4000
    action: spectest
    artifacts:
      in:
        - distro.tar
    hosts:
{workers}""")
        self.add("build-distro", 'mkdir -p .cache/distro; echo "built on $CROMT_HOST" >.cache/distro/version\n')
        self.add("archive-distro", "tar cf .cache/distro.tar -C .cache distro\n")
        self.add("spectest", 'tar xf .artifacts/distro.tar; echo "worker $WORKER tests what was $(cat distro/version)"\n')
        plan = self.plan("spectest", file)
        self.assertEqual([(task["project"], task["host"], task["does"], [out["artifact"] for out in task["publishes"]])
                          for task in plan["tasks"]],
                         [("build", nodes[0], "action build-distro archive-distro", ["distro.tar"]),
                          *(("spectest", node, "action spectest", []) for node in nodes)])

        self.begin(*nodes, rewrite={"https://git.example.org/": self.mesh.git_url + "/"})
        self.succeeded(self.mesh.cromt("--conf", file))
        self.do("spectest")
        self.assertEqual([self.raw(task) for task in (2, 3, 4)],
                         [f"worker {number} tests what was built on {nodes[0]}\n" for number in (1, 2, 3)])


class Complete(unittest.TestCase):
    def test_each_case_is_here(self):
        classes = {case for module in (sys.modules[__name__], acceptance_order_test, acceptance_sparrow_test) for case in vars(module).values()
                   if isinstance(case, type) and issubclass(case, unittest.TestCase)}
        numbers = sorted(int(number) for case in classes for name in vars(case) for number in re.findall(r"^test_(\d\d)_", name))
        self.assertEqual(len(numbers), len(set(numbers)), numbers)
        self.assertEqual(set(numbers), set(range(1, 39)))


if __name__ == "__main__":
    main()
