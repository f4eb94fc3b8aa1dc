#!/usr/bin/python3
"""What an agent and a coordinator answer to messages that are malformed, oversized, foreign or out of order."""

import queue
import threading

import grpc

import rpc
from process import wait_for
from story import Story, main

Status = grpc.StatusCode
Spec = rpc.types.TaskSpec


GARBAGE = b"\xff\xff\xff\xff garbage"


class Hostile(Story):
    def refused(self, status, texts, call):
        """The call fails with this status and a text that holds all of `texts`; the peer still serves."""
        with self.assertRaises(grpc.RpcError) as caught:
            answer = call()
            list(answer) if hasattr(answer, "__next__") else answer
        error = caught.exception
        self.assertEqual(error.code(), status, error.details())
        self.says(error.details(), *texts)
        self.assertEqual(self.client.health(), rpc.SERVING)


    def every_method_refuses_garbage(self, *names):
        for name in names:
            with self.subTest(name):
                self.refused(Status.INVALID_ARGUMENT, [name], lambda: self.client.send(name, GARBAGE))


class AtTheAgent(Hostile):
    def setUp(self):
        super().setUp()
        self.client = rpc.Client(self.mesh.start_agent("agent").address)
        self.addCleanup(self.client.close)

    def submit(self, status, texts, spec, request_id="r"):
        self.refused(status, texts, lambda: self.client.call("Submit", request_id=request_id, spec=spec))
        self.assertEqual(len(self.client.call("List").jobs), 0)

    def test_names_that_are_none(self):
        for name in ("", "../up", "a b", "x" * 129, "-dash", "ä"):
            with self.subTest(name):
                self.submit(Status.INVALID_ARGUMENT, ["request_id"], rpc.shell("true"), request_id=name)
                spec = rpc.shell("true")
                spec.project = name
                self.submit(Status.INVALID_ARGUMENT, ["project"], spec)

    def test_a_title_with_control_characters(self):
        spec = rpc.shell("true")
        spec.name = "a\x1b[2Jb"
        self.submit(Status.INVALID_ARGUMENT, ["name"], spec)

    def test_a_spec_without_work(self):
        self.submit(Status.INVALID_ARGUMENT, ["work"], Spec(name="n", project="p"))
        self.refused(Status.INVALID_ARGUMENT, ["work"], lambda: self.client.call("Submit", request_id="r"))

    def test_an_empty_argument_vector(self):
        self.submit(Status.INVALID_ARGUMENT, ["argv"], Spec(name="n", project="p", command=rpc.types.Command()))
        self.submit(Status.INVALID_ARGUMENT, ["argv"], Spec(name="n", project="p", command=rpc.types.Command(argv=[b""])))

    def test_nul_bytes(self):
        self.submit(Status.INVALID_ARGUMENT, ["NUL"], Spec(name="n", project="p", command=rpc.types.Command(argv=[b"a\0b"])))
        self.submit(Status.INVALID_ARGUMENT, ["NUL"], rpc.shell("true\0"))
        self.submit(Status.INVALID_ARGUMENT, ["NUL", "X"], rpc.shell("true", variables=[rpc.types.Variable(name="X", value=b"a\0b")]))

    def test_variables_that_are_none(self):
        for name in ("", "1X", "A-B", "CROMT_RUN", "A=B", "A\nB"):
            with self.subTest(name):
                spec = rpc.shell("true", variables=[rpc.types.Variable(name=name)])
                self.submit(Status.INVALID_ARGUMENT, ["variable"], spec)

    def test_too_large(self):
        huge = [rpc.types.Variable(name="X", value=b"x" * 110_000)]
        self.submit(Status.INVALID_ARGUMENT, ["X", "100"], rpc.shell("true", variables=huge))
        self.submit(Status.RESOURCE_EXHAUSTED, ["4194304"], rpc.shell("x" * 5_000_000))

    def test_a_repository_needs_a_coordinator(self):
        self.submit(Status.INVALID_ARGUMENT, ["repository"], rpc.shell("true", source=rpc.types.Source(repository="http://x/y.git")))

    def test_bytes_that_are_no_message(self):
        self.every_method_refuses_garbage("Submit", "Get", "List", "Cancel", "Watch", "Logs", "GetBlob")
        self.refused(Status.INVALID_ARGUMENT, ["chunk"], lambda: self.client.put_blob([GARBAGE]))
        self.assertEqual(list(self.client.call("List").jobs), [])

    def test_a_method_that_is_not_there(self):
        call = self.client.channel.unary_unary("/cromt.v1.AgentService/Format")
        self.refused(Status.UNIMPLEMENTED, ["AgentService/Format"], lambda: call(b"", timeout=20))

    def test_a_job_that_is_unknown(self):
        for name in ("Get", "Watch", "Logs", "Cancel"):
            for job in ("nosuchjob", "", "../../etc/passwd", "x" * 100_000):
                with self.subTest(name, job=job[:20]):
                    status = Status.NOT_FOUND if job == "nosuchjob" else None
                    with self.assertRaises(grpc.RpcError) as caught:
                        answer = self.client.call(name, job_id=job)
                        list(answer) if hasattr(answer, "__next__") else answer
                    self.assertIn(caught.exception.code(), [status] if status else [Status.NOT_FOUND, Status.INVALID_ARGUMENT])
                    self.says(caught.exception.details(), "job")
                    self.assertLess(len(caught.exception.details()), 1000)

    def test_an_offset_that_is_none(self):
        job = self.client.call("Submit", request_id="r", spec=rpc.shell("echo x")).job_id
        list(self.client.call("Watch", job_id=job))
        self.refused(Status.INVALID_ARGUMENT, ["offset"], lambda: self.client.call("Logs", job_id=job, offset=-5))
        self.assertEqual(list(self.client.call("Logs", job_id=job, offset=1 << 60)), [])

    def test_a_full_queue_refuses_and_has_room_again(self):
        """What it knows is bounded in bytes, too."""
        large = rpc.shell("exec sleep 60 #" + "x" * 1_040_000)
        submit = lambda number: self.client.call("Submit", request_id=f"r{number}", spec=large).job_id
        jobs = [submit(number) for number in range(128)]
        self.refused(Status.RESOURCE_EXHAUSTED, ["what the agent knows takes 127.", " MiB; with 1016.", " more its limit of 128.0 MiB is passed"],
                     lambda: submit(128))
        self.assertEqual(submit(127), jobs[127], "an answer that was given once")
        for job in jobs:
            self.client.call("Cancel", job_id=job)
        for job in jobs:
            list(self.client.call("Watch", job_id=job))
        newest = submit(128)
        (gone,) = set(jobs) - {job.id for job in self.client.call("List", limit=1000).jobs}  # the first that ended made room
        self.refused(Status.NOT_FOUND, [gone], lambda: self.client.call("Get", job_id=gone))
        self.client.call("Cancel", job_id=newest)

    def test_many_followers_lock_nobody_out(self):
        job = self.client.call("Submit", request_id="r", spec=rpc.shell("echo x; sleep 60")).job_id
        followers = [self.client.call("Watch", job_id=job, timeout=60) for _ in range(200)]
        followers += [self.client.call("Logs", job_id=job, follow=True, timeout=60) for _ in range(56)]
        for follower in followers:
            next(follower)
        for name in ("Watch", "Logs"):
            self.refused(Status.RESOURCE_EXHAUSTED, ["256 callers follow jobs of this agent already"],
                         lambda: self.client.call(name, job_id=job))
        followers[0].cancel()
        wait_for("there is room for another", self.watches(job))
        self.client.call("Cancel", job_id=job)
        for follower in followers[1:]:
            list(follower)

    def watches(self, job):
        def one():
            try:
                return next(self.client.call("Watch", job_id=job))
            except grpc.RpcError:
                return None
        return one

    def test_many_sessions_lock_nobody_out(self):
        done = threading.Event()
        def silent():
            done.wait(timeout=30)
            yield from ()
        self.addCleanup(done.set)
        calls = [self.client.session(silent()) for _ in range(70)]
        wait_for("so many too many are refused", lambda: sum(call.done() for call in calls) == 6)
        for call in filter(lambda one: one.done(), calls):
            self.assertEqual((call.code(), call.details()),
                             (Status.RESOURCE_EXHAUSTED, "64 sessions with this agent are open, which is its limit"))
        for call in calls:
            call.cancel()
        self.mesh.start_coordinator()
        self.mesh.apply("projects: {x: {run: 'true'}}\n")
        self.succeeded(self.mesh.cromt("start", "x", "--wait"))

    def test_many_blobs_at_once(self):
        done = threading.Event()
        self.addCleanup(done.set)
        def silent():
            done.wait(timeout=30)
            yield from ()
        refused = queue.SimpleQueue()
        def put():
            try:
                self.client.put_blob(silent(), timeout=40)
            except grpc.RpcError as error:
                refused.put((error.code(), error.details()))
        callers = [threading.Thread(target=put) for _ in range(65)]
        for caller in callers:
            caller.start()
        self.assertEqual(refused.get(timeout=30), (Status.RESOURCE_EXHAUSTED, "too many blobs are being put here at once"))
        done.set()
        for caller in callers:
            caller.join()
        data = b"there is room again"
        self.client.put_blob([rpc.agent.BlobChunk(digest=rpc.digest(data), data=data)])

    def test_a_list_without_bound(self):
        self.refused(Status.INVALID_ARGUMENT, ["limit"], lambda: self.client.call("List", limit=1001))

    def test_a_blob_that_is_not_what_its_digest_says(self):
        digest = rpc.types.Digest(sha256="0" * 64, size_bytes=3)
        chunk = rpc.agent.BlobChunk(digest=digest, data=b"abc")
        self.refused(Status.DATA_LOSS, ["sha256:ba78", "sha256:0000"], lambda: self.client.put_blob([chunk]))
        upwards = rpc.agent.BlobChunk(digest=rpc.types.Digest(sha256="../" * 21 + "x", size_bytes=3), data=b"abc")
        self.refused(Status.INVALID_ARGUMENT, ["sha256"], lambda: self.client.put_blob([upwards]))


