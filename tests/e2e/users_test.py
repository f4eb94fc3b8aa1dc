#!/usr/bin/python3
"""As whom jobs run, and what they are kept from. The agent is root here, as on a host of a mesh; `games` and `daemon` are
users that every Debian has."""

import os
import pwd
import shutil
import stat
import tempfile
import unittest

from mesh import BIN
from process import wait_for
from story import Story, main

GAMES = pwd.getpwnam("games")


class Users(Story):
    def start_mesh(self, config="job_user: games\n"):
        self.host = self.mesh.start_agent("host", "--config", self.mesh.write("agent.yaml", config))
        self.mesh.start_coordinator()

    def run_job(self, keys, code=0, name="job"):
        """The task of a run that ended with this exit code, and its output."""
        self.mesh.apply(f"projects:\n  {name}:\n    {keys}\n")
        self.exited(code, self.mesh.cromt("start", name, "--wait"))
        return self.mesh.show("last")["tasks"][0], self.mesh.cromt("logs", "last", "--raw").out

    def test_the_job_user_and_its_environment(self):
        self.start_mesh()
        _, out = self.run_job("run: id -un; id -u; echo $USER $LOGNAME $HOME $SHELL; stat -c %U . \"$CROMT_WORKSPACE\"; touch mine; stat -c %U mine")
        self.assertEqual(out.splitlines(), ["games", str(GAMES.pw_uid), f"games games {GAMES.pw_dir} {GAMES.pw_shell}", "games", "games", "games"])

    def test_it_can_not_become_another(self):
        self.start_mesh()
        _, out = self.run_job("run: grep -E '^(Uid|Gid)' /proc/self/status; exec 2>/dev/null; cat /etc/shadow || echo denied; ls \"$CROMT_WORKSPACE/../../..\" || echo denied")
        uid, gid = (f"{number}\t{number}\t{number}\t{number}\n" for number in (GAMES.pw_uid, GAMES.pw_gid))
        self.assertEqual(out, f"Uid:\t{uid}Gid:\t{gid}denied\ndenied\n")

    def test_one_that_run_as_allows(self):
        self.start_mesh("job_user: games\nrun_as: [daemon, root]\n")
        self.assertEqual(self.run_job("run: id -un\n    user: daemon")[1], "daemon\n")
        self.assertEqual(self.run_job("run: id -un\n    user: root")[1], "root\n")
        self.assertEqual(self.run_job("run: id -un\n    sparrowdo: {no_sudo: false}")[1], "root\n")
        self.assertEqual(self.run_job("run: id -un\n    sparrowdo: {no_sudo: true}")[1], "games\n")
        self.assertEqual(self.run_job("run: id -un\n    user: games")[1], "games\n")

    def test_one_that_it_does_not_allow(self):
        self.start_mesh()
        for keys in ("user: daemon", "sparrowdo: {no_sudo: false}"):
            with self.subTest(keys):
                task, out = self.run_job(f"run: echo never\n    {keys}", code=1)
                self.says(task["reason"], "run_as", "is not what this agent allows")
                self.assertNotIn("never", out)

    def test_one_that_the_host_does_not_have(self):
        self.start_mesh("run_as: ['*']\n")
        task, _ = self.run_job("run: echo never\n    user: nosuchuser", code=1)
        self.says(task["reason"], "this host has no user 'nosuchuser'")

    def test_names_that_are_none(self):
        for name in ("-x", "a b", "../root", "0", "x" * 33):
            with self.subTest(name):
                done = self.mesh.cromt("run", self.mesh.write("jobs.yaml", f"projects: {{job: {{run: echo never, user: '{name}'}}}}\n"))
                self.exited(2, done)
                self.says(done.err, "jobs.yaml:1:", "is no user's name")

    def test_an_agent_of_a_job_user_that_there_is_not(self):
        with self.assertRaises(AssertionError) as refused:
            self.start_mesh("job_user: nosuchuser\n")
        self.says(str(refused.exception) + self.mesh.logs(), "this host has no user 'nosuchuser'")

    def test_files_of_a_repository_scripts_and_artifacts_are_the_jobs_own(self):
        self.start_mesh()
        self.mesh.start_git_server()
        self.mesh.commit("tool", {"tasks/go/task.bash": "stat -c %U task.bash . ; touch new\n", "deep/er/file": "x"})
        long = "\n".join(f"      : {'x' * 90}" for _ in range(1200))  # from a file
        self.mesh.apply(f"""
projects:
  make:
    path: {self.mesh.git_url}/tool.git
    run: |
{long}
      find . ! -user games
      find "$0" ! -user games
      echo more >>deep/er/file
      cp deep/er/file out.txt
    artifacts: {{out: [{{file: result, path: out.txt}}]}}
  take:
    run: find . ! -user games; cat .artifacts/result; rm .artifacts/result
    artifacts: {{in: [result]}}
    before: [{{name: make}}]
""")
        done = self.mesh.cromt("start", "take", "--wait")
        self.assertEqual(done.code, 0, f"{done}\n{self.mesh.cromt('logs', 'last').out}")
        self.assertEqual(self.mesh.cromt("logs", "last", "2", "--raw").out, "xmore\n")

    def test_artifacts_in_place_are_refused(self):
        """The agent would read what the user may not."""
        self.start_mesh()
        task, _ = self.run_job("path: /etc\n    run: \"true\"\n    artifacts: {out: [{file: stolen, path: shadow}]}", code=1)
        self.says(task["reason"], "used in place")

    def test_a_link_to_what_only_root_reads_is_not_published(self):
        self.start_mesh()
        task, _ = self.run_job("run: ln -s /etc/shadow out; ln /etc/shadow hard || true\n    artifacts: {out: [{file: stolen, path: out}]}", code=1)
        self.says(task["reason"], "out")

    def test_workspaces_of_others_can_not_be_read(self):
        """By another user, nor by another job of the same one."""
        self.start_mesh("job_user: games\nrun_as: [daemon]\n")
        done = self.mesh.path("done")
        self.mesh.apply(f"""
projects:
  keeper:
    run: |
      echo secret >secret; chmod 666 secret; chmod 777 .
      echo "$CROMT_WORKSPACE"
      until [ -e {done} ]; do sleep 0.02; done
""")
        keeper = self.mesh.start("keeper")
        place = wait_for("the secret lies there", lambda: self.mesh.cromt("logs", keeper, "--raw").out).strip()
        for user in ("games", "daemon"):
            _, out = self.run_job(f"user: {user}\n    run: exec 2>/dev/null; cat {place}/secret || echo denied; cd {place} || echo denied", name=user)
            self.assertEqual(out, "denied\n" * 2)
        _, out = self.run_job(f"sandbox: 'off'\n    run: cat {place}/secret 2>/dev/null || echo denied", name="off")
        self.assertEqual(out, "denied\n", "it is the keeper that is kept")
        self.mesh.write("done", "")
        self.assertEqual(self.mesh.wait_finished(keeper)["outcome"], "succeeded")

    def test_a_job_of_another_user_is_killed_as_ever(self):
        self.start_mesh()
        self.mesh.apply("projects: {job: {run: 'trap \"\" TERM; setsid sleep 1000 & echo begun; sleep 1000; sleep 1000', grace: 1}}\n")
        run = self.mesh.start("job")
        wait_for("it has begun", lambda: "begun" in self.mesh.cromt("logs", run).out)
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")
        wait_for("all of it is gone", lambda: not self.mesh.jobs())

    def test_the_programs_take_no_orders_from_a_job(self):
        self.start_mesh()
        cromt = os.path.join(BIN, "cromt")
        _, out = self.run_job(f"run: '{cromt} runs --coordinator {self.mesh.coordinator.address} 2>&1 || echo refused'")
        self.says(out, "refused\n")

    def test_what_the_agent_keeps_is_closed_to_jobs(self):
        self.start_mesh()
        for root, folders, files in os.walk(self.host.data_dir):
            for name in folders + files:
                path = os.path.join(root, name)
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                if "/work" in path or os.path.islink(path):
                    continue
                self.assertEqual(mode & 0o077, 0, f"{path}: {mode:o}")


