#include "relay/suppression_list.h"

#include <gtest/gtest.h>

namespace mailweir::relay {
namespace {

Mailbox mailbox(std::string_view text) {
  return Mailbox::parse(text).value();
}

TEST(SuppressionList, HoldsAddressesAndDomainsWithoutRegardToCase) {
  const auto list =
      SuppressionList::parse("# left us\nGone@Example.com\r\n\n  @dead.example # all\n", "list");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 2U);
  EXPECT_TRUE(list->contains(mailbox("gone@example.com")));
  EXPECT_TRUE(list->contains(mailbox("GONE@EXAMPLE.COM")));
  EXPECT_TRUE(list->contains(mailbox("anybody@dead.example")));
  EXPECT_FALSE(list->contains(mailbox("here@example.com")));
  EXPECT_FALSE(list->contains(mailbox("anybody@not.dead.example")));
}

TEST(SuppressionList, NamesTheLineThatIsNoEntry) {
  const auto list = SuppressionList::parse("a@example.com\nnot an address\n", "suppressed.txt");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Errc::invalid_argument);
  EXPECT_NE(list.error().context.find("suppressed.txt:2: \"not an address\""), std::string::npos)
      << list.error().context;
}

TEST(SuppressionList, SaysWhichFileCannotBeRead) {
  const auto list = SuppressionList::read("/nonexistent/list");
  ASSERT_FALSE(list);
  EXPECT_NE(list.error().context.find("/nonexistent/list"), std::string::npos);
}

}  // namespace
}  // namespace mailweir::relay
