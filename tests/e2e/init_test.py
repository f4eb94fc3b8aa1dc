#!/usr/bin/python3
"""`cromt init`: what it wrote runs at once, as it says."""

import os
import subprocess

from mesh import BIN
from story import Story, main


class Init(Story):
    def cromt_in(self, folder, *arguments):
        return subprocess.run([os.path.join(BIN, "cromt"), *arguments], cwd=folder, env=self.mesh.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def test_what_it_wrote_runs_as_it_says(self):
        done = self.mesh.cromt("init", "my jobs")
        self.succeeded(done)
        self.says(done.out, "now run it: cd 'my jobs' && cromt run ./jobs.yaml")
        folder = self.mesh.path("my jobs")
        ran = self.cromt_in(folder, "run", "./jobs.yaml")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.says(ran.stdout, "[task run: task.bash - tasks/hello]", "Hello, world! This is ")
        ran = self.cromt_in(folder, "run", "./jobs.yaml", "--var", "WHO=you")
        self.says(ran.stdout, "Hello, you!")
        self.assertEqual(self.cromt_in(folder, "init").returncode, 2, "nothing is overwritten")

    def test_it_runs_on_a_mesh_too(self):
        self.mesh.start_all("a")
        self.succeeded(self.mesh.cromt("init"))
        self.succeeded(self.mesh.cromt("--conf", "jobs.yaml"))
        done = self.mesh.cromt("start", "hello", "--follow")
        self.succeeded(done)
        self.says(done.out, "Hello, world!")


if __name__ == "__main__":
    main()
