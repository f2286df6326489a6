#include "simulate/load_scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace mailweir::simulate {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view small = R"(length = "10m"
[[source]]
name = "out"
first = "192.0.2.1"
count = 2
[[class]]
name = "bulk"
[[provider]]
name = "big"
personality = "microsoft365"
hosts = 2
[[workload]]
name = "w"
kind = "rate"
rate = "5/s"
)";

const std::map<std::string, std::string> no_files;

ScenarioResult parse(std::string text, const std::map<std::string, std::string>& files = no_files) {
  return parse_scenario({.name = "s.toml", .text = std::move(text)},
                        [&](const std::string& path) -> Result<std::string> {
                          const auto found = files.find(path);
                          if (found == files.end()) return fail(Errc::not_found, "no such file");
                          return found->second;
                        });
}

// All problems as text; a scenario that is taken has none.
std::string problems_of(std::string text, const std::map<std::string, std::string>& files = {}) {
  const auto result = parse(std::move(text), files);
  std::string all;
  if (result) return all;
  for (const config::Problem& problem : result.error()) all += to_string(problem) + "\n";
  return all;
}

std::string with(std::string_view more) {
  return std::string(small) + std::string(more);
}

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(small);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(LoadScenario, ASmallOneIsComplete) {
  const auto scenario = parse(std::string(small));
  ASSERT_TRUE(scenario) << problems_of(std::string(small));
  EXPECT_EQ(scenario->title, "s");
  EXPECT_EQ(scenario->engine.sources.size(), 2U);
  EXPECT_EQ(scenario->engine.sources[1].name, "out2");
  EXPECT_EQ(scenario->engine.sources[1].ipv4, "192.0.2.2");
  EXPECT_EQ(scenario->engine.pools.front().sources.size(), 2U);
  EXPECT_EQ(scenario->providers.front().receiver.name, "microsoft365");
  EXPECT_EQ(scenario->sender, "mailweir");
}

TEST(LoadScenario, NoTomlIsToldWithItsPlace) {
  EXPECT_THAT(problems_of("length = \"1h\"\n[[source\n"),
              AllOf(HasSubstr("s.toml:2:"), HasSubstr("not TOML")));
}

TEST(LoadScenario, AMistypedKeyIsToldWithTheNearest) {
  EXPECT_THAT(problems_of(replaced("rate = \"5/s\"", "rat = \"5/s\"")),
              AllOf(HasSubstr("s.toml:15:1"), HasSubstr("did you mean \"rate\"?")));
  EXPECT_THAT(problems_of("lenght = \"1h\"\n" + std::string(small)),
              HasSubstr("did you mean \"length\"?"));
}

TEST(LoadScenario, ANumberNeedsItsUnit) {
  EXPECT_THAT(problems_of(replaced("\"10m\"", "\"10\"")), HasSubstr("s.toml:1:10"));
  EXPECT_THAT(problems_of(replaced("\"5/s\"", "5")),
              AllOf(HasSubstr("s.toml:15:8"), HasSubstr("\"20/min\"")));
}

TEST(LoadScenario, WhatIsMissingIsNamed) {
  EXPECT_THAT(problems_of("length = \"1h\"\n"),
              AllOf(HasSubstr("no [[source]]"), HasSubstr("no [[provider]]"),
                    HasSubstr("no [[workload]]")));
  EXPECT_THAT(problems_of(replaced("rate = \"5/s\"\n", "")), HasSubstr("\"rate\" is missing"));
  EXPECT_THAT(problems_of(with("[[fault]]\nkind = \"crash\"\n")), HasSubstr("\"at\" is missing"));
  EXPECT_THAT(problems_of(with("[[fault]]\nkind = \"dns\"\nat = \"1m\"\n")),
              HasSubstr("\"to\" is missing"));
  EXPECT_THAT(problems_of(with("[[fault]]\nkind = \"clock\"\nat = \"1m\"\n")),
              HasSubstr("\"by\" is missing"));
}

