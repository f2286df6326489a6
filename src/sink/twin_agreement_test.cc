// The claim of `script/prove twin`: a model and its Twin over TCP give the same client the same
// things to see, at the same times.
#include "sink/twin_agreement.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "world/personality.h"

namespace mailweir::sink {
namespace {

constexpr std::uint64_t steps = 1200;

// script/prove asks for more sequences than a test has time for.
std::uint64_t seed_count() {
  const char* text = std::getenv("TWIN_SEEDS");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

std::unique_ptr<world::Receiver> make(const world::ReceiverSpec& spec, std::uint64_t seed) {
  return world::make_receiver(spec, seed, Instant{});
}

std::unique_ptr<intake::TlsIdentity> identity() {
  return intake::TlsIdentity::self_signed(testing::TempDir(), "sink.localhost").value();
}

// The limits of real providers are far beyond a short sequence: the same models, soon reached.
world::ReceiverSpec tightened(world::ReceiverSpec spec) {
  for (const auto& parameter : world::list_parameters(spec)) {
    for (const auto& [ending, value] :
         {std::pair{".trip_count", "5"}, std::pair{".rate", "20/min"}, std::pair{".burst", "3"},
          std::pair{".messages", "8"}, std::pair{".connections", "3"}, std::pair{".first", "8"}}) {
      if (parameter.name.ends_with(ending))
        EXPECT_TRUE(world::set_parameter(spec, parameter.name, value));
    }
  }
  return spec;
}

void expect_agreement(const world::ReceiverSpec& spec, std::string_view variant) {
  const auto tls = identity();
  for (std::uint64_t seed = 1; seed <= seed_count(); ++seed) {
    const auto agreement = compare_with_twin(make(spec, seed), make(spec, seed), *tls, seed, steps);
    EXPECT_EQ(agreement.differences, 0u) << "seed " << seed << ": " << agreement.first_difference;
    fmt::print("sequence personality={} variant={} seed={} steps={} refusals={} differences={}\n",
               spec.name, variant, seed, agreement.steps, agreement.refusals,
               agreement.differences);
  }
}

std::vector<std::string> personality_names() {
  std::vector<std::string> names;
  for (const auto& spec : world::all_personalities()) names.push_back(spec.name);
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& tested) {
  std::string name = tested.param;
  std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
  return name;
}

class TwinAgreement : public testing::TestWithParam<std::string> {};

TEST_P(TwinAgreement, TheSameSequenceGetsTheSameReplies) {
  const auto spec = world::find_personality(GetParam()).value();
  expect_agreement(spec, "-");
  expect_agreement(tightened(spec), "tight");
}

INSTANTIATE_TEST_SUITE_P(Personalities, TwinAgreement, testing::ValuesIn(personality_names()),
                         test_name);

class TwinFaultAgreement : public testing::TestWithParam<std::string> {};

TEST_P(TwinFaultAgreement, TheSameNetworkFaultIsMet) {
  auto spec = world::find_personality("microsoft365").value();
  ASSERT_TRUE(world::set_parameter(spec, "network.blocked", "127.0.0.1/32"));
  ASSERT_TRUE(world::set_parameter(spec, "network.until", "4h"));
  ASSERT_TRUE(world::set_parameter(spec, "network.fault", GetParam()));
  expect_agreement(spec, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Faults, TwinFaultAgreement,
                         testing::Values("drop_syn", "refuse", "close", "slow_banner", "cut_ehlo",
                                         "cut_mail", "cut_data", "mute_ehlo", "tarpit", "cut_tls"),
                         test_name);

// The comparison itself must notice a Twin whose model is another one.
TEST(TwinDisagreement, AChangedParameterIsNoticed) {
  const auto tls = identity();
  const auto spec = tightened(world::find_personality("microsoft365").value());
  auto other = spec;
  ASSERT_TRUE(world::set_parameter(other, "penalty.share", "0.9"));
  std::uint64_t differences = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    differences +=
        compare_with_twin(make(spec, seed), make(other, seed), *tls, seed, steps).differences;
  EXPECT_GT(differences, 0u);
  fmt::print("sabotage differences={}\n", differences);
}

}  // namespace
}  // namespace mailweir::sink
