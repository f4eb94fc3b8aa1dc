#!/usr/bin/python3
"""Each rule of check.py fires on a planted violation, and only there: a rule that can't fail protects nothing."""

import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import rules  # noqa: E402
from check import check  # noqa: E402
from source import Tree, code_of  # noqa: E402

# Pieces, so that this file passes the rule about foreign names.
SLASH_WORK = "/wo" + "rk/main"
HEADER = "// What it is.\n#pragma once\n"


def found(files):
    """(path, line, rule) of all findings, and their messages, in a tree of these files."""
    findings = check(Tree(files))
    return [(f.path, f.line, f.rule) for f in findings], " | ".join(f.message for f in findings)


def listed(path, text):
    """The file, named by a CMakeLists.txt."""
    folder, name = os.path.split(path)
    return {path: text, f"{folder}/CMakeLists.txt": f"cromt_library(x SOURCES {name})\n"}


class StyleTest(unittest.TestCase):
    def expect(self, files, findings, *words):
        places, messages = found(files)
        self.assertEqual(places, findings, messages)
        for word in words:
            self.assertIn(word, messages)

    def expect_in_file(self, path, text, line, rule, *words):
        self.expect(listed(path, text) if path.endswith(".cc") else {path: text}, [(path, line, rule)], *words)

    def expect_clean(self, path, text):
        self.expect(listed(path, text) if path.endswith(".cc") else {path: text}, [])


