#!/usr/bin/python3
"""Jobs in a whole Debian: its shared C library, its shells and interpreters, its users."""

import debian
from engine import Engine
from story import Story, main

ENGINE = None


def setUpModule():
    global ENGINE
    path = debian.root(["perl"])  # what the name stands for in Debian; a minimal root has a part of it
    ENGINE = Engine()
    ENGINE.docker("import", path, "debian:test")


def tearDownModule():
    ENGINE.close()


class InDebian(Story):
    def setUp(self):
        super().setUp()
        self.mesh.environment["DOCKER_HOST"] = ENGINE.address
        self.host = self.mesh.start_agent("host")
        self.mesh.start_coordinator(local=self.host.address)

    def job(self, text):
        self.mesh.apply("projects:\n  p:\n" + text)
        return self.mesh.cromt("start", "p", "--follow")

    def test_tasks_in_bash_perl_and_a_scenario(self):
        url = self.mesh.start_git_server()
        self.mesh.commit("repo", {
            ".tom/build.raku": 'my $s = task-run "tasks/first", %( name => "debian" );\ntask-run "tasks/second", %( state => $s<made> );\n',
            "tasks/first/task.bash": 'set -o pipefail; a=(one two); echo "hello from ${a[1]} on $(config name)"; update_state made three\n',
            "tasks/first/task.check": "regexp: ^ hello .* debian\n",
            "tasks/second/task.pl": 'print "perl $^V has ", config()->{state}, "\\n"; open my $f, ">", ".artifacts/made" or die; print $f "bit by bit";\n',
        })
        done = self.job(f"    path: {url}/repo.git\n    action: build\n    sparrowdo: {{docker: 'debian:test', bootstrap: true, no_sudo: true}}\n"
                        "    artifacts: {out: [{file: made, path: .artifacts/made}]}\n")
        self.succeeded(done)
        self.says(done.out, "hello from two on debian\n", "has three\n", "True")
        self.assertNotIn("bootstrap: installing", done.out)  # it has a bash
        out = self.mesh.path("made")
        self.succeeded(self.mesh.cromt("get", "last", "made", "--to", out))
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), "bit by bit")

    def test_another_user_and_a_read_only_system(self):
        done = self.job("    run: |\n      #!/bin/bash\n      id -un; touch here && stat -c '%U' here; touch /usr/x || echo refused; touch /tmp/x && echo scratch\n"
                        "    container: {image: 'debian:test', network: none, read_only: true, user: '33:33'}\n")
        self.succeeded(done)
        self.says(done.out, "www-data\nwww-data\n", "refused\nscratch\n")

    def test_a_user_that_only_the_image_knows_can_not_be_given_a_script(self):
        self.host.kill()
        self.host.command += ["--config", self.mesh.write("agent.yaml", "containers: {allow: [root]}\n")]
        self.host.restart()
        job = "    run: %s\n    container: {image: 'debian:test', network: none, user: www-data}\n"
        self.says(self.job(job % "id -un").out, "www-data\n")
        self.exited(1, self.job(job % "|\n      #!/bin/bash\n      id -un"))
        self.says(self.mesh.show("last")["tasks"][0]["reason"], "only the image knows his number: write that, as in 'user: 1000'")

    def test_what_a_minimal_one_does_not_have_is_named(self):
        url = self.mesh.start_git_server()
        self.mesh.commit("repo", {".tom/go.raku": 'task-run "tasks/a";\n', "tasks/a/task.py": "print(1)\n"})
        done = self.job(f"    path: {url}/repo.git\n    action: go\n    sparrowdo: {{docker: 'debian:test'}}\n")
        self.exited(1, done)
        self.says(done.out + done.err, "tasks/a/task.py needs python3, which this container does not have")


if __name__ == "__main__":
    main()
