#!/usr/bin/python3
"""Every call of a coordinator, by its contract, with every kind of credential that is too little for it."""

import json

import grpc
import rpc
from founded import Founded
from process import wait_for
from story import Story, main

SERVICES = [module.DESCRIPTOR.services_by_name[name] for module, name in
            ((rpc.coordinator, "CoordinatorService"), (rpc.access, "AccessService"), (rpc.secrets, "SecretService"),
             (rpc.schedule, "ScheduleService"), (rpc.debug, "DebugService"))]
CALLS = [(service, method.name) for service in SERVICES for method in service.methods]
# By what the call itself carries, not by who makes it.
OPEN = {"Join", "Renew"}
MEMBERS = {"WhoAmI", "Probe"}
OPERATORS = {"Start", "Cancel", "Rerun", "Pause", "Unpause"}
ADMINS = {"Apply", "ForgetAgent", "DrainAgent", "ResumeAgent", "InviteAgent", "RemoveAgent", "ReadmitAgent", "ListMembers", "ListUsers", "PutUser", "RemoveUser",
          "ListAudit", "VerifyAudit", "ListAuthorities", "RotateAuthority", "RetireAuthority", "SetSecret", "RemoveSecret", "Bundle"}
# As they are made here: of another user's, or of more than a user's own.
FOR_OTHERS = {"CreateToken", "RemoveToken", "Certify", "RevokeCertificates"}
OF_A_RUN = {"Cancel", "Rerun", "Why", "GetRun", "WatchRun", "RunLogs", "ListArtifacts", "GetArtifact"}
OF_A_FILE = {"GetRevision"}
REFUSED = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED)  # the latter: too many wrong tokens


