#!/usr/bin/python3
"""What pushes start: real repositories behind a real server, also where another server never answers."""

import hashlib
import hmac
import json
import socket
import threading
import urllib.error
import urllib.request

from process import wait_for
from story import Story, main


class Silent:
    """A server that takes connections and says nothing; `met` of them so far."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._held = []
        self.met = 0
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _run(self):
        try:
            while True:
                self._held.append(self._socket.accept()[0])
                self.met += 1
        except OSError:
            return  # closed

    def close(self):
        self._socket.close()
        for one in self._held:
            one.close()


class Triggers(Story):
    def setUp(self):
        super().setUp()
        self.mesh.start_git_server()
        self.first = self.push("one")

    def push(self, text, repository="site"):
        return self.mesh.commit(repository, {"word": text})

    def start(self, **settings):
        self.mesh.start_all("a", rewrite={"https://forge.example/": self.mesh.git_url + "/"}, **settings)

    def project(self, keys="trigger: yes, poll_interval: 1s", repository="site", run="cat word"):
        return f'{{path: "https://forge.example/{repository}.git", branch: main, run: "{run}", {keys}, url: "http://{self.mesh.agents["a"].address}"}}'

    def lines(self, command, *arguments):
        done = self.mesh.cromt(command, *arguments, "-o", "json")
        self.succeeded(done)
        return [json.loads(line) for line in done.out.splitlines()]

    def runs(self, project="site"):
        """The oldest first."""
        return [self.mesh.show(one["id"]) for one in self.lines("runs", "--project", project)][::-1]

    def watches(self, project="site"):
        return {one["name"]: one for one in self.lines("projects")}[project]["watches"]

    def seen(self, commit, project="site"):
        wait_for(f"{commit} is seen", lambda: f": at {commit[:12]}" in self.watches(project))

    def ran(self, count, project="site"):
        wait_for(f"there are {count} runs", lambda: len(self.runs(project)) >= count)
        runs = self.runs(project)
        self.assertEqual(len(runs), count)
        return self.mesh.wait_finished(runs[-1]["id"])

    def test_a_push_starts_a_run_of_what_was_pushed(self):
        self.start()
        self.mesh.apply(f"projects:\n  site: {self.project()}\n")
        self.seen(self.first)
        self.assertEqual(self.runs(), [])  # the first sight starts nothing
        second = self.push("two")
        run = self.ran(1)
        self.assertEqual((run["trigger"], run["commit"], run["outcome"]), ("scm", second, "succeeded"))
        self.assertEqual(self.mesh.cromt("logs", run["id"], "--raw").out, "two")
        self.says(self.watches(), "main of https://forge.example/site.git, every 1s: at " + second[:12])
        (line,) = self.lines("ticks", "site")
        self.assertEqual((line["outcome"], line["run"]), ("started", run["id"]))
        self.says(line["why"], "commit " + second[:12] + " of main")

        # What is pushed while there is no coordinator is started by the next one, and nothing twice.
        self.mesh.coordinator.kill()
        third = self.push("three")
        self.mesh.start_coordinator(rewrite={"https://forge.example/": self.mesh.git_url + "/"})
        run = self.ran(2)
        self.assertEqual((run["commit"], run["outcome"]), (third, "succeeded"))
        self.succeeded(self.mesh.cromt("start", "site", "--wait"))  # by hand: what is there
        self.assertEqual(self.ran(3)["trigger"], "manual")

    def test_several_pushes_during_a_run_start_one_of_the_newest(self):
        self.start()
        gate = self.mesh.path("gate")
        self.mesh.apply(f"projects:\n  site: {self.project(run=f'until [ -e {gate} ]; do sleep 0.05; done; cat word')}\n")
        self.seen(self.first)
        second = self.push("two")
        wait_for("it runs", lambda: [one for one in self.runs() if one["state"] == "running"])
        third = self.push("three")
        wait_for("it waits", lambda: f": {third[:12]} waits" in self.watches())
        fourth = self.push("four")
        wait_for("the newest waits", lambda: f": {fourth[:12]} waits" in self.watches())
        self.mesh.write("gate", "")
        run = self.ran(2)
        self.assertEqual([one["commit"] for one in self.runs()], [second, fourth])
        self.assertEqual(self.mesh.cromt("logs", run["id"], "--raw").out, "four")
        lines = self.lines("ticks", "site")[::-1]
        self.assertEqual([one["outcome"] for one in lines], ["started", "skipped", "started"])
        self.says(lines[1]["why"], third[:12], f"commit {fourth[:12]} of main came before it could start")

    def test_a_pause_keeps_the_newest_push_for_its_end(self):
        self.start()
        self.mesh.apply(f"projects:\n  site: {self.project()}\n")
        self.seen(self.first)
        self.succeeded(self.mesh.cromt("pause", "site", "--reason", "a release"))
        second = self.push("two")
        wait_for("it waits", lambda: f": {second[:12]} waits" in self.watches())
        self.says(self.mesh.cromt("projects").out, "paused by", "a release")
        self.assertEqual(self.runs(), [])
        self.succeeded(self.mesh.cromt("unpause", "site"))
        self.assertEqual(self.ran(1)["commit"], second)

    def hook(self, commit, secret="a secret of the forge", ref="refs/heads/main", project="site"):
        """As a forge says that it was pushed: (status, answer)."""
        body = json.dumps({"ref": ref, "after": commit, "repository": {"full_name": "x/site"}}).encode()
        mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(f"http://{self.mesh.coordinator.http}/hooks/{project}", body, {
            "Content-Type": "application/json", "X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + mac})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def test_a_hook_starts_a_run_of_what_was_pushed_and_only_once(self):
        self.start()
        self.mesh.apply(f"projects:\n  site: {self.project(keys='hook: {secret: site_hook}')}\n")
        self.assertEqual(self.hook(self.first)[0], 401)  # the secret has no value yet
        self.succeeded(self.mesh.cromt("secrets", "set", "site_hook", "--project", "site", typed="a secret of the forge"))
        self.says(self.watches(), "main of https://forge.example/site.git, by its hook")
        second = self.push("two")
        self.assertEqual(self.hook(second, secret="a guess")[0], 401)
        self.assertEqual(self.hook(second, project="nosuch")[0], 401)
        status, answer = self.hook(second)
        self.assertEqual((status, answer["project"], answer["commit"]), (202, "site", second))
        run = self.ran(1)
        self.assertEqual((run["trigger"], run["commit"], run["outcome"]), ("hook", second, "succeeded"))
        self.seen(second)

        # Said again, said of an older commit, said of another branch: nothing. The next push starts the second run.
        self.assertEqual(self.hook(second)[0], 202)
        self.assertEqual(self.hook(self.first)[0], 202)
        status, answer = self.hook("c" * 40, ref="refs/heads/dev")
        self.assertEqual(status, 202)
        self.says(answer["message"], "project 'site' watches main: nothing is done")
        third = self.push("three")
        self.assertEqual(self.hook(third)[0], 202)
        self.assertEqual(self.ran(2)["commit"], third)
        self.assertEqual([one["outcome"] for one in self.lines("ticks", "site")], ["started", "started"])

    def test_a_hook_that_nobody_can_follow_yet_is_not_lost(self):
        """The forge's server is down when it comes, and then the coordinator is."""
        self.start()
        gone = {"https://forge.example/": "http://127.0.0.1:9/"}
        self.mesh.coordinator.kill()
        self.mesh.start_coordinator(rewrite=gone)
        self.mesh.apply(f"projects:\n  site: {self.project(keys='hook: {secret: site_hook}')}\n")
        self.succeeded(self.mesh.cromt("secrets", "set", "site_hook", "--project", "site", typed="a secret of the forge"))
        self.assertEqual(self.hook(self.first)[0], 202)
        wait_for("that is said", lambda: self.lines("projects")[0]["trouble"])
        self.mesh.coordinator.kill()
        self.mesh.start_coordinator(rewrite={"https://forge.example/": self.mesh.git_url + "/"})
        self.assertEqual(self.ran(1)["commit"], self.first)

    def test_a_server_that_never_answers_holds_up_no_other(self):
        silent = [Silent() for _ in range(12)]
        for one in silent:
            self.addCleanup(one.close)
        self.start()
        dead = "".join(f'  dead{i}-{j}: {{path: "{one.url}/r{j}.git", run: "true", trigger: yes, poll_interval: 1s}}\n'
                       for i, one in enumerate(silent) for j in range(6))
        self.mesh.apply(f"projects:\n{dead}  site: {self.project()}\n")
        wait_for("all wait for the silent ones", lambda: all(one.met for one in silent))
        self.seen(self.first)
        for word in ("two", "three"):
            commit = self.push(word)
            wait_for("it is found", lambda: [one for one in self.runs() if one["commit"] == commit], seconds=15)
        wait_for("that is said", lambda: [one for one in self.lines("projects") if "not done within" in (one["trouble"] or "")])

    def test_a_branch_that_is_not_there_is_said_and_found_when_it_comes(self):
        self.start()
        self.mesh.apply(f"projects:\n  site: {self.project().replace('branch: main', 'branch: dev')}\n")
        wait_for("that is said", lambda: "no branch or tag" in (self.lines("projects")[0]["trouble"] or ""))
        self.says(self.mesh.cromt("projects").out, "'dev' is no branch or tag")
        tree = self.mesh.path("trees", "site")
        self.mesh._git("-C", tree, "push", "-q", "origin", "HEAD:dev")
        self.seen(self.first)
        self.assertEqual(self.lines("projects")[0]["trouble"], None)

    def test_what_is_wrong_is_said(self):
        self.start()
        for keys, says in (("path: /srv/x, action: a, hook: {secret: s}", "'hook' starts a run of"),
                           ("path: 'https://h/x.git', action: a, hook: {token: s}", "unknown key 'token'"),
                           ("path: 'https://h/x.git', action: a, trigger: yes, poll_interval: 0s", "must be at least 1")):
            with self.subTest(keys):
                done = self.mesh.cromt("--conf", self.mesh.write("bad.yaml", f"projects:\n  p: {{{keys}}}\n"), "--dry-run")
                self.exited(2, done)
                self.says(done.err, "bad.yaml:2:", says)


if __name__ == "__main__":
    main()