class InASession(Hostile):
    """Messages of a coordinator that does not keep to the order."""

    def setUp(self):
        super().setUp()
        self.client = rpc.Client(self.mesh.start_agent("agent").address)
        self.addCleanup(self.client.close)
        self.wait_until_it_meets("m")

    def wait_until_it_meets(self, mesh):
        """A mesh that is new is met once the agent's launcher has answered."""
        def is_met():
            call = self.client.session(_open_ended([self.hello(mesh=mesh, inspect=True)]))
            try:
                return next(call).HasField("hello")
            except grpc.RpcError as refused:
                self.says(refused.details(), "its launcher does not answer yet")
                return False
            finally:
                call.cancel()
        wait_for("the mesh is met", is_met)

    def hello(self, **fields):
        usual = {"mesh": "foreign", "epoch": 1, "session": 1, "protocol": rpc.SESSION_PROTOCOL}
        return rpc.agent.ToAgent(hello=rpc.agent.ToAgent.Hello(**{**usual, **fields}))

    def session_refused(self, status, texts, messages):
        self.refused(status, texts, lambda: self.client.session(_open_ended(messages)))

    def lease(self, task=0):
        attempt = rpc.types.AttemptId(run="r", task=task, attempt=1)
        return rpc.agent.ToAgent(leases=[rpc.agent.ToAgent.Lease(id=attempt, spec=rpc.shell("true"), host="h")])

    def test_the_first_message_is_no_hello(self):
        self.session_refused(Status.INVALID_ARGUMENT, ["hello"], [rpc.agent.ToAgent(verdicts_done=True)])

    def test_a_second_hello(self):
        self.session_refused(Status.INVALID_ARGUMENT, ["second hello"], [self.hello(), self.hello()])

    def test_a_lease_before_the_verdicts(self):
        self.session_refused(Status.INVALID_ARGUMENT, ["lease", "verdicts"], [self.hello(), self.lease()])

    def test_protocols_that_it_does_not_speak(self):
        own = rpc.SESSION_PROTOCOL
        self.session_refused(Status.INVALID_ARGUMENT, [f"the coordinator speaks session protocol {own - 1}, the agent {own}: upgrade the coordinator"],
                             [self.hello(protocol=own - 1)])
        self.session_refused(Status.INVALID_ARGUMENT, [f"the coordinator speaks session protocol {own + 1} to {own + 2}, the agent {own}: upgrade the agent"],
                             [self.hello(protocol=own + 2, oldest_protocol=own + 1)])

    def test_a_newer_protocol_that_still_speaks_its_own(self):
        call = self.client.session(_open_ended([self.hello(protocol=rpc.SESSION_PROTOCOL + 2, oldest_protocol=rpc.SESSION_PROTOCOL)]))
        hello = next(call).hello
        self.assertEqual((hello.protocol, hello.oldest_protocol), (rpc.SESSION_PROTOCOL, rpc.SESSION_PROTOCOL))
        call.cancel()

    def test_a_lease_that_cant_be_read_costs_its_own_attempt(self):
        bad, good = (self.lease(task).leases[0] for task in (0, 1))
        bad.spec.variables.add(name="1 2", value=b"x")
        says = queue.Queue()
        says.put(self.hello())
        call = self.client.session(iter(says.get, None))
        says.put(rpc.agent.ToAgent(verdicts_done=True, heartbeat_echo=next(call).heartbeat, leases=[bad, good]))
        ended = {}
        while len(ended) < 2:
            ended.update((report.id.task, report.ended) for report in next(call).reports if report.HasField("ended"))
        says.put(None)
        self.assertEqual(ended[0].kind, rpc.types.AttemptResult.NOT_STARTED)
        self.says(ended[0].reason, "the agent can't read what it is to do: spec.variables: bad variable name '1 2'")
        self.assertEqual((ended[1].kind, ended[1].status.code), (rpc.types.AttemptResult.EXITED, 0))

    def test_a_mesh_whose_name_is_none(self):
        self.session_refused(Status.INVALID_ARGUMENT, ["mesh"], [self.hello(mesh="../x")])

    def test_bytes_that_are_no_message(self):
        self.session_refused(Status.INVALID_ARGUMENT, ["message"], [GARBAGE])

    def test_many_meshes_are_refused_for_a_while(self):
        """And what makes no session takes no place."""
        def greet(mesh, **fields):
            call = self.client.session(_open_ended([self.hello(mesh=mesh, **fields)]))
            self.assertEqual(next(call).hello.protocol, rpc.SESSION_PROTOCOL)
            call.cancel()
            wait_for("the session is over", call.done)
        for number in range(1024):
            greet(f"mesh{number}")
        words = ["the agent serves 1024 meshes that have attempts or were heard just now, which is its limit"]
        self.session_refused(Status.RESOURCE_EXHAUSTED, words, [self.hello(mesh="onemore")])
        greet("onemore", inspect=True)
        greet("mesh0", session=2)
        self.mesh.agents["agent"].kill()
        self.client.close()
        self.client = rpc.Client(self.mesh.agents["agent"].restart().address)
        self.wait_until_it_meets("onemore")
        greet("onemore")  # none of the others was heard since

    def test_a_newer_session_closes_the_older_and_says_so(self):
        older = self.client.session(_open_ended([self.hello(session=1)]))
        self.assertEqual(next(older).hello.protocol, rpc.SESSION_PROTOCOL)
        newer = self.client.session(_open_ended([self.hello(session=2)]))
        self.assertEqual(next(newer).hello.protocol, rpc.SESSION_PROTOCOL)
        self.refused(Status.FAILED_PRECONDITION, ["newer session"], lambda: older)
        self.session_refused(Status.FAILED_PRECONDITION, ["newer"], [self.hello(session=1)])
        newer.cancel()


