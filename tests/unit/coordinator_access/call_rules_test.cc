// Each call of the coordinator has a rule, by the contract itself.
#include "coordinator/access/call_rules.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

#include "cromt/v1/access.pb.h"
#include "cromt/v1/coordinator.pb.h"
#include "cromt/v1/debug.pb.h"
#include "cromt/v1/schedule.pb.h"
#include "cromt/v1/secrets.pb.h"

namespace cromt {
namespace {

TEST(CallRulesTest, EachCallHasOneAndNoneIsLeftOver) {
  std::set<std::string> calls;
  for (const google::protobuf::FileDescriptor* file :
       {v1::StartRequest::descriptor()->file(), v1::WhoAmIRequest::descriptor()->file(),
        v1::SetSecretRequest::descriptor()->file(), v1::PauseRequest::descriptor()->file(),
        v1::BundleRequest::descriptor()->file()})
    for (int s = 0; s < file->service_count(); ++s)
      for (int m = 0; m < file->service(s)->method_count(); ++m)
        calls.insert(file->service(s)->name() + "/" + file->service(s)->method(m)->name());
  EXPECT_GE(calls.size(), 30u);
  for (const std::string& call : calls) EXPECT_NE(RuleOf(call), nullptr) << call << " has no rule";
  for (const CallRule& rule : CallRules()) EXPECT_TRUE(calls.erase(std::string(rule.method))) << rule.method;
  EXPECT_EQ(RuleOf("CoordinatorService/Star"), nullptr);
  EXPECT_EQ(RuleOf("CoordinatorService/Start/"), nullptr);
}

TEST(CallRulesTest, WhatConcernsTheMeshIsForAdmins) {
  for (const CallRule& rule : CallRules())
    EXPECT_TRUE(rule.scope != CallScope::kMesh || rule.least == Role::kAdmin) << rule.method;
}

Principal With(Role role, std::set<std::string, std::less<>> projects) {
  return {"ann", role, projects.empty(), std::move(projects), false};
}

TEST(PrincipalTest, ARoleCountsWhereItIsGiven) {
  EXPECT_TRUE(HasRoleIn(With(Role::kOperator, {}), Role::kOperator, "any"));
  EXPECT_TRUE(HasRoleIn(With(Role::kOperator, {"foo"}), Role::kViewer, "foo"));
  EXPECT_FALSE(HasRoleIn(With(Role::kOperator, {"foo"}), Role::kAdmin, "foo"));
  for (const char* other : {"foobar", "fo", "Foo", "", "*", "foo "})
    EXPECT_FALSE(HasRoleIn(With(Role::kOperator, {"foo"}), Role::kViewer, other)) << other;
  EXPECT_FALSE(HasRoleInAll(With(Role::kAdmin, {"foo"}), Role::kAdmin));
  EXPECT_FALSE(HasRoleIn(With(Role::kViewer, {"*"}), Role::kViewer, "foo"));
}

}  // namespace
}  // namespace cromt
