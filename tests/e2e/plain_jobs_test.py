#!/usr/bin/python3
"""An agent without any coordinator: its job queue as any gRPC client sees it."""

import grpc

import rpc
from process import alive, read_text, wait_for
from story import Story, main


class PlainJobs(Story):
    def setUp(self):
        super().setUp()
        self.agent = self.mesh.start_agent("agent")
        self.connect()

    def connect(self):
        self.client = rpc.Client(self.agent.address)
        self.addCleanup(self.client.close)

    def crash(self):
        self.agent.kill()
        self.agent.restart()
        self.connect()

    def submit(self, spec, request_id=""):
        self.count = getattr(self, "count", 0) + 1
        return self.client.call("Submit", request_id=request_id or f"request-{self.count}", spec=spec).job_id

    def ended(self, job):
        """The job's last state as Watch tells it."""
        last = list(self.client.call("Watch", job_id=job))[-1]
        self.assertEqual(last.state, rpc.agent.Job.ENDED)
        return last

    def output(self, job, **fields):
        return b"".join(chunk.data for chunk in self.client.call("Logs", job_id=job, **fields))

    def test_a_job_is_submitted_watched_and_read(self):
        job = self.submit(rpc.shell("echo one; echo two >&2"))
        end = self.ended(job)
        self.assertEqual((end.result.kind, end.result.status.code), (rpc.types.AttemptResult.EXITED, 0))
        self.assertLess(0, end.result.started_at_us)
        self.assertLessEqual(end.result.started_at_us, end.result.ended_at_us)

        chunks = list(self.client.call("Logs", job_id=job))
        by_stream = {stream: b"".join(chunk.data for chunk in chunks if chunk.stream == stream)
                     for stream in (rpc.agent.STDOUT, rpc.agent.STDERR)}
        self.assertEqual(by_stream, {rpc.agent.STDOUT: b"one\n", rpc.agent.STDERR: b"two\n"})
        self.assertEqual(end.result.log_bytes, 8)
        self.assertEqual(self.output(job, offset=6), self.output(job)[6:])
        self.assertEqual(self.client.call("Get", job_id=job), end)
        self.assertEqual([listed.id for listed in self.client.call("List").jobs], [job])

    def test_logs_begin_where_the_caller_wants(self):
        """Also beyond the megabyte that a caller may have under way."""
        job = self.submit(rpc.shell("head -c 6000000 /dev/zero | tr '\\0' x"))
        self.ended(job)
        for offset in (0, 2_000_000, 5_999_990, 6_000_000, 7_000_000):
            with self.subTest(offset):
                self.assertEqual(len(self.output(job, offset=offset)), max(0, 6_000_000 - offset))

    def test_logs_follow_a_job_to_its_end(self):
        gate = self.mesh.path("gate")
        job = self.submit(rpc.shell(f"echo begin; until [ -e {gate} ]; do sleep 0.02; done; echo end"))
        following = self.client.call("Logs", job_id=job, follow=True)
        self.assertEqual(next(following).data, b"begin\n")
        self.assertEqual(self.output(job), b"begin\n")  # without `follow`: what is there
        self.mesh.write("gate", "")
        self.assertEqual(b"".join(chunk.data for chunk in following), b"end\n")

    def test_an_exit_code_is_kept(self):
        self.assertEqual(self.ended(self.submit(rpc.shell("exit 42"))).result.status.code, 42)

    def test_a_direct_command_needs_no_shell(self):
        command = rpc.types.Command(argv=[b"printf", b"%s|", b"a b", b"$HOME", b"\xff"])
        spec = rpc.types.TaskSpec(name="direct", project="p", command=command)
        job = self.submit(spec)
        self.assertEqual(self.ended(job).result.status.code, 0)
        self.assertEqual(self.output(job), b"a b|$HOME|\xff|")

    def test_cancel_kills_what_ignores_term_when_the_grace_is_over(self):
        pid_file = self.mesh.path("pid")
        job = self.submit(rpc.shell(f"trap '' TERM; echo $$ >{pid_file}.new; mv {pid_file}.new {pid_file}; while :; do sleep 1; done",
                                    grace_ms=300))
        pid = int(wait_for("the job runs", lambda: read_text(pid_file)))
        self.assertTrue(self.client.call("Cancel", job_id=job).stop_wanted)
        end = self.ended(job)
        self.assertEqual((end.result.kind, end.result.status.signal), (rpc.types.AttemptResult.STOPPED, 9))
        self.assertGreaterEqual(end.result.ended_at_us - end.result.started_at_us, 300_000)
        self.assertFalse(alive(pid))
        self.assertEqual(self.client.call("Cancel", job_id=job), end)  # harmless for a job that has ended

    def test_a_timeout_ends_the_job(self):
        job = self.submit(rpc.shell("sleep 300", timeout_ms=100))
        self.assertEqual(self.ended(job).result.kind, rpc.types.AttemptResult.TIMED_OUT)

    def test_the_same_request_id_is_the_same_job(self):
        spec = rpc.shell(f"echo ran >>{self.mesh.path('ran')}")
        first = self.submit(spec, "the-request")
        self.ended(first)
        self.assertEqual(self.submit(spec, "the-request"), first)
        self.crash()
        self.assertEqual(self.submit(spec, "the-request"), first)
        self.assertEqual(read_text(self.mesh.path("ran")), "ran\n")

    def test_an_acknowledged_job_is_there_after_a_crash(self):
        job = self.submit(rpc.shell("echo done"))
        self.crash()
        self.assertEqual(self.ended(job).result.status.code, 0)
        self.assertEqual(self.output(job), b"done\n")

    def test_a_draining_agent_takes_nothing_new_until_it_resumes(self):
        self.assertTrue(self.client.call("Drain").draining)
        with self.assertRaises(grpc.RpcError) as refused:
            self.submit(rpc.shell("true"), "while-draining")
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.says(refused.exception.details(), "drain")
        self.assertFalse(self.client.call("Drain", resume=True).draining)
        self.ended(self.submit(rpc.shell("true"), "while-draining"))

    def test_it_says_that_it_is_healthy(self):
        self.assertEqual(self.client.health(), rpc.SERVING)


if __name__ == "__main__":
    main()