class Layers(StyleTest):
    def test_layers_in_order_are_clean(self):
        self.expect_clean("lib/core/a.cc", '#include <vector>\n#include "base/time.h"\n#include "core/model.h"\n')
        self.expect_clean("lib/io/rpc/a.cc", '#include "core/plan.h"\n#include "cromt/v1/agent.pb.h"\n#include "io/log/log.h"\n')
        self.expect_clean("agent/a.cc", '#include "agent/launcher/protocol.h"\n#include "io/blob/store.h"\n')
        self.expect_clean("cli/embed/a.cc", '#include "agent/agent.h"\n#include "coordinator/loop.h"\n')
        self.expect_clean("agent/step/a.cc", '#include "agent/step/marks.h"\n#include "io/seglog/frame.h"\n#include "base/bytes.h"\n')

    def test_tests_and_benchmarks_see_everything(self):
        self.expect_clean("tests/unit/a.cc", '#include "agent/agent.h"\n#include "coordinator/loop.h"\n#include <grpcpp/grpcpp.h>\n')

    def test_a_lower_layer_that_looks_up_is_told_where_it_belongs(self):
        self.expect_in_file("lib/base/a.cc", '#include "core/plan.h"\n', 1, "layer", "belongs in lib/core/")
        self.expect_in_file("lib/core/a.cc", '\n#include "io/git/mirror.h"\n', 2, "layer", "belongs in lib/io/")
        self.expect_in_file("lib/io/git/a.cc", '#include "coordinator/loop.h"\n', 1, "layer", "belongs in coordinator/")
        self.expect_in_file("coordinator/a.cc", '#include "cli/output.h"\n', 1, "layer", "belongs in cli/")
        self.expect_in_file("lib/core/a.cc", '#include "cromt/v1/agent.pb.h"\n', 1, "layer", "belongs in lib/io/")

    def test_agent_and_coordinator_do_not_see_each_other(self):
        self.expect_in_file("agent/a.cc", '#include "coordinator/loop.h"\n', 1, "layer", "belongs in cli/")
        self.expect_in_file("coordinator/a.cc", '#include "agent/launcher/protocol.h"\n', 1, "layer")

    def test_the_static_programs_see_only_base_and_seglog(self):
        self.expect_in_file("agent/launcher/a.cc", '#include "core/model.h"\n', 1, "layer", "belongs in agent/")
        self.expect_in_file("agent/launcher/a.cc", '#include "agent/step/marks.h"\n', 1, "layer")
        self.expect_in_file("agent/step/a.cc", '#include "io/blob/store.h"\n', 1, "layer")
        self.expect_in_file("agent/step/a.cc", '#include "agent/workspace.h"\n', 1, "layer")

    def test_includes_start_at_the_roots(self):
        self.expect_in_file("lib/core/a.cc", '#include "plan.h"\n', 1, "include-root", "folder/name.h")
        self.expect_in_file("lib/core/a.cc", '#include "../base/time.h"\n', 1, "include-root")

    def test_an_include_in_a_comment_is_no_include(self):
        self.expect_clean("lib/core/a.cc", '// #include "io/git/mirror.h"\n/*\n#include <thread>\n*/\n')

    def test_core_is_pure(self):
        for name in ("thread", "mutex", "fstream", "sys/socket.h", "condition_variable", "unistd.h"):
            with self.subTest(name):
                self.expect_in_file("lib/core/a.cc", f"#include <{name}>\n", 1, "pure-core", "pure")
        self.expect_clean("lib/base/a.cc", "#include <mutex>\n#include <unistd.h>\n")
        self.expect_clean("lib/core/a.cc", "#include <chrono>\n#include <map>\n")

    def test_core_reads_no_clock(self):
        self.expect_in_file("lib/core/a.cc", "auto t = std::chrono::steady_clock::now();\n", 1, "pure-core", "parameter")
        self.expect_in_file("lib/core/a.cc", "int r = clock_gettime(CLOCK_BOOTTIME, &ts);\n", 1, "pure-core")
        self.expect_in_file("lib/core/a.cc", "SystemClock clock;\n", 1, "pure-core")

    def test_a_third_party_library_has_one_home(self):
        for name, home in (("yaml-cpp/yaml.h", "lib/io/yaml/"), ("git2.h", "lib/io/git/"), ("sqlite3.h", "coordinator/store/"),
                           ("archive.h", "lib/io/archive/"), ("spdlog/spdlog.h", "lib/io/log/")):
            with self.subTest(name):
                self.expect_in_file("agent/a.cc", f"#include <{name}>\n", 1, "third-party", home)
                self.expect_clean(home + "a.cc", f"#include <{name}>\n")
        core = listed("lib/core/a.cc", "#include <spdlog/spdlog.h>\n")
        self.expect(core, [("lib/core/a.cc", 1, "pure-core"), ("lib/core/a.cc", 1, "third-party")])

    def test_grpc_stays_in_the_sources_of_its_folders(self):
        self.expect_in_file("agent/session.cc", "#include <grpcpp/grpcpp.h>\n", 1, "grpc", "agent/service/")
        self.expect_in_file("coordinator/loop.cc", '#include "cromt/v1/agent.grpc.pb.h"\n', 1, "grpc")
        self.expect_in_file("lib/io/rpc/a.h", HEADER + "#include <grpcpp/channel.h>\n", 3, "grpc", "interface of our own")
        self.expect_clean("lib/io/rpc/a.cc", "#include <grpcpp/channel.h>\n")
        self.expect_clean("agent/service/a.h", "// Calls. Included by this folder's .cc files only.\n#pragma once\n#include <grpcpp/grpcpp.h>\n")
        self.expect_clean("agent/service/a.cc", '#include "cromt/v1/agent.grpc.pb.h"\n')


