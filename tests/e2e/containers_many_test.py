#!/usr/bin/python3
"""Many tasks in containers, eight at a time: nothing of them is left, in the engine or on the host.

CROMT_TEST_CONTAINERS says how many; 60 unless given.
"""

import glob
import os
import re

from engine import Engine
from process import Timeout, wait_for
from story import Story, main

TASKS = int(os.environ.get("CROMT_TEST_CONTAINERS") or 60)
SLOTS = 8
SLOT = re.compile(r"slot-\d+(\.trash)?")  # is always there
# A folder that can't be emptied as it is, a process in the background, and output.
JOB = "mkdir made; echo x > made/file; chmod 500 made; (setsid sleep 1000 </dev/null >/dev/null 2>&1 &); echo done"


class Many(Story):
    def setUp(self):
        super().setUp()
        self.engine = Engine()
        self.addCleanup(self.engine.close)
        self.engine.image("bb:1")
        self.mesh.environment["DOCKER_HOST"] = self.engine.address
        self.host = self.mesh.start_agent("host", "--slots", str(SLOTS))
        self.mesh.start_coordinator(local=self.host.address)

    def left(self):
        """All that a container could leave, by kind."""
        def listed(*arguments):
            return sorted(self.engine.docker(*arguments).split())

        with open("/proc/self/mounts", encoding="utf-8") as file:
            mounts = sorted(line.split()[1] for line in file if line.split()[1].startswith((self.engine.folder, self.mesh.folder)))
        data = self.engine.folder + "/data"
        work = self.host.data_dir + "/work"
        return {"containers": listed("ps", "-aq"), "volumes": listed("volume", "ls", "-q"), "networks": listed("network", "ls", "-q"),
                "images": listed("image", "ls", "-aq", "--no-trunc"), "mounts": mounts,
                "engine's files": sorted(glob.glob(data + "/containers/*") + glob.glob(data + "/image/*/layerdb/mounts/*")),
                "files of slots": sorted(os.path.join(folder, name)[len(work) + 1:] for folder, folders, names in os.walk(work)
                                         for name in folders + names if folder != work or not SLOT.fullmatch(name)),
                "jobs": self.mesh.jobs()}

    def test_they_leave_nothing(self):
        hosts = f"    - url: http://{self.host.address}\n" * TASKS
        before = self.left()
        self.mesh.apply(f"projects:\n  p:\n    run: {JOB!r}\n    container: {{image: 'bb:1', network: none}}\n    hosts:\n{hosts}")
        self.succeeded(self.mesh.cromt("start", "p", "--wait", timeout=60 + 2 * TASKS))
        tasks = self.mesh.show("last")["tasks"]
        self.assertEqual([task["outcome"] for task in tasks], ["succeeded"] * TASKS)
        self.assertEqual({task["image_digest"] for task in tasks}, {self.engine.image_id("bb:1")})
        try:
            wait_for("nothing is left", lambda: self.left() == before)
        except Timeout:
            self.assertEqual(self.left(), before)


if __name__ == "__main__":
    main()
