#include "sink/sink_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailweir::sink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string complaint(const std::vector<std::string>& arguments) {
  const auto options = read_options(arguments, Language::english);
  return options ? "" : options.error().context;
}

TEST(SinkOptions, WithoutArgumentsThereIsAPlainReceiverOnLoopback) {
  const auto options = read_options({}, Language::english).value();
  EXPECT_EQ(options.personality, "plain");
  EXPECT_EQ(to_string(options.listen.at(0)), "127.0.0.1:2526");
  EXPECT_EQ(to_string(options.http.value()), "127.0.0.1:8026");
  EXPECT_TRUE(options.offers_tls);
}

TEST(SinkOptions, EveryOptionIsTaken) {
  const auto options = read_options({"--personality",
                                     "gmail",
                                     "--set",
                                     "a.b=c=d",
                                     "--set=e.f=1",
                                     "--seed=7",
                                     "--listen",
                                     "127.0.0.1:1",
                                     "--listen",
                                     "127.0.0.2:2",
                                     "--http",
                                     "off",
                                     "--ledger",
                                     "l",
                                     "--log",
                                     "g",
                                     "--hostname",
                                     "h",
                                     "--tls-dir",
                                     "t",
                                     "--no-tls",
                                     "--threads",
                                     "3",
                                     "--lang",
                                     "ja"},
                                    Language::english)
                           .value();
  EXPECT_EQ(options.personality, "gmail");
  EXPECT_THAT(options.settings, ElementsAre(Pair("a.b", "c=d"), Pair("e.f", "1")));
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.listen.size(), 2u);
  EXPECT_FALSE(options.http);
  EXPECT_EQ(options.threads, 3u);
  EXPECT_FALSE(options.offers_tls);
  EXPECT_EQ(options.language, Language::japanese);
}

TEST(SinkOptions, AWrongLineIsExplained) {
  EXPECT_EQ(complaint({"--personalty", "x"}),
            "unknown option \"--personalty\"; did you mean --personality?");
  EXPECT_THAT(complaint({"stray"}), HasSubstr("--help"));
  EXPECT_EQ(complaint({"--seed"}), "--seed needs a value: N");
  EXPECT_EQ(complaint({"--threads", "0"}), "--threads must be a number from 1 to 64, not \"0\"");
  EXPECT_THAT(complaint({"--listen", "2526"}), HasSubstr("as 127.0.0.1:2526"));
  EXPECT_THAT(complaint({"--set", "penalty.share"}), HasSubstr("NAME=VALUE"));
}

TEST(SinkOptions, ComplaintsAreInTheLanguageAskedForOnTheSameLine) {
  const auto options = read_options({"--seed", "x", "--lang", "ja"}, Language::english);
  EXPECT_THAT(options.error().context, HasSubstr("--seed は 0 から"));
}

TEST(SinkOptions, WhatIsSetIsSaidOfThePersonality) {
  const auto options = read_options(
      {"--personality", "token-bucket", "--set", "bucket.rate=20/min", "--set", "bucket.burst=6"},
      Language::english);
  ASSERT_TRUE(options);
  const auto spec = make_spec(*options);
  ASSERT_TRUE(spec) << spec.error().context;
  EXPECT_THAT(spec->summary, HasSubstr("set to bucket.rate=20/min bucket.burst=6; as it comes"));
}

TEST(SinkOptions, HelpNamesEveryOptionInBothLanguages) {
  for (const auto language : {Language::english, Language::japanese}) {
    for (const char* name : {"--personality", "--set", "--seed", "--listen", "--http", "--ledger",
                             "--log", "--hostname", "--tls-dir", "--no-tls", "--threads", "--list",
                             "--parameters", "--lang", "--help"})
      EXPECT_THAT(help(language), HasSubstr(name));
  }
  EXPECT_THAT(help(Language::japanese), HasSubstr("受信サーバー"));
}

}  // namespace
}  // namespace mailweir::sink
