#include "config/check_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_config.h"

namespace mailweir::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LoadResult parse(const std::string& text) {
  return parse_config({{.name = "c", .text = text}}, "mx.example.com");
}

std::vector<std::string> errors_of(const std::string& text) {
  const auto loaded = parse(text);
  std::vector<std::string> out;
  if (loaded) return out;
  for (const Problem& problem : loaded.error()) out.push_back(to_string(problem));
  return out;
}

std::vector<std::string> warnings_of(const std::string& text) {
  const auto loaded = parse(text);
  std::vector<std::string> out;
  EXPECT_TRUE(loaded);
  if (!loaded) return out;
  for (const Problem& problem : loaded->warnings) out.push_back(to_string(problem));
  return out;
}

constexpr const char* two_sources = "[[source]]\nname = \"a\"\n[[source]]\nname = \"b\"\n";

TEST(CheckConfig, NamesThatAreReferredToMustExist) {
  EXPECT_THAT(
      errors_of(std::string(two_sources) + "[[pool]]\nname = \"p\"\nsources = [\"a\", \"x\"]\n"),
      ElementsAre(HasSubstr("there is no source \"x\"")));
  EXPECT_THAT(errors_of("[[class]]\nname = \"notice\"\n[[assign]]\nclass = \"notise\"\n"),
              ElementsAre(HasSubstr("there is no class \"notise\"; did you mean \"notice\"?")));
  EXPECT_THAT(errors_of("[[class]]\nname = \"n\"\npool = \"absent\"\n"),
              ElementsAre(HasSubstr("there is no pool \"absent\"")));
  EXPECT_THAT(errors_of("[[caps.for]]\nsource = \"absent\"\nconnections = 1\n"),
              ElementsAre(HasSubstr("there is no source \"absent\"")));
  EXPECT_THAT(errors_of("[[caps.for]]\nprovider = \"gogle\"\n"),
              ElementsAre(HasSubstr("did you mean \"google\"?")));
  EXPECT_THAT(errors_of("[[caps.for]]\nprovider = \"example.com\"\n"), IsEmpty());
}

TEST(CheckConfig, AWrongNameIsComplainedOfOnce) {
  EXPECT_THAT(errors_of("[[source]]\nname = \"a b\"\n[[pool]]\nname = \"p\"\nsources = [\"a\"]\n"),
              ElementsAre(HasSubstr("c:2:8: \"a b\" is not a name")));
}

TEST(CheckConfig, NamesAreUnique) {
  EXPECT_THAT(errors_of("[[source]]\nname = \"a\"\n[[source]]\nname = \"a\"\n"),
              ElementsAre(HasSubstr("c:4:1: there are two [[source]] named \"a\"")));
}

TEST(CheckConfig, AddressesAreUniqueAndOfTheirKind) {
  EXPECT_THAT(errors_of("[[source]]\nname = \"a\"\nipv4 = \"192.0.2.1\"\n[[source]]\nname = "
                        "\"b\"\nipv4 = \"192.0.2.1\"\n"),
              ElementsAre(HasSubstr("c:6:1: sources \"a\" and \"b\" have the same address")));
  EXPECT_THAT(errors_of("[[source]]\nname = \"a\"\nipv4 = \"2001:db8::1\"\n"),
              ElementsAre(HasSubstr("it belongs into \"ipv6\"")));
}

TEST(CheckConfig, NeverAnOpenRelay) {
  for (const char* network : {"0.0.0.0/0", "128.0.0.0/1", "::/0", "2000::/3"}) {
    EXPECT_THAT(errors_of(std::string("[smtp]\nrelay_networks = [\"") + network + "\"]\n"),
                ElementsAre(HasSubstr("would make this an open relay")))
        << network;
  }
  EXPECT_THAT(errors_of("[smtp]\nrelay_networks = [\"10.0.0.0/8\", \"fd00::/16\"]\n"), IsEmpty());
}

TEST(CheckConfig, OneBadElementHidesNoOther) {
  EXPECT_THAT(errors_of("[smtp]\nrelay_networks = [\"0.0.0.0/0\", \"10.1.2.3/8\"]\n"),
              ElementsAre(HasSubstr("c:2:19: 0.0.0.0/0 would make this an open relay"),
                          HasSubstr("c:2:32: ")));
  EXPECT_THAT(errors_of("[[source]]\nname = \"a\"\nipv4 = \"x\"\n[[pool]]\nname = \"p\"\nsources "
                        "= [\"b\"]\n[[caps.for]]\nsource = \"c\"\nconnections = 1\n"),
              ElementsAre(HasSubstr("c:3:8:"), HasSubstr("there is no source \"b\""),
                          HasSubstr("there is no source \"c\"")));
  // It may be the one whose name cannot be read.
  EXPECT_THAT(errors_of("[[source]]\nname = \"a b\"\n[[pool]]\nname = \"p\"\nsources = "
                        "[\"b\"]\n"),
              ElementsAre(HasSubstr("is not a name")));
}

TEST(CheckConfig, ThePortOfARouteIsAKeyOfItsOwn) {
  EXPECT_THAT(errors_of("mode = \"live\"\n[[route]]\ndomain = \"*\"\nhosts = "
                        "[\"127.0.0.1:9530\"]\n"),
              ElementsAre(AllOf(HasSubstr("write \"127.0.0.1\" here"), HasSubstr("port = 9530"))));
  EXPECT_THAT(errors_of("[[route]]\ndomain = \"*\"\nhosts = [\"::1\"]\n"), IsEmpty());
}

