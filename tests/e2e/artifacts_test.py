#!/usr/bin/python3
"""Artifacts from one host to another: the article's example, what can go wrong on the way, and hosts that can't see each other."""

import glob
import os
import signal
import subprocess

import grpc

import namespaces
import rpc
import tickets
from fake_coordinator import FakeCoordinator
from mesh import BIN, EXAMPLES
from process import Program, peak_rss, read_text, wait_for
from story import Story, main

ARTICLE = "https://github.com/melezhik/"
MIB = 1 << 20
# Before a program: its wall clock is two days ahead.
AHEAD = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec* at) {
  int (*real)(clockid_t, struct timespec*) = dlsym(RTLD_NEXT, "clock_gettime");
  const int done = real(id, at);
  if (id == CLOCK_REALTIME) at->tv_sec += 2 * 24 * 3600;
  return done;
}
"""


def blobs(program):
    """The files of an agent's blob store that are whole."""
    return [path for path in glob.glob(os.path.join(program.data_dir, "blobs", "??", "*")) if os.path.isfile(path)]


def being_written(program):
    return sum(os.path.getsize(path) for path in glob.glob(os.path.join(program.data_dir, "blobs", "tmp", "*")))


class Article(Story):
    def test_a_patch_made_on_one_host_is_read_on_another(self):
        for repository in ("database", "db-tools"):
            self.mesh.commit(repository, repository)
        self.mesh.start_all("database", "host1", rewrite={ARTICLE: self.mesh.start_git_server() + "/"})
        self.succeeded(self.mesh.cromt("--conf", os.path.join(EXAMPLES, "artifacts.yaml")))
        followed = self.mesh.cromt("start", "jobA", "--follow")
        self.succeeded(followed)
        self.says(followed.out, "patch.sql is made", "with ALTER TABLE users ADD COLUMN email TEXT;")


