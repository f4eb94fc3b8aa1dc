#!/usr/bin/python3
"""The last release beside what is built here: agents of both under one coordinator, of this version and then of that one, give each
other artifacts, tell what jobs print, get secrets, and end what is canceled.

Exits with 77 and says so where the last release can't be built (release.py).
"""

import os
import subprocess
import sys

import mesh
import release
from process import alive, read_text, wait_for
from story import Story, main

SECRET = "hunter22-of-two-versions"


def setUpModule():
    release.build()


class Together(Story):
    """Host `old` has the agent of the last release, host `new` the one that is built here."""

    def start(self, binaries):
        """With a coordinator of these programs, and a command line as old as it is."""
        self.mesh.binaries = binaries
        self.mesh.start_agent("old", binaries=release.BIN)
        self.mesh.start_agent("new")
        self.mesh.start_coordinator(binaries=binaries, allow_local_git=True)
        wait_for("both agents are up", lambda: self.mesh.cromt("agents", "-o", "json").out.count('"state":"up"') == 2)

    def give_and_take(self):
        """From old to new to old: a commit's files, artifacts both ways, a secret at both, and the output of all."""
        self.mesh.commit("r", {".tom/make.bash": "echo made by $NAME; echo one > word\n"})
        url = f"file://{self.mesh.path('git', 'r.git')}"
        value = self.mesh.write("value", SECRET)
        uses = "secrets: [{name: word, env: WORD}]"
        check = f'test "$WORD" = "$(cat {value})"; echo the word is $WORD'
        self.mesh.apply(f"""
projects:
  first: {{path: '{url}', action: make, vars: {{NAME: first}}, hosts: [{{url: 'http://old'}}], artifacts: {{out: [{{file: word, path: word}}]}}}}
  middle:
    run: |
      {check}
      echo two | cat .artifacts/word - > words
    hosts: [{{url: 'http://new'}}]
    artifacts: {{in: [word], out: [{{file: words, path: words}}]}}
    {uses}
    before: [{{name: first}}]
    after: [{{name: last}}]
  last:
    run: |
      {check}
      cat .artifacts/words
    hosts: [{{url: 'http://old'}}]
    artifacts: {{in: [words]}}
    {uses}
""")
        for project in ("middle", "last"):
            self.succeeded(self.mesh.cromt("secrets", "set", "word", "--project", project, typed=SECRET))
        run = self.mesh.start("middle")
        ended = self.mesh.wait_finished(run)
        self.assertEqual(ended["outcome"], "succeeded", ended)
        self.says(self.mesh.cromt("logs", run, "first").out, "made by first")
        self.says(self.mesh.cromt("logs", run, "middle").out, "the word is ***")
        self.says(self.mesh.cromt("logs", run, "last").out, "the word is ***", "one\n", "two\n")

    def cancel(self):
        """Of a run with a job on each of them."""
        pids = self.mesh.path("pids")
        self.mesh.apply(f"""
projects:
  slow: {{run: 'echo $$ >> {pids}; sleep 300', hosts: [{{url: 'http://old'}}, {{url: 'http://new'}}]}}
""", name="slow.yaml")
        run = self.mesh.start("slow")
        running = wait_for("both jobs run", lambda: len(lines := read_text(pids).split()) == 2 and [int(pid) for pid in lines])
        self.succeeded(self.mesh.cromt("cancel", run))
        ended = self.mesh.wait_finished(run)
        self.assertEqual([task["outcome"] for task in ended["tasks"]], ["canceled"] * 2, ended)
        self.assertFalse([pid for pid in running if alive(pid)])

    def test_under_the_coordinator_that_is_built_here(self):
        self.start(mesh.BIN)
        self.give_and_take()
        self.cancel()

    def test_under_the_coordinator_of_the_last_release(self):
        self.start(release.BIN)
        self.give_and_take()
        self.cancel()

    def test_the_last_release_is_what_it_is_called(self):
        version, commit = release.last()
        for program in ("cromt", "cromt-agent", "cromt-coordinator"):
            said = subprocess.run([os.path.join(release.BIN, program), "--version"], capture_output=True, text=True, check=True).stdout
            self.says(said, f"{program} {version} ({commit[:10]})")


if __name__ == "__main__":
    if why := release.why_not():
        print(f"share: agents of the last release were not run: {why}", flush=True)
        sys.exit(77)
    main()