TEST(CheckConfig, LimitsMustFitEachOther) {
  EXPECT_THAT(errors_of("[smtp]\nmessage_size_max = \"1GiB\"\n"),
              ElementsAre(HasSubstr("larger than smtp.memory_max")));
  EXPECT_THAT(errors_of("[events]\ntotal_size_max = \"100MiB\"\n"),
              ElementsAre(HasSubstr("less than two files of 64MiB")));
  EXPECT_THAT(errors_of("[retry]\nfirst = \"2h\"\n"),
              ElementsAre(HasSubstr("longer than retry.longest (1h)")));
  EXPECT_THAT(errors_of("[[class]]\nname = \"n\"\nexpiry = \"1h\"\ndeadline = \"2h\"\n"),
              ElementsAre(HasSubstr("later than the class's expiry")));
}

TEST(CheckConfig, DoorsAreOpenedOnce) {
  EXPECT_THAT(errors_of("[smtp]\nlisten = [\"127.0.0.1:8025\"]\n"),
              ElementsAre(HasSubstr("127.0.0.1:8025 is listened on twice")));
  EXPECT_THAT(errors_of("[smtp]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n"), IsEmpty());
  EXPECT_THAT(
      errors_of("[[assign]]\nlistener = \"127.0.0.1:25\"\ntenant = \"t\"\n"),
      ElementsAre(HasSubstr("is no door of this server; use one of: http, admin, 127.0.0.1:2525")));
}

TEST(CheckConfig, OneThingNamesACampaign) {
  EXPECT_THAT(errors_of("[[assign]]\ncampaign = \"c\"\n"), IsEmpty());
  EXPECT_THAT(errors_of("[[assign]]\ncampaign_field = \"Feedback-ID\"\n"), IsEmpty());
  EXPECT_THAT(errors_of("[[assign]]\ncampaign = \"c\"\ncampaign_field = \"Feedback-ID\"\n"),
              ElementsAre(HasSubstr("campaign names it already")));
  EXPECT_THAT(errors_of("[[assign]]\ncampaign_field = \"Feedback-ID:\"\n"),
              ElementsAre(HasSubstr("is not the name of a header field")));
  EXPECT_THAT(errors_of("[[assign]]\nsender = \"a@b.example\"\n"),
              ElementsAre(HasSubstr("it assigns nothing")));
}

TEST(CheckConfig, ACertificateComesWithItsKey) {
  EXPECT_THAT(errors_of("[tls]\nkey = \"k.pem\"\n"),
              ElementsAre(HasSubstr("the key comes without its certificate")));
  EXPECT_THAT(errors_of("[tls]\ncertificate = \"c.pem\"\n"),
              ElementsAre(HasSubstr("the certificate comes without its key")));
}

TEST(CheckConfig, EmptyEntriesAreErrors) {
  EXPECT_THAT(errors_of("[[assign]]\nsender_domain = \"example.com\"\n"),
              ElementsAre(HasSubstr("it assigns nothing")));
  EXPECT_THAT(errors_of("[[caps.for]]\nconnections = 1\n"),
              ElementsAre(HasSubstr("neither provider nor source")));
  EXPECT_THAT(errors_of("[[pool]]\nname = \"p\"\nsources = []\n"),
              ElementsAre(HasSubstr("at least one source")));
  EXPECT_THAT(errors_of("[[route]]\ndomain = \"*\"\nhosts = []\n"),
              ElementsAre(HasSubstr("at least one host")));
  EXPECT_THAT(
      errors_of("[[caps.for]]\nprovider = \"google\"\n[[caps.for]]\nprovider = \"google\"\n"),
      ElementsAre(HasSubstr("unite them")));
}

TEST(CheckConfig, WarnsOfWhatWorksButIsHardlyMeant) {
  EXPECT_THAT(warnings_of("mode = \"live\"\n"),
              ElementsAre(HasSubstr("live without any [[source]]")));
  EXPECT_THAT(warnings_of("mode = \"live\"\nhostname = \"mx\"\n[[source]]\nname = \"a\"\n"),
              ElementsAre(HasSubstr("has no domain")));
  EXPECT_THAT(warnings_of("[http]\nlisten = [\"0.0.0.0:8025\"]\n"),
              ElementsAre(HasSubstr("can be reached from other machines")));
  EXPECT_THAT(warnings_of("[smtp]\nsessions_max = 100\n"), SizeIs(1));
  EXPECT_THAT(warnings_of("[[route]]\ndomain = \"*\"\nhosts = [\"::1\"]\n"),
              ElementsAre(HasSubstr("without effect in sandbox mode")));
}

TEST(Places, FallBackToTheTableAround) {
  Places places;
  places.add("source[1]", {.source = 0, .line = 7, .column = 1});
  places.add("smtp", {.source = 0, .line = 2, .column = 1});
  EXPECT_EQ(places.find("source[1].ipv4").line, 7U);
  EXPECT_EQ(places.find("smtp.listen").line, 2U);
  EXPECT_EQ(places.find("source[0].ipv4").line, 0U);
}

}  // namespace
}  // namespace mailweir::config
