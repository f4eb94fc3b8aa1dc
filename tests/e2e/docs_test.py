#!/usr/bin/python3
"""What README.md, HACKING.md and docs/ tell people to type works as it stands there.

Runs in namespaces of its own, where the default ports are free and /run is nobody else's.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess

import namespaces
from mesh import BIN, EXAMPLES, SOURCE, Finished
from process import read_text, wait_for
from story import Story, main

PAGES = ["README.md", "HACKING.md", "ARCHITECTURE.md", "docs/cli.md", "docs/config.md", "docs/install.md", "docs/mesh.md", "docs/reliability.md", "docs/security.md", "docs/sparrow.md", "examples/README.md"]


def page(name):
    return read_text(os.path.join(SOURCE, name))


def section(text, title):
    """The lines under a heading."""
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def code_blocks(text):
    """The indented blocks of a page, without their indentation."""
    blocks, lines = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("    ") or (lines and not line.strip()):
            lines.append(line[4:])
        elif lines:
            blocks.append("\n".join(lines).strip("\n"))
            lines = []
    return blocks + (["\n".join(lines).strip("\n")] if any(lines) else [])


def commands(text, *programs):
    """The command lines of the blocks that begin with one of the programs, without what explains them."""
    for block in code_blocks(text):
        for line in block.splitlines():
            line = re.split(r"\s{3,}|\s+#\s", line.removeprefix("$ "))[0]
            if line.split(" ", 1)[0] in programs:
                yield line


class Documents(Story):
    def setUp(self):
        super().setUp()
        os.mkdir(self.mesh.path("build"))
        os.symlink(BIN, self.mesh.path("build", "bin"))
        for name in ("home/.zsh", "home/.config/fish/completions"):
            os.makedirs(self.mesh.path(name))
        self.mesh.environment["PATH"] = BIN + ":" + os.environ["PATH"]
        self.servers = []
        self.addCleanup(self.stop_servers)

    def stop_servers(self):
        for server in self.servers:
            server.terminate()
            server.wait(timeout=15)
        self.servers.clear()

    def serve(self, line):
        """A server on its default port."""
        with open(self.mesh.path("server.log"), "ab") as log:
            self.servers.append(subprocess.Popen(shlex.split(line), cwd=self.mesh.folder, env=self.mesh.environment,
                                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        port = 4000 if "agent" in line else 4001
        wait_for(f"{line} answers", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)

    def shell(self, line):
        done = subprocess.run(["bash", "-c", line], cwd=self.mesh.folder, env=self.mesh.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60)
        return Finished([line], done)

    def test_the_readmes_first_run(self):
        blocks = [block for block in code_blocks(page("README.md")) if block.startswith("$ cat hello.yaml")]
        self.assertEqual(len(blocks), 1)
        file, run, output = re.fullmatch(r"\$ cat hello\.yaml\n(.*\n)\$ ([^\n]*)\n(.*)", blocks[0], re.DOTALL).groups()
        self.mesh.write("hello.yaml", file)
        done = self.shell(run)
        self.succeeded(done)
        self.assertEqual(done.out.strip(), output.strip())

    def test_the_readmes_job_file_is_valid(self):
        example = next(block for block in code_blocks(page("README.md")) if block.startswith("projects:"))
        self.succeeded(self.mesh.cromt("validate", self.mesh.write("jobs.yaml", example)))

    def test_the_readmes_mesh(self):
        self.mesh.write("jobs.yaml", "projects: {deploy: {run: echo deployed}}\n")
        lines = list(commands(section(page("README.md"), "Use it"), "build/bin/cromt-agent", "build/bin/cromt-coordinator",
                              "build/bin/cromt"))
        ran = []
        for line in lines:
            if "hello.yaml" in line:
                continue
            if "cromt-" in line:
                self.serve(line)
            else:
                done = self.shell(line)
                self.succeeded(done)
                ran.append(done.out)
        self.assertEqual(len(ran), 3)
        self.assertIn("deployed", ran[1])
        self.assertIn("succeeded", ran[2])

    def test_the_command_line_page(self):
        """In its order, on the projects that it speaks of; k3j2 stands for the beginning of a run's id."""
        self.mesh.commit("r", {f"tasks/{name}/task.bash": f"echo {name}; mkdir -p report; date > patch.sql; cp patch.sql report\n"
                               for name in ("build", "test", "web")})
        url = self.mesh.start_git_server()
        hello = f"  hello: {{path: {url}/r.git, action: build}}\n"
        out = "out: [{file: patch.sql, path: patch.sql}, {file: report, path: report}]"
        web = f"  web: {{path: {url}/r.git, action: web, artifacts: {{{out}}}, before: [{{name: hello}}]}}\n"
        self.mesh.write("jobs.yaml", "projects:\n" + hello + web)
        self.mesh.write("hello.yaml", "projects:\n" + hello)
        self.mesh.write("other.yaml", "projects: {other: {run: echo}}\n")
        self.mesh.write("mesh.yaml", "agents: {}\n")
        self.serve("cromt-agent")
        self.serve("cromt-coordinator")
        refused = {"cromt --conf jobs.yaml --if-revision 7": "revision", "cromt cancel last": "has ended already",
                   "cromt cancel k3j2 2": "has ended already", "cromt rerun last --failed --follow": "has succeeded",
                   "cromt history diff 2": "there is no revision 2", "cromt history diff 2 1": "there is no revision 2",
                   "cromt agents forget hostB": "no agent is known",
                   "cromt agents drain hostB --reason TEXT": "no agent is known", "cromt agents resume hostB": "is not out of service"}
        seen = 0
        for line in commands(page("docs/cli.md"), "cromt", "source"):
            with self.subTest(line):
                if line == "cromt cancel last":  # from here on k3j2 and last are a run of two tasks that has ended
                    self.succeeded(self.mesh.cromt("start", "web", "--wait"))
                    self.run_id = self.mesh.cromt("show", "last", "-o", "quiet").out.strip()
                typed = line if "k3j2" not in line else line.replace("k3j2", self.run_id[:8])
                done = self.shell(typed.split(" | ")[0])
                if line in refused:
                    self.exited(2, done)
                    self.says(done.err, refused[line])
                else:
                    self.succeeded(done)
                seen += 1
        self.assertGreater(seen, 25)

    def test_a_backup_and_back(self):
        """The store's page, in its order: what needs the coordinator stopped finds it so."""
        self.serve("cromt-coordinator")
        seen = []
        for line in commands(page("docs/reliability.md"), "cromt-coordinator"):
            if " backup " not in line:
                self.stop_servers()
            self.succeeded(self.shell(line))
            seen.append(line.split()[1])
        self.assertEqual(seen, ["backup", "restore", "recover"])

    def test_an_action_by_hand(self):
        repository = self.mesh.path("repository")
        shutil.copytree(os.path.join(EXAMPLES, "myjobs"), repository)
        lines = [line for line in commands(page("docs/sparrow.md"), "cromt-step") if "--pin" not in line]
        self.assertEqual(len(lines), 1)
        done = self.shell(f"cd {repository} && WORKER=A {lines[0]}")
        self.succeeded(done)
        self.says(done.out, "[task run: task.bash - tasks/hello]\n[task stdout]\nHello worker  A!\n")

    def test_scripts_explain_themselves(self):
        named = {word for name in PAGES for word in re.findall(r"\bscript/[a-z-]+", page(name))}
        self.assertIn("script/demo", named)
        for script in named:
            with self.subTest(script):
                done = subprocess.run([os.path.join(SOURCE, script), "--help"], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(script, done.stdout)

    def test_the_seed_that_hacking_replays(self):
        lines = list(commands(section(page("HACKING.md"), "Replay a seed"), "build/bin/cromt-sim"))
        self.assertEqual(len(lines), 3)
        for line in lines:
            self.succeeded(self.shell(line.replace("--seeds 500", "--seeds 5")))  # the `sim` part runs them all

    def test_files_that_pages_name_are_there(self):
        for name in PAGES:
            folder = os.path.dirname(name)
            text = page(name)
            links = [os.path.join(folder, link) for link in re.findall(r"\]\(([^)#:]+)\)", text)]
            paths = re.findall(r"(?<![\w/.])(?:lib|core|coordinator|agent|cli|tests|proto|docs|bench)/[\w/.]+\.(?:h|cc|py|proto|md|yaml)\b", text)
            for path in [*links, *paths]:
                with self.subTest(name, path=path):
                    found = [os.path.exists(os.path.join(SOURCE, place, path)) for place in ("", "lib", "lib/core")]
                    self.assertTrue(any(found), f"{name} names {path}")


if __name__ == "__main__":
    namespaces.enter(network=True)
    namespaces.mount_tmpfs("/run")
    main()
