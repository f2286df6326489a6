#include "mail/reply.h"

#include <gtest/gtest.h>

#include "mail/stored_message.h"

namespace mailweir {
namespace {

TEST(EnhancedStatusText, RoundTrips) {
  for (const char* text : {"2.0.0", "4.7.500", "5.1.1", "5.999.999"}) {
    const auto status = parse_enhanced_status(text);
    ASSERT_TRUE(status) << text;
    EXPECT_EQ(to_string(*status), text);
  }
}

TEST(EnhancedStatusText, EndsAtWhiteSpaceOrTheEnd) {
  EXPECT_EQ(parse_enhanced_status("4.7.0 Try later"), (EnhancedStatus{4, 7, 0}));
  EXPECT_EQ(parse_enhanced_status("4.7.0\nsecond line"), (EnhancedStatus{4, 7, 0}));
  for (const char* bad :
       {"", "4", "4.7", "4.7.", "4..0", ".7.0", "3.0.0", "6.0.0", "4.7.0.1", "4.7.0x", "4.1234.0",
        "4.0.1234", "-4.7.0", " 4.7.0", "44.7.0", "4,7,0", "5.1.1: no", "#5.1.1"}) {
    EXPECT_FALSE(parse_enhanced_status(bad)) << bad;
  }
}

TEST(ReplyDisplay, JoinsLinesAndEscapes) {
  EXPECT_EQ(to_display(Reply{451, EnhancedStatus{4, 7, 500}, "4.7.500 Server busy"}),
            "451 4.7.500 Server busy");
  EXPECT_EQ(to_display(Reply{550, {}, "one\ntwo\n\nfour"}), "550 one / two /  / four");
  EXPECT_EQ(to_display(Reply{250, {}, ""}), "250");
  EXPECT_EQ(to_display(Reply{550, {}, "\x1B[2J\r\xFF 宛先"}), "550 \\x1B[2J\\x0D\\xFF 宛先");
  EXPECT_EQ(to_display(Reply{}), "no reply");
}

TEST(ReplyClass, FollowsTheFirstDigit) {
  EXPECT_TRUE((Reply{250, {}, {}}.is_positive()));
  EXPECT_TRUE((Reply{354, {}, {}}.is_intermediate()));
  EXPECT_TRUE((Reply{421, {}, {}}.is_transient()));
  EXPECT_TRUE((Reply{554, {}, {}}.is_permanent()));
  const Reply none;
  EXPECT_FALSE(none.is_positive() || none.is_intermediate() || none.is_transient() ||
               none.is_permanent());
}

TEST(TooManyRecipients, IsWhatTheEnhancedStatusDoesNotDeny) {
  EXPECT_TRUE(says_too_many_recipients({452, {}, "too many"}));
  EXPECT_TRUE(says_too_many_recipients({552, {}, "too many"}));
  EXPECT_TRUE(says_too_many_recipients({452, EnhancedStatus{4, 5, 3}, "4.5.3 too many"}));
  EXPECT_TRUE(says_too_many_recipients({552, EnhancedStatus{5, 5, 3}, "5.5.3 too many"}));
  EXPECT_FALSE(says_too_many_recipients({552, EnhancedStatus{5, 2, 2}, "5.2.2 mailbox full"}));
  EXPECT_FALSE(says_too_many_recipients({452, EnhancedStatus{4, 3, 1}, "4.3.1 disk full"}));
  EXPECT_FALSE(says_too_many_recipients({451, {}, "too many"}));
}

TEST(PhaseText, RoundTripsForEveryPhase) {
  for (int i = 0; i <= static_cast<int>(Phase::quit); ++i) {
    const auto phase = static_cast<Phase>(i);
    EXPECT_EQ(parse_phase(to_string(phase)), phase);
  }
  EXPECT_EQ(to_string(Phase::end_of_data), "end_of_data");
  EXPECT_FALSE(parse_phase("Data"));
}

TEST(DispositionText, NamesEachAndKnowsTheFinalOnes) {
  EXPECT_EQ(to_string(Disposition::queued), "queued");
  EXPECT_EQ(to_string(Disposition::deferred), "deferred");
  EXPECT_EQ(to_string(Disposition::held), "held");
  EXPECT_EQ(to_string(Disposition::delivered), "delivered");
  EXPECT_EQ(to_string(Disposition::bounced), "bounced");
  EXPECT_EQ(to_string(Disposition::expired), "expired");
  EXPECT_EQ(to_string(Disposition::suppressed), "suppressed");
  EXPECT_EQ(to_string(Disposition::deleted), "deleted");
  EXPECT_FALSE(is_final(Disposition::held));
  EXPECT_TRUE(is_final(Disposition::delivered));
}

}  // namespace
}  // namespace mailweir