class LogsOfAnAgent(Hostile):
    def setUp(self):
        super().setUp()
        self.client = rpc.Client(self.mesh.start_agent("agent").address)
        self.addCleanup(self.client.close)

    def refused_logs(self, status, texts, *credits):
        self.refused(status, texts, lambda: self.client.collect_logs(_open_ended(rpc.agent.LogCredit(**c) for c in credits)))

    def test_credit_without_bounds(self):
        for credit in (0, -1, 1 << 40):
            with self.subTest(credit):
                self.refused_logs(Status.INVALID_ARGUMENT, ["credit_bytes"], {"mesh": "m", "credit_bytes": credit})

    def test_another_agent_is_meant(self):
        self.refused_logs(Status.FAILED_PRECONDITION, ["this is agent", "not nobody"],
                          {"mesh": "m", "credit_bytes": 1000, "agent": "nobody"})

    def test_stored_beyond_what_was_sent(self):
        self.refused_logs(Status.INVALID_ARGUMENT, ["stored_to is 5", "only what lies before 0"],
                          {"mesh": "m", "credit_bytes": 1000}, {"stored_to": 5})


def _open_ended(messages):
    """The messages, and then a stream that stays open: it is for the agent to end it."""
    yield from messages
    queue.Queue().get(timeout=30)


