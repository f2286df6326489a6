#include "mail/mailbox.h"

#include <gtest/gtest.h>

namespace mailweir {
namespace {

TEST(Mailbox, SplitsAtTheAtSignAndLowersTheDomainOnly) {
  const Mailbox mailbox = Mailbox::parse("Jane.Doe+Tag@MX.Example.COM").value();
  EXPECT_EQ(mailbox.local_part(), "Jane.Doe+Tag");
  EXPECT_EQ(mailbox.domain(), "mx.example.com");
  EXPECT_EQ(mailbox.text(), "Jane.Doe+Tag@mx.example.com");
  EXPECT_TRUE(mailbox.is_ascii());
}

TEST(Mailbox, EmptyIsTheNullPath) {
  const Mailbox empty;
  EXPECT_TRUE(empty.empty());
  EXPECT_EQ(empty.local_part(), "");
  EXPECT_EQ(empty.domain(), "");
}

TEST(Mailbox, AcceptsWhatTheStandardAllows) {
  for (const char* text :
       {"a@b", "a@localhost", "a@b.c", "a.b.c@d.e", "o'brien@example.ie",
        "#$&'*+-/=?^_`{|}~@example.com", "\"a b\"@example.com", "\"a\\\"b\"@example.com",
        "\"a\\\\\"@example.com", "\"..\"@example.com", "prvs=0123abc=user@example.com",
        "bounces+user=example.org@example.com", "a@1.example", "a@3com.com", "a@a-b.example",
        "a@a_b.example", "a@xn--bcher-kva.example"}) {
    const auto mailbox = Mailbox::parse(text);
    ASSERT_TRUE(mailbox) << text << " " << mailbox.error().context;
    EXPECT_EQ(mailbox->text(), text);
    EXPECT_EQ(Mailbox::parse(mailbox->text()).value(), *mailbox);
  }
}

TEST(Mailbox, RefusesAndNamesThePart) {
  const struct {
    const char* text;
    const char* part;
  } cases[] = {
      {"", "address"},
      {"a", "address"},
      {"postmaster", "address"},
      {"@b", "address"},
      {"@relay.example:a@b", "address"},
      {"<a@b>", "local-part"},
      {"a b@c", "local-part"},
      {".a@b", "local-part"},
      {"a.@b", "local-part"},
      {"a..b@c", "local-part"},
      {"a@b@c", "local-part"},
      {"a%b@c", "local-part"},
      {"host!a@c", "local-part"},
      {"a(c)@b", "local-part"},
      {"a,b@c", "local-part"},
      {"a\\b@c", "local-part"},
      {"a\r\n@b", "local-part"},
      {"a\x7F@b", "local-part"},
      {"\"\"@b", "local-part"},
      {"\"a@b", "local-part"},
      {"\"a\"b@c", "local-part"},
      {"\"a\"", "address"},
      {"\"a\"x", "address"},
      {"\"a@b\"@c", "local-part"},
      {"\"a%b\"@c", "local-part"},
      {"\"a!b\"@c", "local-part"},
      {"\"a\\@b\"@c", "local-part"},
      {"\"a\nb\"@c", "local-part"},
      {"\"a\\\x01\"@c", "local-part"},
      {"\"a\\", "address"},
      {"\"@\\", "local-part"},
      {"a@", "domain"},
      {"a@.", "domain"},
      {"a@.b", "domain"},
      {"a@b..c", "domain"},
      {"a@b..", "domain"},
      {"a@-b", "domain"},
      {"a@b-.c", "domain"},
      {"a@b c", "domain"},
      {"a@b>", "domain"},
      {"a@b\r\nRCPT TO:<x@y>", "local-part"},
      {"a@192.0.2.1", "domain"},
      {"a@b.7", "domain"},
      {"a@b,c", "domain"},
      {"a@b:25", "domain"},
      {"a@b/c", "domain"},
      {"a@*.b", "domain"},
  };
  for (const auto& c : cases) {
    const auto mailbox = Mailbox::parse(c.text, AddressCharset::utf8);
    ASSERT_FALSE(mailbox) << c.text;
    EXPECT_EQ(mailbox.error().code, Errc::invalid_argument);
    EXPECT_EQ(mailbox.error().context.substr(0, mailbox.error().context.find(':')), c.part)
        << c.text << " → " << mailbox.error().context;
  }
}

TEST(Mailbox, RefusesNulAnywhere) {
  EXPECT_FALSE(Mailbox::parse(std::string_view("a\0@b", 4)));
  EXPECT_FALSE(Mailbox::parse(std::string_view("a@b\0", 4)));
  EXPECT_FALSE(Mailbox::parse(std::string_view("\"a\0\"@b", 6)));
  EXPECT_FALSE(Mailbox::parse(std::string_view("a@[192.0.2.1\0]", 14)));
}

TEST(Mailbox, HoldsTheLimitsOfTheStandard) {
  const std::string local(64, 'l');
  EXPECT_TRUE(Mailbox::parse(local + "@example.com"));
  EXPECT_FALSE(Mailbox::parse("l" + local + "@example.com"));
  EXPECT_TRUE(Mailbox::parse("\"" + std::string(62, 'q') + "\"@example.com"));
  EXPECT_FALSE(Mailbox::parse("\"" + std::string(63, 'q') + "\"@example.com"));
  const std::string label(63, 'd');
  EXPECT_TRUE(Mailbox::parse("a@" + label + ".example"));
  EXPECT_FALSE(Mailbox::parse("a@d" + label + ".example"));
  const std::string whole = local + "@" + label + "." + label + "." + std::string(61, 'e');
  ASSERT_EQ(whole.size(), 254U);
  EXPECT_TRUE(Mailbox::parse(whole));
  EXPECT_FALSE(Mailbox::parse(whole + "e"));
}

TEST(Mailbox, DropsOneTrailingDotOfTheDomain) {
  EXPECT_EQ(Mailbox::parse("a@example.com.").value().text(), "a@example.com");
}

TEST(Mailbox, WritesAddressLiteralsInOneWay) {
  EXPECT_EQ(Mailbox::parse("a@[192.0.2.1]").value().domain(), "[192.0.2.1]");
  EXPECT_EQ(Mailbox::parse("a@[ipv6:2001:DB8:0:0::1]").value().domain(), "[IPv6:2001:db8::1]");
  EXPECT_EQ(Mailbox::parse("a@[IPv6:::ffff:192.0.2.1]").value().domain(),
            "[IPv6:::ffff:192.0.2.1]");
  for (const char* bad :
       {"a@[]", "a@[", "a@]", "a@[192.0.2]", "a@[192.0.2.256]", "a@[192.0.2.01]", "a@[192.0.2.1",
        "a@[192.0.2.1].", "a@[192.0.2.1]x", "a@[2001:db8::1]", "a@[IPv6:192.0.2.1]", "a@[IPv6:]",
        "a@[IPv6:fe80::1%eth0]", "a@[x-tag:foo]", "a@[ 192.0.2.1]", "a@[[192.0.2.1]]",
        "a@[0x7f.0.0.1]", "a@[IPv6:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]"}) {
    EXPECT_FALSE(Mailbox::parse(bad)) << bad;
  }
}

TEST(Mailbox, TakesUtf8OnlyWhenDeclared) {
  EXPECT_FALSE(Mailbox::parse("用户@example.com"));
  EXPECT_FALSE(Mailbox::parse("user@例え.テスト"));
  const Mailbox mailbox = Mailbox::parse("用户@例え.テスト", AddressCharset::utf8).value();
  EXPECT_EQ(mailbox.local_part(), "用户");
  EXPECT_EQ(mailbox.domain(), "例え.テスト");
  EXPECT_FALSE(mailbox.is_ascii());
  EXPECT_TRUE(Mailbox::parse("\"用 户\"@example.com", AddressCharset::utf8));
}

TEST(Mailbox, RefusesBrokenUtf8AndUnseenControls) {
  for (const char* bad :
       {"\xFF@example.com", "\xC0\x80@example.com", "\xED\xA0\x80@example.com",
        "a\xC2\x85@example.com", "a\xE2\x80\xA8@example.com", "\"\xE3\x81\"@example.com",
        "\"\xC2\x80\"@example.com", "a@\xFF.example", "a@b\xC2\x85.example"}) {
    EXPECT_FALSE(Mailbox::parse(bad, AddressCharset::utf8)) << bad;
  }
}

TEST(Mailbox, RefusesAUtf8DomainThatDnsCannotCarry) {
  EXPECT_FALSE(
      Mailbox::parse("a@b\xCD\xB8.example", AddressCharset::utf8));        // U+0378, not assigned
  EXPECT_FALSE(Mailbox::parse("a@例＠え.example", AddressCharset::utf8));  // a wide '@' maps to '@'
  EXPECT_FALSE(Mailbox::parse("a@１２７.０.０.１",
                              AddressCharset::utf8));  // wide digits map to an IP address
}

TEST(Mailbox, IsRebuiltFromItsParts) {
  const Mailbox mailbox = Mailbox::parse("\"a b\"@example.com").value();
  EXPECT_EQ(Mailbox::from_parts(mailbox.local_part(), mailbox.domain()), mailbox);
  EXPECT_EQ(Mailbox::from_parts("", ""), Mailbox());
}

TEST(Domain, IsNormalized) {
  EXPECT_EQ(normalize_domain("MX.Example.COM.", AddressCharset::ascii).value(), "mx.example.com");
  EXPECT_EQ(normalize_domain("例え.Test", AddressCharset::utf8).value(), "例え.test");
  for (const char* bad : {"", ".", "..", "a..b", "a b", "-a", "192.0.2.1", "例え.test"}) {
    EXPECT_FALSE(normalize_domain(bad, AddressCharset::ascii)) << bad;
  }
  std::string longest;
  for (int i = 0; i < 3; ++i) longest += std::string(63, 'a') + ".";
  longest += std::string(61, 'b');
  ASSERT_EQ(longest.size(), 253U);
  EXPECT_TRUE(normalize_domain(longest, AddressCharset::ascii));
  EXPECT_TRUE(normalize_domain(longest + ".", AddressCharset::ascii));
  EXPECT_FALSE(normalize_domain(longest + "b", AddressCharset::ascii));
}

TEST(Domain, BecomesALabels) {
  EXPECT_EQ(to_a_labels("example.com").value(), "example.com");
  EXPECT_EQ(to_a_labels("bücher.example").value(), "xn--bcher-kva.example");
  EXPECT_EQ(to_a_labels("BÜCHER.example").value(), "xn--bcher-kva.example");
  EXPECT_EQ(to_a_labels("例え.テスト").value(), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(to_a_labels("例え。テスト").value(), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(to_a_labels("straße.example").value(),
            "xn--strae-oqa.example");  // IDNA2008 keeps the sharp s
  EXPECT_FALSE(to_a_labels("\xFF.example"));
  EXPECT_FALSE(to_a_labels(std::string_view("b\xC3\xBC\0.example", 12)));
}

}  // namespace
}  // namespace mailweir
