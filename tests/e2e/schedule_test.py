#!/usr/bin/python3
"""What starts by itself, on the real clock: a crontab, a restart in between, a pause."""

import json
import time
from datetime import datetime

from process import wait_for
from story import Story, main

JOBS = """projects:
  often: {{run: "echo of the tick", crontab: "* * * * *", timezone: Europe/Berlin, url: "http://{0}"}}
  held: {{run: "true", crontab: "* * * * *", url: "http://{0}"}}
  never: {{run: "true", crontab: "* * * * *", disabled: yes, url: "http://{0}"}}
  local: {{run: "true"}}
"""


def seconds_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Schedules(Story):
    def lines(self, command, *arguments):
        done = self.mesh.cromt(command, *arguments, "-o", "json")
        self.succeeded(done)
        return [json.loads(line) for line in done.out.splitlines()]

    def ticks(self, project="often"):
        return self.lines("ticks", project)

    def next_minute(self):
        """Just after the clock shows the next one."""
        ends = (time.time() // 60 + 1) * 60
        wait_for("the next minute", lambda: time.time() >= ends + 1, seconds=70)

    def test_a_minute_starts_one_run_each_through_restarts_and_none_while_paused(self):
        self.mesh.start_all("a")
        self.mesh.apply(JOBS.format(self.mesh.agents["a"].address))
        projects = {one["name"]: one for one in self.lines("projects")}
        self.assertEqual(projects["often"]["schedule"], "* * * * *")
        self.assertEqual(projects["often"]["timezone"], "Europe/Berlin")
        self.assertLessEqual(seconds_of(projects["often"]["next_tick"]) - time.time(), 60)
        self.assertIsNone(projects["never"]["next_tick"])
        self.assertIsNone(projects["local"]["schedule"])
        self.says(self.mesh.cromt("projects").out, "Europe/Berlin")
        self.succeeded(self.mesh.cromt("pause", "held", "--reason", "disk is full"))
        self.says(self.mesh.cromt("projects").out, "paused by", "disk is full")

        wait_for("a tick has started a run", self.ticks, seconds=75)
        first = self.ticks()[-1]
        self.assertEqual((first["outcome"], first["count"], first["why"]), ("started", 1, None))
        self.assertEqual(seconds_of(first["first"]) % 60, 0)
        run = self.mesh.wait_finished(first["run"])
        self.assertEqual((run["outcome"], run["trigger"]), ("succeeded", "cron"))
        wait_for("another is skipped", lambda: self.ticks("held"))
        skipped = self.ticks("held")[-1]
        self.assertEqual(skipped["outcome"], "skipped")
        self.says(skipped["why"], "paused by", "disk is full")
        self.succeeded(self.mesh.cromt("start", "held", "--wait"))
        self.succeeded(self.mesh.cromt("start", "never", "--wait"))

        # A minute passes while there is no coordinator: the next one starts what was missed, once, and knows of the pause.
        self.mesh.coordinator.kill()
        self.next_minute()
        self.mesh.start_coordinator()
        wait_for("it has caught up", lambda: len(self.ticks()) > 1)
        wait_for("the pause goes on", lambda: len(self.ticks("held")) > 1)
        told = self.ticks()
        self.assertEqual({one["outcome"] for one in told}, {"started"})
        instants = [seconds_of(one["first"]) for one in told]
        self.assertEqual(instants, [instants[-1] + 60 * i for i in reversed(range(len(told)))])
        self.assertEqual(len({one["run"] for one in told}), len(told))
        runs = self.lines("runs", "--project", "often")
        self.assertLessEqual({one["run"] for one in told}, {one["id"] for one in runs})
        self.assertEqual({one["outcome"] for one in self.ticks("held")}, {"skipped"})
        self.succeeded(self.mesh.cromt("unpause", "held"))
        self.exited(2, self.mesh.cromt("unpause", "held"))

    def test_what_is_wrong_is_said(self):
        self.mesh.start_all("a")
        for text, says in (("crontab: '61 * * * *'", "jobs.yaml:4:15"), ("{crontab: '@daily', timezone: Europe/Berlim}", "Berlin"),
                           ("crontab: 0 0 30 2 *", "never comes")):
            body = text.strip("{}").replace(", timezone", "\n    timezone")
            done = self.mesh.cromt("--conf", self.mesh.write("jobs.yaml", f"projects:\n  p:\n    run: x\n    {body}\n"))
            self.exited(2, done)
            self.says(done.err, says)
        for command in (("ticks", "nosuch"), ("pause", "nosuch"), ("unpause", "nosuch"), ("unpause", "--all"), ("pause",)):
            self.exited(2, self.mesh.cromt(*command))


if __name__ == "__main__":
    main()
