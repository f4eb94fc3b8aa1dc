#!/usr/bin/python3
"""Archives, paths and bytes made to harm (attacks 28, 33 to 36): a hostile agent's, coordinator's and job's."""

import glob
import io
import os
import tarfile
import time

import grpc

import blob_line
import rpc
import tickets
from fake_agent import FakeAgent
from fake_coordinator import FakeCoordinator
from process import wait_for
from story import Story, main

END = bytes(1024)
Status = grpc.StatusCode


def member(name, kind=tarfile.REGTYPE, data=b"", link="", form=tarfile.USTAR_FORMAT, **fields):
    """One entry of a tar as it lies in the file, by no rule but the format's."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, link, len(data), 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(form) + data + bytes(-len(data) % 512)


def folder(name):
    return member(name, tarfile.DIRTYPE, mode=0o755)


def hostile_archives(outside):
    """What it is → (its bytes, what is said of it). `outside` is an absolute path where nothing may appear."""
    deep = b"".join(member("/".join("d" * n), tarfile.DIRTYPE, form=tarfile.PAX_FORMAT) for n in range(1, 140))
    link = lambda target: member("l", tarfile.SYMTYPE, link=target)
    return {
        "a name that climbs": (member("../../x", data=b"evil") + END, "'..' as a component"),
        "a name that climbs later": (folder("a") + member("a/../../x", data=b"evil") + END, "'..' as a component"),
        "an absolute name": (member(outside, data=b"evil") + END, "archive: "),
        "no name": (member("", data=b"evil") + END, "an empty name"),
        "a link out": (link(os.path.dirname(outside)) + END, "points out of the tree"),
        "a link up": (link("..") + END, "points out of the tree"),
        "writing through a link": (folder("d") + link("d") + member("l/x", data=b"evil") + END, "under something that is no directory"),
        "a link in a file's place": (member("l") + link("x") + END, "comes twice"),
        "a hard link": (member("h", tarfile.LNKTYPE, link="/etc/shadow") + END, "is a hard link"),
        "a character device": (member("null", tarfile.CHRTYPE, devmajor=1, devminor=3) + END, "is a device"),
        "a block device": (member("disk", tarfile.BLKTYPE, devmajor=8) + END, "is a device"),
        "a FIFO": (member("pipe", tarfile.FIFOTYPE) + END, "is a FIFO"),
        "a contiguous file": (member("c", tarfile.CONTTYPE) + END, "archive: "),
        "a sparse file": (member("s", tarfile.GNUTYPE_SPARSE) + END, "is a sparse file"),
        "8 EB": (member("s", size=2 ** 63 - 1, form=tarfile.PAX_FORMAT) + END, "'s'"),
        "a size below zero": (member("s", form=tarfile.GNU_FORMAT, size=-5) + END, "archive: "),
        "one name twice": (member("a", data=b"1") + member("a", data=b"2") + END, "'a' comes twice"),
        "something behind the end": (member("a") + END + b"more", "something follows its end"),
        "no end": (member("a", data=b"1"), "ends too early"),
        "cut short": (member("a", data=b"x" * 600)[:-300], "ends too early"),
        "140 directories deep": (deep + END, "directories deep"),
        "a name of 300 bytes": (member("n" * 300, form=tarfile.PAX_FORMAT) + END, "255 bytes"),
        "a zip": (b"PK\3\4" + bytes(2000), "archive: "),
        "a compressed tar": (gzipped(member("a") + END), "archive: "),
    }


def gzipped(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("a")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


TICKET = rpc.types.BlobTicket(consumer="c", proof="p")  # of whom nothing is asked


class Attack(Story):
    def fake_agent(self, name):
        agent = FakeAgent(name)
        self.addCleanup(agent.close)
        return agent

    def fake_coordinator(self, agent):
        coordinator = FakeCoordinator(agent.address)
        self.addCleanup(coordinator.close)
        return coordinator

    def blobs(self, program):
        return [path for path in glob.glob(os.path.join(program.data_dir, "blobs", "*", "*")) if os.path.isfile(path)]


class Archives(Attack):
    """Attack 33, by each way on which an archive comes."""

    def setUp(self):
        super().setUp()
        self.outside = self.mesh.path("outside")

    def nothing_outside(self, *folders):
        self.assertFalse(os.path.lexists(self.outside))
        self.assertEqual(glob.glob(self.mesh.path("**", "x"), recursive=True), [])
        self.assertEqual([path for path in folders if os.listdir(path)], [])

    def test_as_the_files_of_a_repository(self):
        agent = self.mesh.start_agent("agent")
        coordinator = self.fake_coordinator(agent)
        for what, (data, said) in hostile_archives(self.outside).items():
            with self.subTest(what):
                source = rpc.types.Source(repository="https://h/r.git", commit="1" * 40, tree=rpc.digest(data))
                ended = coordinator.run(rpc.shell(f"touch {self.mesh.path('ran')}", source=source), blobs=[data])
                self.assertEqual(ended.kind, rpc.types.AttemptResult.NOT_STARTED, ended)
                self.says(ended.reason, "the files of https://h/r.git can't be unpacked", said)
                self.nothing_outside()
        self.assertFalse(os.path.exists(self.mesh.path("ran")))

    def test_as_an_artifact_that_a_task_gets(self):
        agent, holder = self.mesh.start_agent("agent"), self.fake_agent("holder")
        coordinator = self.fake_coordinator(agent)
        for what, (data, said) in hostile_archives(self.outside).items():
            with self.subTest(what):
                given = rpc.types.LeaseInput(path="given", artifact=holder.artifact("given", data, archive=True), holder="holder",
                                             address=holder.address, host="h", ticket=TICKET)
                ended = coordinator.run(rpc.shell(f"touch {self.mesh.path('ran')}"), [given])
                self.assertEqual(ended.kind, rpc.types.AttemptResult.NOT_STARTED, ended)
                self.says(ended.reason, "artifact 'given' of h", said)
                self.nothing_outside()
        self.assertFalse(os.path.exists(self.mesh.path("ran")))

    def test_as_an_artifact_that_somebody_fetches(self):
        holder = self.fake_agent("holder")
        self.mesh.start_coordinator(agents={"holder": holder.address})
        archives = hostile_archives(self.outside)
        outs = ", ".join(f"{{file: a{number}, path: f}}" for number in range(len(archives)))
        self.mesh.apply(f"projects: {{p: {{run: 'true', hosts: [{{url: 'http://holder'}}], artifacts: {{out: [{outs}]}}}}}}\n")
        run = self.mesh.start("p")
        lease = holder.leases.get(timeout=30)
        holder.end(lease, [holder.artifact(f"a{number}", data, archive=True) for number, (data, _) in enumerate(archives.values())])
        self.mesh.wait_finished(run)
        for number, (what, (_, said)) in enumerate(archives.items()):
            with self.subTest(what):
                done = self.mesh.cromt("get", run, f"a{number}", "--to", self.mesh.path(f"got{number}"))
                self.assertNotEqual(done.code, 0, str(done))
                self.says(done.err, said)
                self.nothing_outside()
                self.assertEqual(glob.glob(self.mesh.path("*.part")), [])

    def test_modes_and_owners_are_not_taken_over(self):
        coordinator = self.fake_coordinator(self.mesh.start_agent("agent"))
        data = member("own", uid=12345, gid=12345, mode=0o6777) + member("root", uid=0, mode=0o0) + END
        source = rpc.types.Source(repository="https://h/r.git", commit="1" * 40, tree=rpc.digest(data))
        script = "[ \"$(stat -c '%n %a %u %g' own root | tr '\\n' ,)\" = \"own 755 $(id -u) $(id -g),root 644 $(id -u) $(id -g),\" ]"
        ended = coordinator.run(rpc.shell(script, source=source), blobs=[data])
        self.assertEqual(ended.status.code, 0, ended)


class Names(Attack):
    """Attack 28, where a name would become a path: each peer says one that is none."""

    BAD = ["../x", "a/../../x", "/x", ".", "..", "", ".part", "-x", "a\nb", "%2e%2e/x", "ä", "x" * 129]

    def test_of_an_input(self):
        agent = self.mesh.start_agent("agent")
        coordinator = self.fake_coordinator(agent)
        good = rpc.types.PublishedArtifact(name="good", digest=rpc.digest(b"x"))
        fields = {"path": "good", "artifact": good, "holder": "holder", "address": "127.0.0.1:1", "host": "h", "ticket": TICKET}
        for bad in self.BAD:
            spoiled = [{"path": bad}, {"path": f"h/{bad}"}, {"holder": bad}, {"host": bad},
                       {"artifact": rpc.types.PublishedArtifact(name=bad, digest=rpc.digest(b"x"))}]
            for spoil in spoiled:
                with self.subTest(spoil):
                    ended = coordinator.run(rpc.shell("true"), [rpc.types.LeaseInput(**{**fields, **spoil})])
                    self.assertEqual(ended.kind, rpc.types.AttemptResult.NOT_STARTED, ended)
                    self.says(ended.reason, "the agent can't read what it is to do: inputs: ")
        self.assertEqual(coordinator.run(rpc.shell("true")).status.code, 0)

    def test_of_what_was_published(self):
        """The coordinator breaks the session off, takes nothing, and leases anew; the same agent may do it right then."""
        fake = self.fake_agent("fake")
        self.mesh.start_coordinator(agents={"fake": fake.address})
        self.mesh.apply("projects: {p: {run: 'true', hosts: [{url: 'http://fake'}], artifacts: {out: [{file: x, path: f}]}}}\n")
        digest, good = rpc.types.Digest, {"name": "x", "digest": rpc.digest(b"x"), "grant": "g"}
        for bad in ({"name": "../x"}, {"name": ""}, {"name": "x" * 129}, {"grant": "a/b"}, {"grant": ""}, {"digest": digest()},
                    {"digest": digest(sha256="../" * 21 + "x")}, {"digest": digest(sha256="0" * 64, size_bytes=-1)}):
            with self.subTest(bad):
                run = self.mesh.start("p")
                fake.end(fake.leases.get(timeout=30), [rpc.types.PublishedArtifact(**{**good, **bad})])
                again = fake.leases.get(timeout=30)
                self.assertEqual(again.id.run, run)
                self.says(self.mesh.cromt("artifacts", run).out, "no artifacts")
                fake.end(again, [rpc.types.PublishedArtifact(**good)])
                self.assertEqual(self.mesh.wait_finished(run)["outcome"], "succeeded")


class Paths(Attack):
    """Attack 34: what a job lays where its artifact should be."""

    def test_that_lead_out_or_to_no_file(self):
        secret = self.mesh.write("secret/file", "a secret")
        agent = self.mesh.start_agent("host")
        self.mesh.start_coordinator()
        away = os.path.dirname(secret)
        attempts = {
            "link": (f"ln -s {secret} f", "f"), "through": (f"ln -s {away} d", "d/file"), "glob": (f"ln -s {away} d", "d/f*"),
            "matched": (f"ln -s {secret} f1", "f*"), "inside": (f"mkdir d; ln -s {secret} d/f", "d"), "proc": ("ln -s /proc/self/environ f", "f"),
            "procs": ("ln -s /proc/self d", "d/environ"), "shadow": ("ln -s /etc/shadow f", "f"), "cwd": ("ln -s /proc/self/cwd d", "d/f"),
            "zero": ("ln -s /dev/zero f", "f"), "fifo": ("mkfifo f", "f"), "fifos": ("mkdir d; mkfifo d/f", "d"),
            "loop": ("ln -s f f", "f"), "socket": ("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"f\")'", "f"),
        }
        text = "".join(f"  {name}:\n    run: |\n      {script}\n    artifacts: {{out: [{{file: x, path: '{path}'}}]}}\n"
                       for name, (script, path) in attempts.items())
        self.mesh.apply("projects:\n" + text)
        for name in attempts:
            with self.subTest(name):
                self.exited(1, self.mesh.cromt("start", name, "--wait", timeout=20))
                self.says(self.mesh.tasks("last")[name]["reason"], "artifact 'x': ")
                self.assertEqual(self.blobs(agent), [])

    def test_that_are_refused_when_read(self):
        for path in ("/etc/shadow", "../x", "a/../../x", "..", "a/..", "/proc/self/environ", "", "a\\nb", "a\\0b", "x" * 1100):
            with self.subTest(path[:20]):
                text = f"projects: {{p: {{run: x, artifacts: {{out: [{{file: x, path: \"{path}\"}}]}}}}}}\n"
                self.exited(2, self.mesh.cromt("validate", self.mesh.write("jobs.yaml", text)))


class Bytes(Attack):
    """Attacks 35 and 36: bytes that are not what was promised, and who asks for others' bytes."""

    def test_a_holder_that_gives_out_others(self):
        taker, holder = self.mesh.start_agent("taker"), self.fake_agent("holder")
        self.mesh.start_coordinator(agents={"holder": holder.address})
        self.mesh.apply("projects:\n  make: {run: 'true', hosts: [{url: 'http://holder'}], artifacts: {out: [{file: x, path: f}]}}\n"
                        "  take: {run: 'true', hosts: [{url: 'http://taker'}], artifacts: {in: [x]}, before: [{name: make}]}\n")
        half = 512 << 10
        good = b"a" * half + b"b" * half
        for what, given in {"swapped": good[half:] + good[:half], "more": good + b"x", "less": good[:-1],
                            "one bit": b"c" + good[1:]}.items():
            with self.subTest(what):
                run = self.mesh.start("take")
                artifact = holder.artifact("x", good)
                holder.given_out[artifact.digest.sha256] = given
                holder.end(holder.leases.get(timeout=30), [artifact])
                self.assertEqual(self.mesh.wait_finished(run)["outcome"], "failed")
                self.says(self.mesh.tasks(run)["take"]["reason"], "artifact 'x' of holder")
                self.assertNotEqual(self.mesh.cromt("get", run, "x", "--to", self.mesh.path("got")).code, 0)
                self.assertFalse(os.path.exists(self.mesh.path("got")))
                self.assertEqual(self.blobs(taker) + self.blobs(self.mesh.coordinator), [])

    def test_a_coordinator_that_brings_others(self):
        agent = self.mesh.start_agent("agent")
        client = rpc.Client(agent.address)
        self.addCleanup(client.close)
        good = b"a" * 1000 + b"b" * 1000
        for what, chunks in {"swapped": [good[1000:], good[:1000]], "more": [good, b"x"], "less": [good[:-1]], "nothing": [b""],
                             "endless": [bytes(1 << 20)] * 100}.items():
            with self.subTest(what), self.assertRaises(grpc.RpcError) as refused:
                client.put_blob([rpc.agent.BlobChunk(digest=rpc.digest(good), data=chunk) for chunk in chunks])
            self.assertEqual(refused.exception.code(), Status.DATA_LOSS, refused.exception.details())
            wait_for("nothing of it is kept", lambda: not self.blobs(agent))

    def test_a_ticket_is_for_its_own_bytes_and_a_range_within_them(self):
        agent = self.mesh.start_agent("agent")
        outs = [rpc.types.ArtifactOut(name=name, path=name) for name in "ab"]
        ended = self.fake_coordinator(agent).run(rpc.shell("echo one >a; echo other >b", publishes=outs))
        one, other = ended.published
        client = rpc.Client(agent.address)
        self.addCleanup(client.close)
        get = lambda digest, ticket, offset=0: b"".join(
            chunk.data for chunk in client.call("GetBlob", digest=digest, ticket=ticket, offset=offset))
        good = tickets.fresh(one, "me")
        self.assertEqual([get(one.digest, good), get(one.digest, good, 1), get(one.digest, good, 4)], [b"one\n", b"ne\n", b""])
        self.assertEqual(get(one.digest, tickets.ticket(one.grant, one.digest)), b"one\n")  # of the coordinator: for ever
        by_line = lambda digest, ticket, offset=0: blob_line.get(agent.address, digest=digest, ticket=ticket, offset=offset)
        self.assertEqual([by_line(one.digest, good, offset)[2] for offset in (0, 1, 4)], [b"one\n", b"ne\n", b""])
        longer = rpc.types.Digest(sha256=one.digest.sha256, size_bytes=1 << 40)
        late = tickets.ticket(one.grant, one.digest, "me", time.time() - 1)
        changed = lambda **fields: rpc.types.BlobTicket(**{"consumer": "me", "expires_at_us": good.expires_at_us, "proof": good.proof, **fields})
        denied, invalid = Status.PERMISSION_DENIED, Status.INVALID_ARGUMENT
        for what, digest, ticket, offset, status in (
                ("of other bytes", one.digest, tickets.fresh(other, "me"), 0, denied), ("of fewer bytes", longer, good, 0, denied),
                ("run out", one.digest, late, 0, denied), ("made longer", one.digest, changed(expires_at_us=good.expires_at_us + 1), 0, denied),
                ("without an end", one.digest, changed(expires_at_us=0), 0, denied), ("of another", one.digest, changed(consumer="you"), 0, denied),
                ("of the coordinator", one.digest, changed(consumer=""), 0, denied), ("cut", one.digest, changed(proof=good.proof[:-1]), 0, denied),
                ("a grant", one.digest, changed(proof=one.grant), 0, denied), ("none", one.digest, None, 0, denied),
                ("empty", one.digest, rpc.types.BlobTicket(), 0, invalid), ("of no name", one.digest, changed(consumer="a b"), 0, invalid),
                ("before it", one.digest, good, -1, invalid), ("after it", one.digest, good, 5, invalid), ("far after it", one.digest, good, 1 << 62, invalid)):
            with self.subTest(what):
                with self.assertRaises(grpc.RpcError) as refused:
                    get(digest, ticket, offset)
                self.assertEqual(refused.exception.code(), status, refused.exception.details())
                refusal, reason, data = by_line(digest, ticket, offset)
                self.assertEqual((refusal, data), ("DENIED" if status == denied else "INVALID", b""))
                self.says(reason, refused.exception.details().partition(", and here it is ")[0])
        self.says(agent.log(), "refused a call from ", "the ticket is not one of this agent for these bytes")

    def test_two_producers_of_one_name(self):
        text = "projects:\n  p: {run: x, before: [{name: a}, {name: b}], artifacts: {in: [x]}}\n" + "".join(
            f"  {name}: {{run: x, artifacts: {{out: [{{file: x, path: {name}}}]}}}}\n" for name in "ab")
        done = self.mesh.cromt("plan", "p", "--conf", self.mesh.write("jobs.yaml", text))
        self.assertNotEqual(done.code, 0)
        self.says(done.err, "'a' and 'b' both publish 'x'")


if __name__ == "__main__":
    main()