class BetweenHosts(Story):
    """maker on host one, taker on host two."""

    def mesh_of_two(self):
        self.mesh.start_agent("one")
        self.mesh.start_agent("two")
        return self.mesh.start_coordinator()

    def apply(self, make, take, path="f", extra=""):
        self.mesh.apply(f"""
projects:
  maker:
    run: "{make}"
    hosts: [{{url: "http://one"}}]
    artifacts: {{out: [{{file: x, path: "{path}"}}]}}
    {extra}
  taker:
    run: "{take}"
    hosts: [{{url: "http://two"}}]
    artifacts: {{in: [x]}}
    before: [{{name: maker}}]
""")

    def start_with_gate(self, make):
        """The run, once maker has published; taker comes when the file `gate` is there."""
        gate = self.mesh.path("gate")
        self.mesh.apply(f"""
projects:
  maker: {{run: "{make}", hosts: [{{url: "http://one"}}], artifacts: {{out: [{{file: x, path: f}}]}}}}
  between: {{run: "while [ ! -e {gate} ]; do sleep 0.05; done", hosts: [{{url: "http://two"}}], before: [{{name: maker}}]}}
  taker: {{run: "true", hosts: [{{url: "http://two"}}], artifacts: {{in: [x]}}, before: [{{name: between}}]}}
""")
        run = self.mesh.start("taker")
        wait_for("maker is done", lambda: self.mesh.tasks(run)["between"]["state"] == "running")
        return run

    def reason(self, run, name):
        return self.mesh.tasks(run)[name]["reason"]

    def test_bytes_are_the_same_and_memory_is_bounded(self):
        self.mesh_of_two()
        size = 256
        self.apply(f"head -c {size}M /dev/urandom > f; sha256sum < f", "sha256sum < .artifacts/x; ls -A .artifacts")
        before = {name: peak_rss(program.process.pid) for name, program in self.mesh.agents.items()}
        followed = self.mesh.cromt("start", "taker", "--follow", timeout=200)
        self.succeeded(followed)
        sums = [line for line in followed.out.splitlines() if line.endswith("  -")]
        self.assertEqual(len(sums), 2)
        self.assertEqual(sums[0], sums[1])
        self.says(followed.out, "\nx\n")  # and no other file
        for name, program in self.mesh.agents.items():
            self.assertLess(peak_rss(program.process.pid) - before[name], 64 * MIB, name)

    def test_no_file_to_publish_fails_the_task(self):
        self.mesh_of_two()
        self.apply("true", "true", path="out/f.txt")
        run = self.mesh.start("taker")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.assertEqual(self.reason(run, "maker"), "artifact 'x': out/f.txt is not there")
        self.says(self.reason(run, "taker"), "'maker' on one failed: artifact 'x'")

    def test_an_artifact_that_nobody_publishes_is_refused_at_start(self):
        self.mesh_of_two()
        self.mesh.apply("projects:\n  a: {run: 'true', artifacts: {in: [x]}}\n")
        done = self.mesh.cromt("start", "a")
        self.exited(2, done)
        self.says(done.err, "jobs.yaml:2:37: error: nothing before 'a' publishes 'x'")

    def test_a_producer_that_is_gone_fails_who_takes_naming_it(self):
        self.mesh_of_two()
        run = self.start_with_gate("echo x > f")
        self.mesh.agents["one"].process.kill()
        self.mesh.agents["one"].process.wait()
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.says(self.reason(run, "taker"), "artifact 'x' of one", self.mesh.agents["one"].address,
                  "nor through the coordinator")

    def test_a_cancel_does_not_wait_for_what_does_not_come(self):
        self.mesh_of_two()
        run = self.start_with_gate("echo x > f")
        holder = self.mesh.agents["one"].process
        holder.send_signal(signal.SIGSTOP)
        self.addCleanup(holder.send_signal, signal.SIGCONT)
        self.mesh.write("gate", "")
        wait_for("taker is leased", lambda: self.mesh.tasks(run)["taker"]["state"] == "leased")
        self.succeeded(self.mesh.cromt("cancel", run))
        # Far below the time after which a holder that says nothing is given up.
        self.assertEqual(self.mesh.wait_finished(run, seconds=5)["outcome"], "canceled")

    def test_bytes_that_rotted_are_not_handed_on(self):
        self.mesh_of_two()
        run = self.start_with_gate("head -c 3M /dev/zero > f")
        (blob,) = blobs(self.mesh.agents["one"])
        os.chmod(blob, 0o600)
        with open(blob, "r+b") as file:
            file.seek(MIB)
            file.write(b"!")
        self.mesh.write("gate", "")
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
        self.says(self.reason(run, "taker"), "artifact 'x' of one", "expected was")
        self.assertEqual(blobs(self.mesh.agents["two"]), [])

    def test_a_transfer_goes_on_where_it_broke(self):
        self.mesh_of_two()
        self.apply("head -c 200M /dev/urandom > f; sha256sum < f", "sha256sum < .artifacts/x")
        run = self.mesh.start("taker")
        one, two = self.mesh.agents["one"], self.mesh.agents["two"]
        wait_for("some of it has come", lambda: being_written(two) > 0, 60)
        one.process.kill()
        one.process.wait()
        one.restart()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        sums = {line for line in self.mesh.cromt("logs", run).out.splitlines() if line.endswith("  -")}
        self.assertEqual(len(sums), 1)

    def test_an_agent_killed_while_it_publishes_publishes_again(self):
        self.mesh_of_two()
        self.apply("head -c 200M /dev/urandom > f; sha256sum < f", "sha256sum < .artifacts/x")
        run = self.mesh.start("taker")
        one = self.mesh.agents["one"]
        wait_for("it publishes", lambda: being_written(one) > 0, 60)
        one.process.kill()
        one.process.wait()
        one.restart()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")
        maker = self.mesh.tasks(run)["maker"]
        self.assertEqual((maker["outcome"], maker["attempt"]), ("succeeded", 1))
        sums = {line for line in self.mesh.cromt("logs", run).out.splitlines() if line.endswith("  -")}
        self.assertEqual(len(sums), 1)

    def test_a_directory_used_in_place_gets_its_artifacts_too(self):
        self.mesh_of_two()
        place = self.mesh.path("place")
        os.makedirs(os.path.join(place, "tasks", "deploy"))
        self.mesh.write("place/tasks/deploy/task.bash", "cat .artifacts/x\n")
        self.mesh.write("place/.artifacts/old", "")
        self.mesh.apply(f"""
projects:
  maker: {{run: "echo made > f", hosts: [{{url: "http://one"}}], artifacts: {{out: [{{file: x, path: f}}]}}}}
  taker: {{path: "{place}", action: deploy, hosts: [{{url: "http://two"}}], artifacts: {{in: [x]}}, before: [{{name: maker}}]}}
""")
        followed = self.mesh.cromt("start", "taker", "--follow")
        self.succeeded(followed)
        self.says(followed.out, "made")
        self.assertEqual(os.listdir(os.path.join(place, ".artifacts")), ["x"])

    def test_artifacts_are_listed_and_fetched_by_the_cli(self):
        self.mesh_of_two()
        self.mesh.apply("""
projects:
  maker:
    run: echo "made on $CROMT_HOST" > f; mkdir -p d/sub; echo deep > d/sub/x
    hosts: [{url: "http://one"}, {url: "http://two"}]
    artifacts: {out: [{file: x, path: f}, {file: tree, path: d}]}
""")
        self.succeeded(self.mesh.cromt("start", "maker", "--wait"))
        listed = self.mesh.cromt("artifacts", "last")
        self.succeeded(listed)
        self.says(listed.out, "NAME", "tree", "directory", "one", "two", "12 B")
        self.succeeded(self.mesh.cromt("get", "last", "x"))
        self.assertEqual(read_text(self.mesh.path("x")), "made on two\n")
        self.succeeded(self.mesh.cromt("get", "last", "one/x", "--to", self.mesh.path("elsewhere")))
        self.assertEqual(read_text(self.mesh.path("elsewhere")), "made on one\n")
        self.succeeded(self.mesh.cromt("get", "last", "tree"))
        self.assertEqual(read_text(self.mesh.path("tree", "sub", "x")), "deep\n")
        again = self.mesh.cromt("get", "last", "x")
        self.exited(2, again)
        self.says(again.err, "x is there already")
        unknown = self.mesh.cromt("get", "last", "tre")
        self.exited(2, unknown)
        self.says(unknown.err, "the run has published no 'tre'", "did you mean 'tree'?")
        self.mesh.agents["two"].process.kill()
        self.mesh.agents["two"].process.wait()
        gone = self.mesh.cromt("get", "last", "x", "--to", self.mesh.path("gone"))
        self.exited(3, gone)
        self.says(gone.err, "artifact 'x' of two")
        self.assertFalse([name for name in os.listdir(self.mesh.folder) if name.startswith("gone")])
        self.assertEqual(blobs(self.mesh.coordinator), [])

    def test_as_many_as_may_fetch_at_once_and_the_next_has_its_turn(self):
        self.mesh_of_two()
        one = self.mesh.agents["one"]
        maker = FakeCoordinator(one.address)
        self.addCleanup(maker.close)
        large = "truncate -s 64M f"
        (held,) = maker.run(rpc.shell(large, publishes=[rpc.types.ArtifactOut(name="x", path="f")])).published
        client = rpc.Client(one.address)
        self.addCleanup(client.close)
        fetch = lambda number: client.call("GetBlob", digest=held.digest, ticket=tickets.fresh(held, f"consumer{number // 8}"), timeout=60)
        fetches = [fetch(number) for number in range(8)]
        for each in fetches:
            next(each)
        def refused(call, why):
            with self.assertRaises(grpc.RpcError) as caught:
                next(call)
            self.assertEqual((caught.exception.code(), caught.exception.details()), (grpc.StatusCode.RESOURCE_EXHAUSTED, why))
        refused(fetch(0), "8 artifacts are being fetched from here with tickets of one consumer")
        fetches += [fetch(number) for number in range(8, 64)]
        for each in fetches[8:]:
            next(each)
        refused(fetch(64), "too many artifacts are being fetched from here at once")
        run = self.start_with_gate("echo x > f")
        self.mesh.write("gate", "")
        wait_for("taker is leased", lambda: self.mesh.tasks(run)["taker"]["state"] == "leased")
        for each in fetches:
            each.cancel()
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")

    def test_a_ticket_that_has_run_out_costs_no_task(self):
        """By the holder's clock, which is two days ahead, tickets are out of date when they come. The coordinator brings the bytes."""
        clock = self.mesh.path("ahead.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", clock, self.mesh.write("ahead.c", AHEAD)], check=True)
        one = self.mesh.start_agent("one", before=("env", f"LD_PRELOAD={clock}"))
        self.mesh.start_agent("two")
        self.mesh.start_coordinator()
        self.apply("echo in time > f", "cat .artifacts/x")
        followed = self.mesh.cromt("start", "taker", "--follow")
        self.succeeded(followed)
        self.says(followed.out, "in time\n")
        self.says(one.log(), "refused a call from ", "the ticket was good until ")
        self.succeeded(self.mesh.cromt("get", "last", "x", "--to", self.mesh.path("got")))

    def test_nobody_fetches_without_the_ticket(self):
        self.mesh_of_two()
        self.apply("echo secret > f", "true")
        self.succeeded(self.mesh.cromt("start", "taker", "--wait"))
        (blob,) = blobs(self.mesh.agents["one"])
        digest = rpc.types.Digest(sha256="".join(blob.split(os.sep)[-2:]), size_bytes=os.path.getsize(blob))
        client = rpc.Client(self.mesh.agents["one"].address)
        self.addCleanup(client.close)
        for ticket in (None, rpc.types.BlobTicket(proof="guess"), tickets.ticket("0" * 64, digest)):
            with self.assertRaises(grpc.RpcError) as refused:
                list(client.call("GetBlob", digest=digest, ticket=ticket))
            self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)


