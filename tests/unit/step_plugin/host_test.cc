// The plugins that change the host (user, group, service, package-generic), run by the real cromt-step over programs
// that only say how they are called.
#include "scenario_fixture.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Host : public ScenarioTest {
 protected:
  // What is printed by programs of the host, over fakes; with "error: " in front if the scenario failed.
  std::string Said(const std::string& scenario) {
    StepResult result = Run(scenario, WithFakes());
    return (result.code == 0 ? "" : "error: " + result.err + result.notes) + result.out;
  }
};

// ---- user ----------------------------------------------------------------------------------------

class User : public Host {
 protected:
  void SetUp() override {
    for (const char* program : {"useradd", "usermod", "userdel"}) FakeThatSaysHow(program);
    Fake("chpasswd", "sed 's/^/chpasswd reads: /'");
    // bob is there; whoever useradd made would be, too, as the last word of `id` is not asked about by -u.
    Fake("id", "case $1 in -u) [ \"$2\" = bob ] ;; -un) echo me ;; *) echo \"uid of $1\" ;; esac");
    Fake("getent", "exit 2");
  }
};

TEST_F(User, IsCreated) {
  EXPECT_EQ(Said("user 'eve';"), "execute: useradd -m eve\nuseradd <-m> <eve>\nuid of eve\nuser eve created\n");
  EXPECT_THAT(
      Said("user 'eve', %( uid => 7, gid => 'g', groups => 'a,b', home_dir => '/h h', password => 'p:$(x) \"' );"),
      HasSubstr("useradd <-m> <-d> </h h> <-u> <7> <-g> <g> <-G> <a,b> <eve>\n"
                "set password\nchpasswd reads: eve:p:$(x) \"\n"));
  EXPECT_THAT(Said("user 'eve', %( managehome => 'no' );"), HasSubstr("useradd <-M> <eve>\n"));
}

TEST_F(User, ThatIsThereIsChanged) {
  EXPECT_THAT(Said("user 'bob', %( uid => '8', home_dir => '/b' );"),
              HasSubstr("usermod <-u> <8> <-m> <-d> </b> <bob>\n"));
  EXPECT_EQ(Said("user-create 'bob';"), "user bob - nothing changed\nuid of bob\n");
}

TEST_F(User, IsDeleted) {
  EXPECT_THAT(Said("user-delete 'bob';"), HasSubstr("userdel <-r> <bob>\nuser bob removed\n"));
  EXPECT_EQ(Said("user-delete 'eve';"), "user eve does not exist\n");
}

TEST_F(User, NothingPassesForAnOptionOrASecondLine) {
  for (const char* parameters :
       {"name => '-r'", "name => 'a b'", "name => '$(touch INJECTED)'", "name => \"a\nb\"", "name => ''",
        "name => 'a/../b'", "name => 'eve', uid => '0 -o'", "name => 'eve', gid => '-x'",
        "name => 'eve', groups => 'a,-x'", "name => 'eve', groups => 'a b'", "name => 'eve', home_dir => '-x'",
        "name => 'eve', new_login => '-x'", "name => 'eve', password => \"x\nroot:y\"",
        "name => 'eve', managehome => 'maybe'", "name => 'eve', action => 'x'"})
    EXPECT_THAT(Said("task-run 't', 'user', %( " + std::string(parameters) + " );"),
                HasSubstr("error: the parameter '"))
        << parameters;
}

TEST_F(User, AFailureOfTheHostIsOne) {
  FakeThatSaysHow("useradd", "exit 9");
  EXPECT_THAT(Said("user 'eve', %( password => 'p' );"),
              ::testing::AllOf(HasSubstr("error: "), Not(HasSubstr("chpasswd"))));
}

// ---- group ---------------------------------------------------------------------------------------

TEST_F(Host, GroupsComeAndGo) {
  FakeThatSaysHow("groupadd");
  FakeThatSaysHow("groupdel");
  Fake("getent", "[ \"$1 $2\" = 'group there' ]");
  EXPECT_EQ(Said("group 'new';"), "groupadd <-f> <new>\ncreate group new\n");
  EXPECT_EQ(Said("group-create 'there';"), "group there already exists\n");
  EXPECT_EQ(Said("group-delete 'there';"), "groupdel <there>\ndelete group there\n");
  EXPECT_EQ(Said("group-delete 'new';"), "group new does not exist\n");
  EXPECT_EQ(Said("for <there new> -> $g { my %s = task-run 't', 'group', %( name => $g, action => 'exists' );\n"
                 "if %s<exists> { say 'yes' } else { say 'no' } }"),
            "group exists\nyes\ngroup not exists\nno\n");
  for (const char* name : {"-f", "a b", "$(touch INJECTED)", ""})
    EXPECT_THAT(Said("task-run 't', 'group', %( name => " + Literal(name) + " );"),
                HasSubstr("error: the parameter 'name'"));
}