class Linking(StyleTest):
    LIBRARIES = {
        "lib/base/CMakeLists.txt": "cromt_library(cromt_base SOURCES DEPS fmt::fmt)\n",
        "lib/io/git/CMakeLists.txt": "cromt_library(cromt_git\n  SOURCES\n  DEPS cromt_base\n  PRIVATE_DEPS PkgConfig::LIBGIT2)  # cromt_loop\n",
        "coordinator/CMakeLists.txt": "cromt_library(cromt_loop DEPS cromt_git)\ncromt_program(cromt-coordinator DEPS cromt_loop)\n",
    }

    def test_linking_downwards_is_clean(self):
        self.expect(self.LIBRARIES, [])

    def test_a_library_does_not_link_a_higher_layer(self):
        core = {"lib/core/CMakeLists.txt": "\ncromt_library(cromt_core\n  SOURCES\n  DEPS cromt_base\n  PRIVATE_DEPS cromt_git)\n"}
        self.expect({**self.LIBRARIES, **core}, [("lib/core/CMakeLists.txt", 2, "link")], "cromt_git", "belongs in lib/io/")

    def test_target_link_libraries_is_seen_too(self):
        late = {"lib/io/log/CMakeLists.txt": "cromt_library(cromt_log)\ntarget_link_libraries(cromt_log PRIVATE cromt_loop)\n"}
        self.expect({**self.LIBRARIES, **late}, [("lib/io/log/CMakeLists.txt", 2, "link")], "cromt_loop")

    def test_the_launcher_does_not_link_the_agents_libraries(self):
        launcher = {"agent/launcher/CMakeLists.txt": "cromt_program(cromt-launcher STATIC DEPS cromt_git)\n"}
        self.expect({**self.LIBRARIES, **launcher}, [("agent/launcher/CMakeLists.txt", 1, "link")])

    def test_a_folder_does_not_compile_another_folders_source(self):
        self.expect({"agent/CMakeLists.txt": "cromt_library(x SOURCES ../lib/io/git/mirror.cc)\n"},
                    [("agent/CMakeLists.txt", 1, "link")], "link that folder's library")


class Calls(StyleTest):
    PLANTED = [
        ("lib/io/config/a.cc", "auto n = YAML::LoadFile(path);"),
        ("coordinator/a.cc", "int r = system(line);"),
        ("coordinator/a.cc", "FILE* f = ::popen(line, mode);"),
        ("agent/a.cc", "pid_t pid = fork();"),
        ("tests/unit/a.cc", "std::this_thread::sleep_for(limit);"),
        ("agent/a.cc", "usleep(10);"),
        ("lib/base/a.cc", "sprintf(buffer, format, x);"),
        ("lib/base/a.cc", "int n = atoi(text);"),
        ("lib/base/a.cc", "int n = std::stoi(text);"),
        ("lib/base/a.cc", "int n = rand();"),
        ("lib/base/a.cc", "auto* tm = gmtime(&t);"),
        ("agent/a.cc", "thread_.detach();"),
        ("cli/a.cc", "out << std::endl;"),
        ("lib/io/git/a.cc", "std::cout << 1;"),
        ("lib/io/git/a.cc", "printf(format);"),
    ]

    def test_each_banned_call_is_found(self):
        for path, code in self.PLANTED:
            with self.subTest(code):
                self.expect_in_file(path, "\n" + code + "\n", 2, "banned-call", "use ")

    def test_every_pattern_has_a_planted_call(self):
        for pattern, _, _, _ in rules.BANNED:
            self.assertTrue(any(re.search(pattern, code) for _, code in self.PLANTED), pattern)

    def test_comments_strings_members_and_longer_names_are_no_calls(self):
        self.expect_clean("lib/base/a.cc", "\n".join([
            "// sleep(1) and system(x)", 'auto s = "rand() // sleep(1)";', 'auto r = R"x(popen("ls") ")x";', "file.system(x);",
            "p->sleep(1);", "operand(x);", "snprintf(b, n, f);", "int big = 1'000'000; /* fork() */", "gmtime_r(&t, &tm);", ""]))

    def test_a_reason_in_a_comment_allows_one_call(self):
        self.expect_clean("tests/unit/a.cc", "usleep(1);  // style: allow usleep: the kernel gives no event for this\n")
        self.expect_clean("tests/unit/a.cc", "// style: allow sleep_for: no event for this\nstd::this_thread::sleep_for(x);\n")
        self.expect_in_file("tests/unit/a.cc", "// style: allow usleep:\nusleep(1);\n", 2, "banned-call")
        self.expect_in_file("tests/unit/a.cc", "// style: allow usleep: reason\n\nusleep(1);\n", 3, "banned-call")
        self.expect_in_file("tests/unit/a.cc", "// style: allow usleep: reason\nsystem(x);\n", 2, "banned-call")

    def test_the_launcher_may_fork_and_programs_may_print(self):
        self.expect_clean("agent/launcher/a.cc", "pid_t pid = fork();\n")
        self.expect_clean("cli/a.cc", "std::cout << 1;\n")


