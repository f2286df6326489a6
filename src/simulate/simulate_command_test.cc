#include "simulate/simulate_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace mailweir::simulate {
namespace {

using testing::HasSubstr;
using Arguments = std::vector<std::string>;

struct Said {
  int code = 0;
  std::string out;
  std::string err;
};

Said run_with(const Arguments& arguments, const std::string& language = "en") {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Said said{.code = run_command(arguments, language)};
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

std::string scenario_file(const std::string& name, const std::string& more = {}) {
  std::string file = testing::TempDir() + name;
  std::ofstream(file) << R"(title = "few"
length = "1m"
[[source]]
name = "out"
first = "192.0.2.1"
[[class]]
name = "bulk"
[[provider]]
name = "big"
[[workload]]
name = "steady"
kind = "rate"
rate = "1/s"
)" << more;
  return file;
}

TEST(SimulateCommand, TheLanguageHoldsForTheHelpTooWhereverItStands) {
  for (const Arguments& arguments :
       {Arguments{"--help", "--lang", "ja"}, Arguments{"--lang=ja", "--help"}}) {
    const Said said = run_with(arguments);
    EXPECT_EQ(said.code, 0);
    EXPECT_THAT(said.out, HasSubstr("シナリオを仮想時間で実行します"));
  }
  EXPECT_THAT(run_with({"--help"}, "ja").out, HasSubstr("シナリオを"));
  EXPECT_THAT(run_with({"--help", "--lang", "en"}, "ja").out, HasSubstr("Plays scenarios"));
}

TEST(SimulateCommand, AnUnknownLanguageIsAnError) {
  const Said said = run_with({"--help", "--lang", "de"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.err, HasSubstr("--lang must be en or ja, not \"de\""));
}

TEST(SimulateCommand, AValueMayStandBehindAnEqualsSign) {
  const Said said = run_with({scenario_file("simulate_equals.toml"), "--seed=3"});
  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("seed 3"));
  EXPECT_EQ(run_with({"--seed=", "x.toml"}).code, 2);
}

TEST(SimulateCommand, ARunWhoseReportCannotBeWrittenHasNotPassed) {
  const Said said =
      run_with({scenario_file("simulate_report.toml"), "--report", "/nonexistent/report.html"});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.err, HasSubstr("/nonexistent/report.html"));
  EXPECT_THAT(said.out, testing::Not(HasSubstr("passed")));
}

TEST(SimulateCommand, CountsAreNamedAsWhatTheyAre) {
  const Said said = run_with({scenario_file("simulate_words.toml")});
  EXPECT_THAT(said.out, HasSubstr("spells: 0"));
  EXPECT_THAT(said.out, HasSubstr("trips at healthy sources: 0"));
}

TEST(SimulateCommand, AComparisonFailsWhenMailweirMissesAnExpectation) {
  const std::string met = scenario_file("simulate_met.toml");
  EXPECT_EQ(run_with({met, "--compare"}).code, 0);
  const std::string missed =
      scenario_file("simulate_missed.toml", "[[expect]]\ndelay_max = \"1ms\"\n");
  const Said said = run_with({missed, "--compare"});
  EXPECT_THAT(said.out, HasSubstr("unmet"));
  EXPECT_EQ(said.code, 1) << said.err;
}

}  // namespace
}  // namespace mailweir::simulate
