"""What the acceptance cases have in common: a repository R of small actions, a mesh, and job files about them."""

import json
import os

from process import read_text
from story import Story

# Says its name and two variables, and what the actions before it have left in the clone.
SAYING = 'echo "{0} $WORKER $X"; ls -A | grep ^left- || true; touch left-by-{0}\n'
# Tells when it begins and when it ends; it ends once a gate is open: its own, or that of all.
GATED = """name=$CROMT_PROJECT@$CROMT_HOST
echo "begin $name" >>"$STORY/told"
until [ -e "$STORY/$name" ] || [ -e "$STORY/all" ]; do sleep 0.02; done
echo "end $name" >>"$STORY/told"
"""
TASKS = {"hello": 'echo "Hello worker " $(config worker)!\n',
         **{name: SAYING.format(name) for name in ("one", "two", "three")},
         "bad": "exit 5\n",
         "mk": 'mkdir -p out; echo "ALTER TABLE users; -- of $CROMT_HOST" >out/f.txt\n',
         "use": "cat .artifacts/patch.sql\n",
         "env": "cat /proc/self/environ\n",
         "gated": GATED}


def action(name, task, parameters=""):
    """The files of an action: a scenario that runs one task."""
    return {f".tom/{name}.raku": f'#!raku\ntask-run "tasks/{name}"{parameters};\n', f"tasks/{name}/task.bash": task}


R = {path: text for name, task in TASKS.items()
     for path, text in action(name, task, ", %(worker => %*ENV<WORKER>)" if name == "hello" else "").items()}


def on(*names, **keys):
    """Entries of `hosts`, one for each agent of these names."""
    return [{"url": f"http://{name}", **keys} for name in names]


class Acceptance(Story):
    """R over http; agents start with `begin`. A task is called PROJECT@HOST, also in what gated ones tell."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.mesh.path("story"))
        self.commit = self.mesh.commit("r", R)
        self.path = self.mesh.start_git_server() + "/r.git"

    def begin(self, *agents, **settings):
        self.mesh.start_all(*(agents or ["a"]), **settings)

    def add(self, name, task):
        """One more action of R."""
        self.commit = self.mesh.commit("r", action(name, task))

    def apply(self, **projects):
        """A job file of these projects. They are of R unless they say something else."""
        full = {name: project if "run" in project else {"path": self.path, **project} for name, project in projects.items()}
        return self.mesh.apply(json.dumps({"projects": full}, indent=2))  # JSON is YAML

    def do(self, project, code=0):
        """Starts it and waits; the call."""
        done = self.mesh.cromt("start", project, "--wait")
        self.exited(code, done)
        return done

    def raw(self, task):
        """What this task of the last run wrote."""
        done = self.mesh.cromt("logs", "last", str(task), "--raw")
        self.succeeded(done)
        return done.out

    def tasks(self, run="last"):
        """In the plan's order."""
        return {f"{task['project']}@{task['host']}": task for task in self.mesh.show(run)["tasks"]}

    def outcomes(self):
        return {name: task["outcome"] for name, task in self.tasks().items()}

    def never_ran(self, *names):
        tasks = self.tasks()
        for name in names:
            self.assertEqual((tasks[name]["outcome"], tasks[name]["started_at"]), ("skipped", None), name)

    # ---- Gated tasks ------------------------------------------------------------------------------

    def gated(self, **keys):
        return {"action": "gated", "vars": {"STORY": self.mesh.path("story")}, **keys}

    def let(self, *names):
        """Opens the gates of these tasks."""
        for name in names:
            self.mesh.write(f"story/{name}", "")

    def told(self):
        return read_text(self.mesh.path("story", "told")).splitlines()