class HostsApart(Story):
    """one and two are hosts of their own, which see the coordinator's and not each other."""

    def host(self, name, net):
        run = lambda *command: subprocess.run(command, check=True)
        run("ip", "netns", "add", name)
        self.addCleanup(run, "ip", "netns", "del", name)
        run("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "addr", "add", f"10.99.{net}.1/24", "dev", f"v{name}")
        run("ip", "link", "set", f"v{name}", "up")
        # Not ip -n, which wants mounts of its own too: a chroot can't give it those.
        inside = ("nsenter", f"--net=/run/netns/{name}")
        run(*inside, "ip", "addr", "add", f"10.99.{net}.2/24", "dev", "eth0")
        run(*inside, "ip", "link", "set", "eth0", "up")
        run(*inside, "ip", "link", "set", "lo", "up")
        address = f"10.99.{net}.2:4000"
        command = [*inside, os.path.join(BIN, "cromt-agent"), "--insecure", "--listen", address]
        self.mesh.agents[name] = Program(command, self.mesh.path(name), self.mesh.environment)
        return self.mesh.agents[name].start()

    def test_the_coordinator_relays(self):
        self.host("one", 1)
        self.host("two", 2)
        self.mesh.start_coordinator(insecure=True)
        self.mesh.apply("""
projects:
  maker:
    run: "head -c 20M /dev/urandom > f; sha256sum < f"
    hosts: [{url: "http://one"}]
    artifacts: {out: [{file: x, path: f}]}
  taker:
    run: sha256sum < .artifacts/x
    hosts: [{url: "http://two"}]
    artifacts: {in: [x]}
    before: [{name: maker}]
""")
        followed = self.mesh.cromt("start", "taker", "--follow")
        self.succeeded(followed)
        sums = {line for line in followed.out.splitlines() if line.endswith("  -")}
        self.assertEqual(len(sums), 1)
        wait_for("nothing stays at the coordinator", lambda: not blobs(self.mesh.coordinator))


if __name__ == "__main__":
    namespaces.enter(network=True)
    main()
