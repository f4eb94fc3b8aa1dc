#!/usr/bin/python3
"""One file for who looks for a fault: `cromt debug bundle`. It tells what happened, and nothing that is to stay hidden."""

import base64
import json
import os
import signal
import stat
import tarfile
import urllib.parse

from founded import Founded
from process import wait_for
from story import Story, main

VALUE = "hunter22/with+odd=letters"
FORMS = [VALUE, base64.b64encode(VALUE.encode()).decode(), base64.urlsafe_b64encode(VALUE.encode()).decode(),
         urllib.parse.quote(VALUE, safe=""), VALUE[:12], "swordfish"]
# Of a commandline, a variable and an output, none of which is a secret, and none of which is the bundle's to tell.
PRIVATE = ["of-the-command", "of-a-variable", "of-the-output"]
MOST_BYTES = 4 << 20


class Bundles(Story):
    def bundle(self, *flags, name="b.tar.gz"):
        """The files of a new one, by name."""
        path = self.mesh.path(name)
        done = self.mesh.cromt("debug", "bundle", "--to", path, *flags)
        self.succeeded(done)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertLess(os.path.getsize(path), MOST_BYTES)
        self.said = done
        with tarfile.open(path) as archive:
            files = {one.name.split("/", 1)[1]: archive.extractfile(one).read().decode() for one in archive if one.isfile()}
        self.texts = files
        return {one: json.loads(text) for one, text in files.items()}

    def holds_nothing_of(self, forms):
        for name, text in self.texts.items():
            for form in forms:
                self.assertNotIn(form, text, name)


class Told(Bundles):
    def setUp(self):
        super().setUp()
        self.mesh.start_all("hostA", "hostB")

    def test_what_a_run_did_is_told_and_its_secrets_are_not(self):
        self.succeeded(self.mesh.cromt("secrets", "set", "db", "--project", "app", typed=VALUE))
        self.mesh.apply("projects:\n  app:\n    vars: {v: of-a-variable}\n    secrets: [{name: db, env: DB}]\n"
                        "    run: |\n      : of-the-command; echo of-the-outp\"\"ut \"$DB\"; printf %s \"$DB\" | base64\n"
                        "    hosts: [{url: 'http://hostA'}]\n")
        self.succeeded(self.mesh.cromt("start", "app", "--wait"))
        run = self.mesh.show("last")["id"]
        # A name that people chose may be a secret, too.
        self.succeeded(self.mesh.cromt("secrets", "set", "name", "--project", "app", typed="swordfish"))
        self.mesh.cromt("pause", "app", "--reason", f"until {VALUE} is no more; see https://me:swordfish@host/")
        files = self.bundle()
        self.holds_nothing_of([*FORMS, *PRIVATE])
        state = files["coordinator.json"]
        self.assertEqual({agent["up"] for agent in state["agents"]}, {True})
        self.assertIn("until *** is no more", state["projects"][0]["paused"])
        events = files["coordinator-events.json"]["events"]
        of_run = [(event["kind"], event.get("state")) for event in events if event.get("of") == run]
        for expected in (("asked.start", "manual"), ("run.created", "manual"), ("task.changed", "leased"), ("report.ended", "exited"),
                         ("task.changed", "succeeded"), ("run.changed", "succeeded")):
            self.assertIn(expected, of_run)
        agents = [name for name in files if name.startswith("agents/")]
        self.assertEqual(len(agents), 2)
        kinds = {event["kind"] for name in agents for event in files[name]["events"]}
        self.assertLessEqual({"session.hello", "lease.offered", "attempt.accepted", "attempt.launching", "attempt.ended", "launcher.up"}, kinds)
        self.assertEqual(files["manifest.json"]["missing_agents"], [])
        self.assertEqual(sorted([*files["manifest.json"]["files"], "manifest.json"]), sorted(files))

    def test_what_has_not_ended_is_told_with_why(self):
        gate = self.mesh.path("gate")
        self.mesh.apply(f"projects:\n  slow:\n    run: until [ -e {gate} ]; do sleep 0.05; done\n    hosts: [{{url: 'http://hostA'}}]\n")
        run = self.mesh.start("slow")
        wait_for("it runs", lambda: self.mesh.show(run)["tasks"][0]["state"] == "running")
        files = self.bundle()
        [told] = files["coordinator.json"]["unfinished_runs"]
        self.assertEqual((told["id"], told["tasks"][0]["state"]), (run, "running"))
        self.assertTrue(told["why"])
        phases = [attempt["phase"] for name in files if name.startswith("agents/") for attempt in files[name]["attempts"]]
        self.assertEqual(phases, ["running"])
        self.mesh.write("gate", "")
        self.mesh.wait_finished(run)

    def test_an_agent_that_does_not_answer_is_named(self):
        states = lambda: [json.loads(line)["state"] for line in self.mesh.cromt("agents", "-o", "json").out.splitlines()]
        wait_for("both are there", lambda: states() == ["up", "up"])
        hung = self.mesh.agents["hostB"]
        os.kill(hung.process.pid, signal.SIGSTOP)
        try:
            files = self.bundle()
        finally:
            os.kill(hung.process.pid, signal.SIGCONT)
        [missing] = files["manifest.json"]["missing_agents"]
        self.assertEqual(missing["address"], hung.address)
        self.says(self.said.err, f"without agent {hung.address}: ")
        self.assertEqual(len([name for name in files if name.startswith("agents/")]), 1)

    def test_events_come_in_order_and_are_counted(self):
        self.mesh.apply("projects: {p: {run: 'true'}}\n")
        for _ in range(3):
            self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        events = self.bundle()["coordinator-events.json"]
        self.assertEqual(events["seen"], len(events["events"]))
        times = [event["at"] for event in events["events"]]
        self.assertEqual(times, sorted(times))

    def test_without_a_coordinator_it_says_what_else_tells(self):
        self.mesh.coordinator.kill()
        done = self.mesh.cromt("debug", "bundle", "--to", self.mesh.path("c.tar.gz"))
        self.exited(3, done)
        self.says(done.err, "journalctl -u cromt-coordinator", "cromt-agent doctor")
        self.assertFalse(os.path.exists(self.mesh.path("c.tar.gz")))

    def test_nothing_is_overwritten_unless_it_is_said(self):
        path = self.mesh.write("b.tar.gz", "mine")
        self.exited(2, self.mesh.cromt("debug", "bundle", "--to", path))
        self.bundle("--force")


class InAMesh(Bundles):
    mesh_kind = Founded

    def test_agents_are_asked_as_members_and_only_an_admin_may(self):
        self.mesh.found()
        self.mesh.add_agent("h1")
        wait_for("it is up", lambda: json.loads(self.mesh.cromt("agents", "-o", "json").out or '{"state": ""}')["state"] == "up")
        files = self.bundle()
        self.assertEqual(files["agents/h1.json"]["agent"], "h1")
        for forbidden in (self.mesh.admin_token, "PRIVATE KEY"):
            self.holds_nothing_of([forbidden])
        self.says(self.mesh.cromt("audit", "-o", "json").out, "DebugService/Bundle")
        self.succeeded(self.mesh.log_in(self.mesh.token_of("otto", "operator")))
        self.exited(3, self.mesh.cromt("debug", "bundle", "--to", self.mesh.path("o.tar.gz")))
        self.assertFalse(os.path.exists(self.mesh.path("o.tar.gz.part")))


if __name__ == "__main__":
    main()
