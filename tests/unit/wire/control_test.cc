// Views of runs on the wire.
#include "io/wire/control.h"

#include <gtest/gtest.h>

#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

TaskView OverTheWire(const TaskView& view) {
  v1::Task proto, received;
  ToProto(view, proto);
  EXPECT_TRUE(received.ParseFromString(proto.SerializeAsString()));
  return FromProto(received).value();
}

TEST(ControlOnTheWire, WhatATaskIsConfinedTo) {
  const TaskSpec spec = FullSpec();
  TaskView view{.index = 3, .name = "build", .image_digest = "tool@sha256:1"};
  view.confined = std::make_shared<const ConfinedView>(ConfinedBy(spec));
  const TaskView read = OverTheWire(view);
  ASSERT_TRUE(read.confined);
  EXPECT_EQ(*read.confined, *view.confined);
  EXPECT_EQ(read.image_digest, view.image_digest);
}

TEST(ControlOnTheWire, WhoIsNotConfinedTakesNoRoomForIt) {
  v1::Task proto;
  ToProto(TaskView{.name = "build"}, proto);
  EXPECT_FALSE(proto.has_container());
  EXPECT_FALSE(proto.has_limits());
  EXPECT_EQ(OverTheWire({.name = "build"}).confined, nullptr);
  TaskView limited{.name = "build"};
  limited.confined = std::make_shared<const ConfinedView>(ConfinedView{.limits = {.pids = 5}});
  EXPECT_EQ(*OverTheWire(limited).confined, *limited.confined);
  TaskView strict{.name = "build"};
  strict.confined = std::make_shared<const ConfinedView>(ConfinedView{.confinement = {"deploy", Sandbox::kStrict}});
  EXPECT_EQ(*OverTheWire(strict).confined, *strict.confined);
}

TEST(ControlOnTheWire, AContainerThatIsNoneIsRefused) {
  v1::Task proto;
  ToProto(TaskView{.name = "build"}, proto);
  proto.mutable_container()->set_image("a b");
  EXPECT_FALSE(FromProto(proto));
}

}  // namespace
}  // namespace cromt::wire
