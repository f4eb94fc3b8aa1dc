// What agent and cromt-container tell each other by files is read as it was written.
#include "agent/container/order.h"

#include <gtest/gtest.h>

namespace cromt::container {
namespace {

TEST(ContainerOrder, AnEntryIsReadAsItWasWritten) {
  Order order{.engine = "unix:///e", .image = "db", .records = true, .grace = seconds(3)};
  order.entry = EntryOrder{.name = "db",
                           .refusal = "no",
                           .place = "/.p",
                           .argv = {"/.p/step", "a b"},
                           .env = {"A=b\nc"},
                           .user = "1:2",
                           .mark = "m/1",
                           .workspace = "/w",
                           .step = "/s",
                           .script = "/x"};
  const auto read = OrderFromJson(*ToJson(order));
  ASSERT_TRUE(read && read->entry);
  EXPECT_EQ(read->entry->argv, order.entry->argv);
  EXPECT_EQ(read->entry->env, order.entry->env);
  EXPECT_EQ(read->entry->refusal, "no");
  EXPECT_EQ(*ToJson(*read), *ToJson(order));
  order.entry.reset();
  EXPECT_FALSE(OrderFromJson(*ToJson(order))->entry);
}

TEST(ContainerOrder, AVisitIsReadAsItWasWritten) {
  const auto read = VisitNoteFromJson(ToJson(VisitNote{"id", "/.p", "app", "m/1", "/s"}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->container + read->place + read->user + read->mark + read->step, "id/.pappm/1/s");
  EXPECT_FALSE(VisitNoteFromJson("{}"));
  EXPECT_FALSE(VisitNoteFromJson("half of i"));
}

}  // namespace
}  // namespace cromt::container