class AtTheCoordinator(Hostile):
    def setUp(self):
        super().setUp()
        coordinator = self.mesh.start_coordinator()
        self.client = rpc.Client(coordinator.address, rpc.coordinator.DESCRIPTOR.services_by_name["CoordinatorService"])
        self.addCleanup(self.client.close)

    def rejects(self, name, status, *texts, **fields):
        self.refused(status, texts, lambda: self.client.call(name, **fields))

    def test_a_job_file_with_errors_is_answered_with_all_of_them(self):
        text = "projects:\n  a: {path: /, hots: []}\n  b: {acton: x}\n"
        self.rejects("Apply", Status.INVALID_ARGUMENT, "jobs.yaml:2:16", "hots", "jobs.yaml:3:7", "acton", request_id="r",
                     path="/jobs.yaml", text=text)

    def test_names_that_are_none(self):
        self.rejects("Apply", Status.INVALID_ARGUMENT, "request_id", request_id="../x", path="/jobs.yaml", text="projects: {}\n")
        self.rejects("Start", Status.INVALID_ARGUMENT, "request_id", request_id="../x", project="a")

    def test_what_is_unknown(self):
        self.rejects("Start", Status.NOT_FOUND, "nobody", request_id="r", project="nobody")
        for name in ("GetRun", "Cancel", "WatchRun", "RunLogs", "ListArtifacts", "GetArtifact"):
            with self.subTest(name):
                self.rejects(name, Status.NOT_FOUND, "nosuchrun", run="nosuchrun")

    def test_many_followers_lock_nobody_out(self):
        self.mesh.start_agent("a")
        self.mesh.apply(f"projects: {{x: {{run: 'sleep 60', url: 'http://{self.mesh.agents['a'].address}'}}}}\n")
        run = self.mesh.start("x")
        followers = [self.client.call("WatchRun", run=run, timeout=60) for _ in range(256)]
        for follower in followers:
            self.assertEqual(next(follower).run.id, run)
        self.rejects("WatchRun", Status.RESOURCE_EXHAUSTED, "256 callers follow runs already", run=run)
        self.succeeded(self.mesh.cromt("cancel", run))
        self.assertEqual(self.mesh.wait_finished(run)["outcome"], "canceled")

    def test_too_large(self):
        self.rejects("Apply", Status.RESOURCE_EXHAUSTED, "4194304", request_id="r", path="/jobs.yaml", text="#" * 5_000_000)

    def test_bytes_that_are_no_message(self):
        self.every_method_refuses_garbage("Apply", "Start", "GetRun", "ListRuns", "Cancel", "WatchRun", "RunLogs", "ListRevisions",
                                          "ListArtifacts", "GetArtifact")
        self.assertEqual(list(self.client.call("ListRuns").runs), [])


if __name__ == "__main__":
    main()