// ---- service -------------------------------------------------------------------------------------

class Service : public Host {
 protected:
  void SetUp() override {
    FakeThatSaysHow("rc-service", "[ \"$2\" != status ] || [ -e running ]");
    FakeThatSaysHow("systemctl");
    FakeThatSaysHow("rc-update");
  }
};

TEST_F(Service, StartsAndStopsAndIsLookedAtAfter) {
  repository_.Write("running", "");
  EXPECT_THAT(Said("service-start 'nginx';"),
              HasSubstr("service: nginx\nrc-service <nginx> <start>\nrc-service <nginx> <status>\n{nginx} running\n"));
  EXPECT_THAT(Said("service-restart 'nginx';"), HasSubstr("rc-service <nginx> <restart>\n"));
  EXPECT_THAT(Said("service-stop 'nginx';"), HasSubstr("error: nginx still runs after its stop"));
  std::filesystem::remove(Path("running"));
  EXPECT_THAT(Said("service-stop 'nginx';"),
              HasSubstr("rc-service <nginx> <stop>\nrc-service <nginx> <status>\n{nginx} stopped\n"));
  EXPECT_THAT(Said("service-start 'nginx';"), HasSubstr("error: nginx does not run after its start"));
}

TEST_F(Service, StartsWithTheHostOrNot) {
  EXPECT_THAT(Said("service-enable 'nginx';"), HasSubstr("systemctl <enable> <nginx>\ndone\n"));
  EXPECT_THAT(Said("service 'nginx', %( action => 'disable' );"), HasSubstr("systemctl <disable> <nginx>\ndone\n"));
  FakeThatSaysHow("systemctl", "exit 4");
  EXPECT_THAT(Said("service-enable 'nginx';"), Not(HasSubstr("done")));
}

TEST_F(Service, NothingPassesForAnOptionOrAPath) {
  for (const char* name : {"--now", "../x", "/etc/x", "a b", "$(touch INJECTED)", "x\ny", ""}) {
    const std::string said = Said("task-run 't', 'service', %( action => 'start', service => " + Literal(name) + " );");
    EXPECT_THAT(said, HasSubstr("error: the parameter 'service'"));
    EXPECT_THAT(said, Not(HasSubstr("rc-service")));
  }
  EXPECT_THAT(Said("service 'x', %( action => 'mask' );"),
              HasSubstr("is start, stop, restart, enable or disable, not 'mask'"));
}

// ---- package-generic -----------------------------------------------------------------------------

class Packages : public Host {
 protected:
  void SetUp() override {
    FakeThatSaysHow("apt-get");
    Fake("dpkg-query", "for last; do :; done; [ \"$last\" = there ] && echo installed");
  }
};

TEST_F(Packages, WhatIsMissingIsInstalledAtOnce) {
  EXPECT_EQ(Said("package-install 'a there  g++';"),
            "installer - apt-get\nthere is installed\ntrying to install a g++ ...\n"
            "apt-get <install> <-y> <-qq> <--> <a> <g++>\n");
  EXPECT_THAT(Said("package-install ('a', 'b');"), HasSubstr("<--> <a> <b>\n"));
  EXPECT_EQ(Said("package-install 'there';"), "installer - apt-get\nthere is installed\n");
  FakeThatSaysHow("apt-get", "exit 100");
  EXPECT_THAT(Said("package-install 'a';"), HasSubstr("error: "));
}

TEST_F(Packages, ByTheNameOfTheSystem) {
  EXPECT_THAT(Said("package-install %( os() => 'mine', 'other-os' => 'theirs' );"), HasSubstr("<--> <mine>\n"));
  EXPECT_THAT(Said("task-run 't', 'package-generic', %( list => %( os() => ['a', 'b'] ) );"),
              HasSubstr("<--> <a> <b>\n"));
  EXPECT_THAT(Said("package-install %( 'other-os' => 'theirs' );"), HasSubstr("no packages for "));
}

TEST_F(Packages, NothingPassesForAnOptionOrForARemoval) {
  for (const char* list : {"-o=x", "a --purge", "nano-", "$(touch INJECTED)", "a;b", "../x.deb", "/x.deb"}) {
    const std::string said = Said("package-install " + Literal(list) + ";");
    EXPECT_THAT(said, HasSubstr("error: this is no package: "));
    EXPECT_THAT(said, Not(HasSubstr("apt-get <")));
  }
}

TEST_F(Packages, AutoremoveIsAptGets) {
  EXPECT_EQ(Said("task-run 't', 'package-generic', %( action => 'autoremove' );"),
            "apt-get <autoremove> <-y> <-qq>\nautoremove-done\n");
}

}  // namespace
}  // namespace cromt::step