def function(lines, name="F"):
    return f"int {name}(int a,\n      int b) {{\n" + "  g();\n" * (lines - 3) + "}\n"


class Sizes(StyleTest):
    def test_a_file_has_at_most_600_lines(self):
        self.expect_clean("lib/base/a.cc", "int x;\n" * 600)
        self.expect_in_file("lib/base/a.cc", "int x;\n" * 601, 601, "file-length", "split")

    def test_a_function_has_at_most_100_lines(self):
        self.expect_clean("lib/base/a.cc", "namespace x {\n" + function(100) + "}\n")
        self.expect_in_file("lib/base/a.cc", "namespace x {\n" + function(101) + "}\n", 2, "function-length", "101 lines")

    def test_one_function_in_twenty_may_be_over_50_lines(self):
        short = "".join(function(4, f"S{i}") for i in range(60))
        self.expect_clean("lib/base/a.cc", short + "".join(function(52) for _ in range(3)))
        places, messages = found(listed("lib/base/a.cc", short + "".join(function(52) for _ in range(4))))
        self.assertEqual([rule for _, _, rule in places], ["function-length"])
        self.assertIn("4 of 64 functions", messages)

    def test_functions_are_told_from_other_braces(self):
        code = "namespace a {\nclass B {\n public:\n  int F() {\n    if (x) {\n    }\n  }\n};\nint v[] = {1};\nint g(int);\n}\n"
        self.assertEqual(list(rules.functions(code_of(code))), [(4, 4)])


class Files(StyleTest):
    def test_paths_of_one_machine_are_foreign(self):
        self.expect_in_file("docs/a.md", f"see\n`{SLASH_WORK}`\n", 2, "foreign-name", "one machine")
        self.expect_in_file("script/a", "cd /ro" + "ot/x\n", 1, "foreign-name")
        self.expect_clean("docs/a.md", "a network/work/x, ${DIR}/wo" + "rk/x and ./wo" + "rk/x are relative\n")

    def test_what_lies_outside_of_the_project_is_foreign(self):
        self.expect_in_file("docs/a.md", "see ../sha" + "red/spec\n", 1, "foreign-name", "outside")

    def test_registry_addresses_are_foreign(self):
        for host in ("http://de" + "b.debian.org/debian", "https://registry.np" + "mjs.org/", "https://py" + "pi.org/simple"):
            with self.subTest(host):
                self.expect_in_file("script/a", f"URL={host}\n", 1, "foreign-name", "registry")

    def test_a_test_that_no_list_names_is_found(self):
        self.expect({"tests/unit/core/a_test.cc": "", "tests/unit/core/CMakeLists.txt": "# a_test.cc\nx(my_a_test.cc a_test.cc.in)\n"},
                    [("tests/unit/core/a_test.cc", 1, "unlisted")], "test is never run")
        self.expect({"lib/base/a.cc": ""}, [("lib/base/a.cc", 1, "unlisted")], "source is never built")
        self.expect({"lib/io/git/sub/a.cc": "", "lib/io/git/CMakeLists.txt": "x(sub/a.cc)\n"}, [])

    def test_a_header_begins_with_a_comment_and_pragma_once(self):
        self.expect_clean("lib/base/a.h", HEADER)
        self.expect_in_file("lib/base/a.h", "#pragma once\n", 1, "header-comment")
        self.expect_in_file("lib/base/a.h", "// What it is.\n", 1, "pragma-once")

    def test_a_source_has_a_plain_name(self):
        self.expect({"lib/base/a b.h": HEADER}, [("lib/base/a b.h", 1, "file-name")])


if __name__ == "__main__":
    unittest.main(verbosity=0)