class Strict(Story):
    def run_job(self, script, code=0, more="", user=""):
        body = "\n".join(f"      {line}" for line in script.strip().splitlines())
        file = self.mesh.write("jobs.yaml", f"projects:\n  job:\n    run: |\n{body}\n    sandbox: strict\n{user}{more}\n")
        done = self.mesh.cromt("run", file)
        self.exited(code, done)
        return done.out

    def test_only_the_workspace_and_its_own_tmp_can_be_written(self):
        out = self.run_job("""
echo here >here && cat here
echo there >/tmp/there && cat /tmp/there
exec 2>/dev/null
touch /etc/cromt-was-here || echo denied
echo 1 >/proc/sys/kernel/panic || echo denied
ls -A /run /var/tmp /dev/shm
echo fine >/dev/null && echo device
""")
        self.assertEqual(out, "here\nthere\ndenied\ndenied\n/dev/shm:\n\n/run:\n\n/var/tmp:\ndevice\n")
        self.assertFalse(os.path.exists("/etc/cromt-was-here"))
        self.assertFalse(os.path.exists("/tmp/there"))

    def test_what_it_is_run_from_is_seen_wherever_it_lies(self):
        """The helper and a script in a file, here both below /tmp; and neither can be written."""
        programs = self.mesh.path("programs")
        shutil.copytree(BIN, programs, ignore=lambda folder, names: [name for name in names if not name.startswith("cromt") or "sim" in name])
        self.mesh.commit("tool", {"tasks/default/task.bash": "echo in a task\n"})
        self.mesh.start_git_server()
        long = "\n".join(f"      : {'x' * 90}" for _ in range(1200))
        file = self.mesh.write("jobs.yaml", f"""
projects:
  first: {{path: '{self.mesh.git_url}/tool.git', sandbox: strict}}
  second:
    run: |
{long}
      (echo more >>"$0") 2>/dev/null || echo denied
      (echo more >>{programs}/cromt-step) 2>/dev/null || echo denied
    sandbox: strict
    before: [{{name: first}}]
""")
        done = self.mesh.cromt("run", "second", "--conf", file, program=os.path.join(programs, "cromt"))
        self.succeeded(done)
        self.says(done.out, "in a task\n", "denied\n")
        self.assertEqual(done.out.count("denied\n"), 2)

    def test_the_network_is_off(self):
        out = self.run_job("""
cat /proc/net/dev | tail -n +3 | cut -d: -f1
cat /proc/net/route | tail -n +2
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die; IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport) or die; print "itself\\n"'
""")
        self.assertEqual([line.strip() for line in out.splitlines()], ["lo", "itself"])

    def test_no_rights_and_no_way_to_gain_some(self):
        out = self.run_job("grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status")
        for line in out.splitlines():
            self.assertEqual(int(line.split()[1], 16), 1 if line.startswith("NoNewPrivs") else 0, line)
        out = self.run_job("exec 2>/dev/null\nmount -t tmpfs none /mnt || echo denied\nchown 1 . || echo denied\numount /tmp || echo denied")
        self.assertEqual(out, "denied\n" * 3)

    def test_a_setuid_program_gives_no_rights(self):
        place = tempfile.mkdtemp(dir="/srv")  # outside of what a strict job has of its own
        self.addCleanup(shutil.rmtree, place)
        os.chmod(place, 0o755)
        program = shutil.copy("/usr/bin/id", place)
        os.chmod(program, 0o4755)
        self.mesh.start_agent("host", "--config", self.mesh.write("agent.yaml", "job_user: games\n"))
        self.mesh.start_coordinator()
        self.mesh.apply(f"projects:\n  standard: {{run: '{program} -u'}}\n  strict: {{run: '{program} -u', sandbox: strict}}\n")
        for project, uid in (("standard", 0), ("strict", GAMES.pw_uid)):
            self.succeeded(self.mesh.cromt("start", project, "--wait"))
            self.assertEqual(self.mesh.cromt("logs", "last", "--raw").out, f"{uid}\n", project)

    def test_others_can_not_be_traced_or_entered(self):
        out = self.run_job(f"exec 2>/dev/null; ls /proc/{os.getpid()}/root/ /proc/{os.getpid()}/cwd/ || echo denied; cat /proc/{os.getpid()}/environ || echo denied")
        self.assertEqual(out, "denied\ndenied\n")

    def test_as_another_user_too(self):
        config = self.mesh.write("agent.yaml", "job_user: games\nsandbox: strict\n")
        self.mesh.start_agent("host", "--config", config)
        self.mesh.start_coordinator()
        self.mesh.apply("projects: {job: {run: 'id -un; echo x >x; cat x; touch /tmp/y; ls /tmp/y; stat -c %U x; touch /var/y 2>&- || echo denied', sandbox: 'off'}}\n")
        done = self.mesh.cromt("start", "job", "--wait")
        out = self.mesh.cromt("logs", "last", "--raw").out
        self.assertEqual((done.code, out), (0, "games\nx\n/tmp/y\ngames\ndenied\n"))

    def test_tasks_of_a_repository_and_artifacts(self):
        self.mesh.start_git_server()
        self.mesh.commit("tool", {"tasks/default/task.bash": "echo in a task; mkdir -p out; echo x >out/file\n"})
        file = self.mesh.write("jobs.yaml", f"""
projects:
  make:
    path: {self.mesh.git_url}/tool.git
    sandbox: strict
    artifacts: {{out: [{{file: result, path: out/file}}]}}
  take:
    run: cat .artifacts/result
    sandbox: strict
    artifacts: {{in: [result]}}
    before: [{{name: make}}]
""")
        done = self.mesh.cromt("run", "take", "--conf", file)
        self.succeeded(done)
        self.says(done.out, "in a task", "x\n")

    def test_where_it_is_not_to_be_had_nothing_runs(self):
        """No further user namespace, as on a host that forbids them."""
        file = self.mesh.write("jobs.yaml", "projects: {job: {run: echo never, sandbox: strict}}\n")
        limited = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                   "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"", "sh"]
        done = self.mesh.cromt("run", file, under=limited)
        self.exited(1, done)
        self.says(done.out + done.err, "a strict sandbox is not to be had on this host: unshare")
        self.assertNotIn("never", done.out)


if __name__ == "__main__":
    if os.geteuid() != 0:
        raise unittest.SkipTest("only root can make a job another user's")
    main()
