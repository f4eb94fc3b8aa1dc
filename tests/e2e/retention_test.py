#!/usr/bin/python3
"""What is past goes, bit by bit, and nothing that somebody needs; a disk that fills up is told of before it is full.

Runs in a mount namespace of its own, where small file systems can be mounted.
"""

import json
import os

import namespaces
import rpc
from disk_test import Disk
from process import wait_for
from story import Story, main

KEPT_AT_LEAST = 30  # seconds since a run has ended (lib/core/retention.h)
PATIENCE = 2 * KEPT_AT_LEAST
OUTPUT = 40_000


class Retention(Story):
    def runs(self, project):
        listed = self.mesh.cromt("runs", "--project", project, "-o", "json")
        self.succeeded(listed)
        return [json.loads(line)["id"] for line in listed.out.splitlines()]

    def files(self):
        return {name.removesuffix(".log") for name in os.listdir(self.mesh.path("coordinator", "logs"))}

    def test_what_is_past_goes_and_what_goes_on_stays(self):
        outside = self.mesh.write("outside", "not a run's")
        self.mesh.start_all("host", retention={"logs": f"{3 * OUTPUT}"})
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  quick: {{run: echo said, keep: 3}}
  fails: {{run: exit 1, keep: 2}}
  prints: {{run: "head -c {OUTPUT} /dev/zero | tr '\\\\0' x"}}
  slow: {{run: "seq 1 30000; until [ -e {gate} ]; do sleep 0.02; done; echo done", keep: 1}}
""")
        for name in ("planted", "other"):
            os.symlink(outside, self.mesh.path("coordinator", "logs", f"{name}.log"))
        os.mkdir(self.mesh.path("coordinator", "logs", "folder.log"))
        slow = self.mesh.start("slow")
        quick = [self.mesh.start("quick") for _ in range(12)]
        fails = [self.mesh.start("fails") for _ in range(7)]
        prints = [self.mesh.start("prints") for _ in range(5)]
        for run in [*quick, *fails, *prints]:
            self.mesh.wait_finished(run)
        self.assertEqual(len(self.runs("quick")), 12)  # they have just ended

        self.mesh.coordinator.kill()
        self.mesh.coordinator.restart()
        wait_for("the old ones are gone", lambda: len(self.runs("quick")) == 3 and len(self.runs("fails")) == 4, seconds=PATIENCE)
        self.assertEqual(self.runs("quick"), quick[:-4:-1])
        self.assertEqual(self.runs("fails"), fails[:-5:-1])
        self.assertEqual(self.runs("slow"), [slow])
        for command in ("logs", "show"):
            gone = self.mesh.cromt(command, quick[0])
            self.exited(2, gone)
            self.says(gone.err, f"run {quick[0]} was removed on 20", "runs are kept as long as they are among the newest 3 of their project")
        self.exited(2, self.mesh.cromt("rerun", quick[0]))
        self.succeeded(self.mesh.cromt("rerun", quick[-1], "--wait"))

        def output_is_gone():
            return self.mesh.cromt("logs", prints[0]).code == 2
        wait_for("output of the oldest is gone", output_is_gone, seconds=PATIENCE)
        told = self.mesh.cromt("logs", prints[0], "--follow")
        self.exited(2, told)
        self.says(told.err, f"the output of run {prints[0]} (", "was removed on 20", "the output of all runs is kept up to 117.2 KiB")
        self.assertEqual(self.mesh.show(prints[0])["outcome"], "succeeded")
        wait_for("files follow", lambda: not {quick[0], prints[0]} & self.files())

        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(slow)["outcome"], "succeeded")
        self.assertEqual(self.mesh.cromt("logs", slow, "--follow", "--raw").out, "".join(f"{n}\n" for n in range(1, 30001)) + "done\n")
        self.assertLessEqual({"planted", "other", "folder"}, self.files())
        with open(outside, encoding="utf-8") as file:
            self.assertEqual(file.read(), "not a run's")


class Guard(Disk):
    limits = {"warn": 60, "stop": 80}

    def fill_to(self, path, percent):
        """So much of the file system is used then."""
        disk = os.statvfs(path)
        size = disk.f_blocks * percent // 100 * disk.f_frsize - (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        filler = os.path.join(path, "filler")
        with open(filler, "ab") as file:
            file.write(b"x" * size)
        return filler

    def test_the_coordinators(self):
        path = self.mount("coordinator", size="64m")
        self.mesh.start_all("host", disk_guard=self.limits)
        gate = self.mesh.path("gate")
        self.mesh.apply(f"projects:\n  p: {{run: 'true'}}\n  slow: {{run: 'until [ -e {gate} ]; do sleep 0.02; done'}}\n")
        slow = self.mesh.start("slow")
        self.fill_to(path, 70)
        wait_for("the operator is told", lambda: "the coordinator's disk is filling up: 7" in self.mesh.coordinator.log())
        self.says(self.mesh.cromt("projects").err, "warning: the coordinator's disk is filling up: 7")
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        filler = self.fill_to(path, 85)
        for command in (["start", "p"], ["rerun", "last"]):
            refused = self.mesh.cromt(*command)
            self.exited(3, refused)
            self.says(refused.err, "the coordinator's disk is nearly full, and no run is started until there is room", f"% of the disk under {path} is used")
        client = self.client(self.mesh.coordinator.address)
        self.assertEqual(client.health("cromt.v1.CoordinatorService"), rpc.NOT_SERVING)
        self.assertEqual(client.health(), rpc.SERVING)
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(slow)["outcome"], "succeeded")
        os.unlink(filler)
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        self.assertEqual(client.health("cromt.v1.CoordinatorService"), rpc.SERVING)
        self.says(self.mesh.coordinator.log(), "the coordinator's disk has room again")

    def test_an_agents(self):
        path = self.mount("host", size="64m")
        self.mesh.start_agent("host", "--config", self.mesh.write("host.yaml", json.dumps({"disk_guard": self.limits})))
        self.mesh.start_coordinator()
        gate = self.mesh.path("gate")
        self.mesh.apply(f"projects:\n  p: {{run: 'true'}}\n  slow: {{run: 'until [ -e {gate} ]; do sleep 0.02; done'}}\n")
        slow = self.mesh.start("slow")
        wait_for("it has begun", lambda: self.state(slow) == "running")
        self.fill_to(path, 70)
        wait_for("people are warned", lambda: "% of the disk under" in self.mesh.cromt("agents").out)
        self.succeeded(self.mesh.cromt("start", "p", "--wait"))
        filler = self.fill_to(path, 85)
        wait_for("it takes nothing new", lambda: "nothing new is taken or begun for now: 8" in self.mesh.agents["host"].log())
        waits = self.mesh.start("p")
        wait_for("why says so", lambda: "% of the disk under" in self.mesh.cromt("why", waits, "1").out)
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(slow)["outcome"], "succeeded")
        os.unlink(filler)
        self.assertEqual(self.mesh.wait_finished(waits)["outcome"], "succeeded")
        wait_for("nobody is warned any more", lambda: "of the disk" not in self.mesh.cromt("agents").out)


if __name__ == "__main__":
    namespaces.enter()
    main()