class Roles(Story):
    mesh_kind = Founded

    def setUp(self):
        super().setUp()
        self.mesh.found()
        self.host = self.mesh.add_agent("h1")
        self.mesh.apply(f"projects:\n  foo:\n    run: echo of foo\n    hosts: [{{url: 'http://{self.host.address}'}}]\n"
                        f"  foobar:\n    run: echo of foobar\n    hosts: [{{url: 'http://{self.host.address}'}}]\n")
        self.run = self.mesh.start("foobar")
        self.mesh.wait_finished(self.run)

    def fields(self, name):
        """What the call concerns: project foobar, and nothing else that could be wrong with it."""
        if name in OF_A_RUN:
            return {"run": self.run}
        return {"Start": {"project": "foobar", "request_id": "r"}, "Pause": {"project": "foobar"}, "Unpause": {"project": "foobar"},
                "ListTicks": {"project": "foobar"}, "Apply": {"request_id": "r", "path": "/jobs.yaml", "text": ""},
                "SetSecret": {"project": "foobar", "name": "s", "value": b"12345678"}, "RemoveSecret": {"project": "foobar", "name": "s"},
                "PutUser": {"name": "eve", "role": "admin", "all_projects": True}, "RemoveUser": {"name": "admin"},
                "CreateToken": {"user": "admin"}, "Certify": {"agent_submit": True}, "RevokeCertificates": {"user": "admin"}, "RemoveToken": {"id": "zzz"}, "InviteAgent": {"name": "eve"}, "RemoveAgent": {"name": "h1"},
                "ReadmitAgent": {"name": "h1"}, "ForgetAgent": {"agent": "h1"}, "GetRevision": {"revision": 1}, "DrainAgent": {"agent": "h1"}, "ResumeAgent": {"agent": "h1"}}.get(name, {})

    def code(self, service, name, **credentials):
        """With what the call ends, whatever it answers."""
        client = self.mesh.client(service, **credentials)
        try:
            answer = client.call(name, **self.fields(name))
            if hasattr(answer, "__iter__"):
                list(answer)
            return grpc.StatusCode.OK
        except grpc.RpcError as error:
            return error.code()
        finally:
            client.close()

    def everything_is_as_before(self):
        self.assertEqual({line["agent"] for line in map(json.loads, self.mesh.cromt("agents", "members", "-o", "json").out.splitlines())}, {"h1"})
        self.assertNotIn("eve", self.mesh.cromt("users").out)
        self.assertEqual(self.mesh.cromt("secrets", "list", "-o", "json").out, "")
        self.assertEqual(len(self.mesh.cromt("runs", "-o", "quiet").out.splitlines()), 1)

    def test_the_table_here_knows_each_call(self):
        names = {name for _, name in CALLS}
        self.assertGreater(len(names), 30)
        self.assertLessEqual(OPEN | MEMBERS | OPERATORS | ADMINS | OF_A_RUN | OF_A_FILE, names)

    def test_who_shows_nothing_or_nothing_good_gets_nothing(self):
        expired = self.mesh.cromt("tokens", "create", "--for", "1ms", "-o", "quiet").out.strip()
        made = json.loads(self.mesh.cromt("tokens", "create", "-o", "json").out)
        self.succeeded(self.mesh.cromt("tokens", "remove", made["token"]))
        for token in (None, "x", "cromt_user_" + "a" * 32, expired, made["secret"], self.mesh.admin_token[:-1], "cromt_join_" + "a" * 32):
            for service, name in CALLS:
                # A renewal is asked for by a request, and there is none in it.
                refused = (grpc.StatusCode.INVALID_ARGUMENT,) if name == "Renew" else REFUSED
                self.assertIn(self.code(service, name, token=token), refused, f"{name} with {token}")
        # Who is good there is not locked out by those who are not.
        self.succeeded(self.mesh.cromt("projects"))
        self.everything_is_as_before()
        self.says(self.mesh.cromt("audit", "-o", "json").out, '"what":"denied"')
        self.succeeded(self.mesh.cromt("audit", "verify"))

    def test_an_agents_certificate_is_no_users(self):
        for service, name in CALLS:
            code = self.code(service, name, identity=self.mesh.identity_of("h1"))
            if name in MEMBERS:
                self.assertEqual(code, grpc.StatusCode.OK, name)
            elif name == "Renew":
                self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)  # of no request, by somebody who may
            else:
                self.assertEqual(code, grpc.StatusCode.PERMISSION_DENIED, name)
        self.everything_is_as_before()

    def test_a_role_is_not_the_next(self):
        viewer, operator = self.mesh.token_of("vera", "viewer"), self.mesh.token_of("otto", "operator")
        for service, name in CALLS:
            if name in ADMINS | OPERATORS | FOR_OTHERS:
                self.assertEqual(self.code(service, name, token=viewer), grpc.StatusCode.PERMISSION_DENIED, name)
            if name in ADMINS | FOR_OTHERS:
                self.assertEqual(self.code(service, name, token=operator), grpc.StatusCode.PERMISSION_DENIED, name)
            if name not in ADMINS | OPERATORS | OPEN | FOR_OTHERS | {"Probe", "GetArtifact"}:
                self.assertEqual(self.code(service, name, token=viewer), grpc.StatusCode.OK, name)
        self.everything_is_as_before()
        self.assertEqual(self.code(SERVICES[0], "Start", token=operator), grpc.StatusCode.OK)

    def test_a_role_counts_in_its_projects_only(self):
        # A name is no prefix of another, and no pattern.
        for user, projects in (("pia", ["foo"]), ("paul", ["fooba", "foobar2", "FOOBAR"])):
            for role in ("operator", "admin"):
                token = self.mesh.token_of(user, role, *projects)
                for service, name in CALLS:
                    if name in OF_A_RUN | OF_A_FILE | OPERATORS | ADMINS | FOR_OTHERS:
                        self.assertEqual(self.code(service, name, token=token), grpc.StatusCode.PERMISSION_DENIED, f"{name} as {role} of {projects}")
        self.everything_is_as_before()
        self.succeeded(self.mesh.log_in(self.mesh.token_of("pia", "operator", "foo")))
        self.assertEqual(self.mesh.cromt("projects", "-o", "quiet").out, "foo\n")
        self.assertEqual(self.mesh.cromt("runs", "-o", "quiet").out, "")
        self.exited(3, self.mesh.cromt("start", "foobar"))
        self.exited(3, self.mesh.cromt("logs", self.run))
        done = self.mesh.cromt("start", "foo", "--follow")
        self.succeeded(done)
        self.says(done.out, "of foo\n")
        self.assertEqual(len(self.mesh.cromt("runs", "-o", "quiet").out.splitlines()), 1)
        self.assertEqual(self.mesh.show("last")["project"], "foo")
        self.assertNotIn("foobar", self.mesh.cromt("history").out)

    def test_a_name_that_a_call_gives_itself_counts_for_nothing(self):
        token = self.mesh.token_of("otto", "operator")
        client = self.mesh.client(SERVICES[0], token=token)
        run = client.call("Start", project="foo", request_id="r1", author="admin").run_id
        self.assertEqual(client.call("GetRun", run=run).author, "otto")

    def test_who_follows_is_let_go_once_he_may_not_any_more(self):
        self.mesh.apply(f"projects:\n  long:\n    run: echo begun; sleep 1000\n    hosts: [{{url: 'http://{self.host.address}'}}]\n", "long.yaml")
        token = self.mesh.token_of("vera", "viewer")
        run = self.mesh.start("long")
        client = self.mesh.client(SERVICES[0], token=token)
        output = client.call("RunLogs", run=run, follow=True, timeout=60)
        self.assertEqual(next(output).data, b"begun\n")
        self.succeeded(self.mesh.cromt("users", "remove", "vera"))
        ended = []
        wait_for("the call ends", lambda: ended or ended.append(list(output)) or True)
        self.assertEqual(self.code(SERVICES[0], "ListRuns", token=token), grpc.StatusCode.PERMISSION_DENIED)
        self.mesh.cromt("cancel", run)


if __name__ == "__main__":
    main()
