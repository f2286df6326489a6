#include "mail/received.h"

#include <gtest/gtest.h>

#include "mail/header.h"

namespace mailweir {
namespace {

ReceivedTrace ordinary() {
  ReceivedTrace trace;
  trace.helo = "client.example";
  trace.client_address = "192.0.2.7";
  trace.by = "mail.example";
  trace.protocol = "ESMTP";
  trace.at = UnixTime{Duration(1'590'652'980'123'000)};
  return trace;
}

TEST(Received, HasTheFormOfTheStandard) {
  EXPECT_EQ(compose_received(ordinary()),
            "Received: from client.example ([192.0.2.7])\r\n\tby mail.example with "
            "ESMTP;\r\n\tThu, 28 May 2020 08:03:00 +0000\r\n");
}

TEST(Received, TellsAllItKnows) {
  ReceivedTrace trace = ordinary();
  trace.helo = "[IPv6:2001:db8::1]";
  trace.client_address = "2001:db8::1";
  trace.client_name = "client.example";
  trace.protocol = "ESMTPS";
  trace.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  trace.id = "0000000001K3Z";
  trace.recipient = "\"a b\"@example.com";
  EXPECT_EQ(
      compose_received(trace),
      "Received: from [IPv6:2001:db8::1] (client.example [IPv6:2001:db8::1])\r\n\tby mail.example "
      "with ESMTPS\r\n"
      "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tid 0000000001K3Z\r\n\tfor <\"a b\"@example.com>;\r\n"
      "\tThu, 28 May 2020 08:03:00 +0000\r\n");
}

TEST(Received, LetsNothingInjected) {
  ReceivedTrace trace = ordinary();
  trace.helo = "a\r\nBcc: x@y\r\n\r\nbody ;(\\\xFF";
  trace.client_name = "n\r\nX: y";
  trace.tls = "v) by evil (\r\n\\";
  trace.id = "1\r\n2";
  trace.recipient = "a\r\nb@c";
  const std::string field = compose_received(trace);
  EXPECT_EQ(field,
            "Received: from a??Bcc:?x?y????body????? (n??X:?y [192.0.2.7])\r\n\tby mail.example "
            "with ESMTP\r\n\t(v? by evil ???\?)\r\n"
            "\tid 1??2;\r\n\tThu, 28 May 2020 08:03:00 +0000\r\n");
  HeaderScanner scanner(field);
  EXPECT_EQ(scanner.next()->whole, field);
}

TEST(Received, KeepsUtf8OnlyWhereItWasDeclared) {
  ReceivedTrace trace = ordinary();
  trace.helo = "例え.example";
  trace.recipient = "用@b";
  EXPECT_EQ(compose_received(trace).find("用"), std::string::npos);
  EXPECT_NE(compose_received(trace).find("from ??.example ("), std::string::npos);
  trace.smtputf8 = true;
  EXPECT_NE(compose_received(trace).find("from 例え.example ("), std::string::npos);
  EXPECT_NE(compose_received(trace).find("for <用@b>"), std::string::npos);
}

TEST(Received, KeepsEveryLineShort) {
  ReceivedTrace trace = ordinary();
  const std::string huge(100'000, 'h');
  trace.helo = trace.client_name = trace.tls = trace.id = trace.recipient = huge;
  std::size_t line = 0;
  for (const char c : compose_received(trace)) {
    line = c == '\n' ? 0 : line + 1;
    ASSERT_LE(line, 998U);
  }
}

TEST(Received, SaysWhenTheClientDidNotIntroduceItself) {
  ReceivedTrace trace = ordinary();
  trace.helo = trace.client_address = {};
  EXPECT_TRUE(compose_received(trace).starts_with("Received: from unknown\r\n\tby "));
}

TEST(ReceivedProtocol, IsTheRegisteredKeyword) {
  EXPECT_EQ(received_protocol({}), "SMTP");
  EXPECT_EQ(received_protocol({.extended = true}), "ESMTP");
  EXPECT_EQ(received_protocol({.extended = true, .tls = true}), "ESMTPS");
  EXPECT_EQ(received_protocol({.extended = true, .authenticated = true}), "ESMTPA");
  EXPECT_EQ(
      received_protocol({.extended = true, .tls = true, .authenticated = true, .smtputf8 = true}),
      "UTF8SMTPSA");
  EXPECT_EQ(received_protocol({.extended = true, .smtputf8 = true}), "UTF8SMTP");
}

}  // namespace
}  // namespace mailweir