TEST(LoadScenario, UnknownNamesAreToldWithTheNearest) {
  EXPECT_THAT(problems_of(replaced("microsoft365", "microsft365")), HasSubstr("microsoft365"));
  EXPECT_THAT(problems_of(with("classes = { bulc = 1 }\n")), HasSubstr("did you mean \"bulk\"?"));
  EXPECT_THAT(problems_of(with("providers = { bg = 1 }\n")), HasSubstr("did you mean \"big\"?"));
  EXPECT_THAT(problems_of(with("pool = \"x\"\n")), HasSubstr("there is no pool"));
  EXPECT_THAT(problems_of(with("[[pool]]\nname = \"p\"\nsources = [\"ot\"]\n")),
              HasSubstr("there is no source"));
  EXPECT_THAT(problems_of(with("[[expect]]\nclass = \"bulkk\"\n")),
              HasSubstr("did you mean \"bulk\"?"));
  EXPECT_THAT(problems_of(with("[sender]\nkind = \"posfix\"\n")), HasSubstr("postfix"));
}

TEST(LoadScenario, AReceiversParametersAreChecked) {
  const std::string unknown =
      problems_of(replaced("hosts = 2", "parameters = { \"penalty.shar\" = 0.5 }"));
  EXPECT_THAT(unknown, HasSubstr("s.toml:11:"));
}

TEST(LoadScenario, WhatContradictsItselfIsTold) {
  EXPECT_THAT(problems_of(with("from = \"20m\"\n")), HasSubstr("after the end"));
  EXPECT_THAT(problems_of(with("from = \"5m\"\nto = \"1m\"\n")), HasSubstr("between \"from\""));
  EXPECT_THAT(problems_of(with("messages = 5\n")), HasSubstr("\"messages\" has no effect"));
  EXPECT_THAT(problems_of(with("[[fault]]\nkind = \"dns\"\nat = \"2m\"\nto = \"1m\"\n")),
              HasSubstr("after \"at\""));
  EXPECT_THAT(problems_of(with("[[fault]]\nkind = \"outage\"\nprovider = \"big\"\nhosts = [3]\nat "
                               "= \"1m\"\nto = \"2m\"\n")),
              HasSubstr("has 2 hosts"));
  EXPECT_THAT(problems_of(with("[[source]]\nname = \"out2\"\n")), HasSubstr("already"));
  EXPECT_THAT(problems_of(with("[[source]]\nname = \"b\"\nfirst = \"192.0.2.2\"\n")),
              HasSubstr("192.0.2.2 already"));
  EXPECT_THAT(problems_of(with("[retry]\nfirst = \"10m\"\nlongest = \"1m\"\n")),
              HasSubstr("shorter than the first"));
}

TEST(LoadScenario, ATraceIsReadWithItsOwnPlaces) {
  const std::string text =
      replaced("kind = \"rate\"\nrate = \"5/s\"", "kind = \"trace\"\nfile = \"t.csv\"");
  const auto scenario =
      parse(text, {{"t.csv", "time,class,domain\n0.5,bulk,big\n2,bulk,d1.big.test\n"}});
  ASSERT_TRUE(scenario);
  ASSERT_EQ(scenario->workloads.front().trace.size(), 2U);
  EXPECT_EQ(scenario->workloads.front().trace[0].at, std::chrono::milliseconds(500));
  EXPECT_THAT(problems_of(text), HasSubstr("t.csv"));
  EXPECT_THAT(problems_of(text, {{"t.csv", "0,bulk,big\nsoon,bulk,big\n"}}),
              HasSubstr("t.csv:2:1"));
  EXPECT_THAT(problems_of(text, {{"t.csv", "5,bulk,big\n1,bulk,big\n"}}),
              HasSubstr("must not run back"));
  EXPECT_THAT(problems_of(text, {{"t.csv", "5,bulk\n"}}), HasSubstr("three fields"));
  EXPECT_THAT(problems_of(text, {{"t.csv", "5,bulk,bigg\n"}}), HasSubstr("did you mean \"big\"?"));
}

}  // namespace
}  // namespace mailweir::simulate
