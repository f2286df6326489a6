#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "world/parameter_table.h"
#include "world/test_client.h"

namespace mailweir::world {
namespace {

using ::testing::HasSubstr;

std::string error_of(const Result<void>& result) {
  return result ? "no error" : result.error().context;
}

ReceiverSpec every_kind() {
  ReceiverSpec spec{.name = "all"};
  for (const Kind& kind : kinds())
    EXPECT_TRUE(add_model(spec, kind.name, std::string(kind.name)).has_value());
  return spec;
}

TEST(ReceiverSpec, EveryKindIsNamedAndMade) {
  ASSERT_EQ(kinds().size(), std::variant_size_v<ModelParameters>);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kinds().size(); ++i) {
    EXPECT_EQ(kinds()[i].defaults.index(), i);
    names.insert(kinds()[i].name);
    ASSERT_NE(make_model(kinds()[i].defaults, 1, test_start), nullptr);
  }
  EXPECT_EQ(names.size(), kinds().size());
}

TEST(ReceiverSpec, EveryParameterReadsBackWhatItWrote) {
  ReceiverSpec spec = every_kind();
  std::set<std::string> names;
  for (const ParameterView& view : list_parameters(spec)) {
    EXPECT_TRUE(names.insert(view.name).second) << view.name;
    EXPECT_EQ(error_of(set_parameter(spec, view.name, view.value)), "no error") << view.name;
    EXPECT_EQ(*parameter(spec, view.name), view.value) << view.name;
    EXPECT_FALSE(view.meaning.empty());
  }
  EXPECT_GT(names.size(), 100U);
}

TEST(ReceiverSpec, EveryKindOfTextIsTaken) {
  ReceiverSpec spec = every_kind();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"bucket.rate", "10/s"},
           {"bucket.burst", "100"},
           {"bucket.scope", "dkim"},
           {"bucket.phase", "end_of_data"},
           {"bucket.reply", "421 4.7.28 too fast\\n4.7.28 much too fast"},
           {"window.length", "20m"},
           {"steps.rates", "0s=10/s, 5h=4/s"},
           {"penalty-box.share", "0.25"},
           {"penalty-box.ends", "restart"},
           {"penalty-box.trip_on", "messages"},
           {"penalty-box.manner", "silence"},
           {"block-list.listed", "192.0.2.0/24, 2001:db8::/32"},
           {"network-block.fault", "mute_ehlo"},
           {"outage.hosts", "0, 2"}}) {
    EXPECT_EQ(error_of(set_parameter(spec, name, value)), "no error");
    EXPECT_EQ(*parameter(spec, name), value);
  }
}

TEST(ReceiverSpec, AParameterThatIsSetIsHeeded) {
  ReceiverSpec spec = *find_personality("plain");
  ASSERT_TRUE(set_parameter(spec, "penalty.reply", "450 4.7.1 come back").has_value());
  ASSERT_TRUE(set_parameter(spec, "penalty.phase", "rcpt").has_value());
  auto receiver = make_receiver(spec, 1, test_start);
  receiver->control(Receiver::Control::trip, home(), test_start);
  const Ending ending = send(*receiver, test_start);
  EXPECT_EQ(ending.step, Step::rcpt);
  EXPECT_EQ(text_of(ending), "450 4.7.1 come back");
}

TEST(ReceiverSpec, ErrorsSayWhatAndHow) {
  ReceiverSpec spec = *find_personality("microsoft365");
  EXPECT_EQ(error_of(set_parameter(spec, "penalty.shar", "0.5")),
            "there is no parameter of \"penalty\" named \"shar\"; did you mean \"share\"?");
  EXPECT_EQ(error_of(set_parameter(spec, "penlty.share", "0.5")),
            "there is no model in the receiver \"microsoft365\" named \"penlty\"; did you mean "
            "\"penalty\"?");
  EXPECT_THAT(error_of(set_parameter(spec, "penalty", "0.5")), HasSubstr("penalty.trip_on"));
  EXPECT_EQ(error_of(set_parameter(spec, "penalty.share", "50%")),
            "penalty.share: \"50%\" will not do; write a number such as 0.5, 0 to 1");
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.share", "1.5")), HasSubstr("0 to 1"));
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.length", "0s")), HasSubstr("write a duration"));
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.length", "20")), HasSubstr("with its unit"));
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.ends", "restrat")), HasSubstr("\"restart\"?"));
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.scope", "dkim")),
              HasSubstr("ip, network, everyone"));
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.reply", "250 fine")), HasSubstr("400 to 599"));
  EXPECT_THAT(error_of(set_parameter(spec, "penalty.rate_inside", "fast")), HasSubstr("\"5/s\""));
  EXPECT_EQ(*parameter(spec, "penalty.share"), "0.5");
}

TEST(ReceiverSpec, ListsOfRatesBeginAtZeroAndRise) {
  ReceiverSpec spec = *find_personality("steps");
  EXPECT_THAT(error_of(set_parameter(spec, "bucket.rates", "1h=4/s")), HasSubstr("at 0s"));
  EXPECT_THAT(error_of(set_parameter(spec, "bucket.rates", "0s=4/s, 2h=1/s, 1h=3/s")),
              HasSubstr("not later"));
  EXPECT_THAT(error_of(set_parameter(spec, "bucket.rates", "")), HasSubstr("at 0s"));
  EXPECT_THAT(error_of(set_parameter(spec, "bucket.rates", "0s 4/s")), HasSubstr("no \"=\""));
}

TEST(ReceiverSpec, PersonalitiesAndModelsAreFoundByNearName) {
  EXPECT_EQ(find_personality("microsft365").error().context,
            "there is no personality \"microsft365\"; did you mean \"microsoft365\"?");
  EXPECT_THAT(find_personality("exchange").error().context, HasSubstr("there are plain, "));
  ReceiverSpec spec{.name = "mine"};
  EXPECT_THAT(error_of(add_model(spec, "penalty-bux", "p")), HasSubstr("\"penalty-box\"?"));
  EXPECT_TRUE(add_model(spec, "bucket", "b").has_value());
  EXPECT_THAT(error_of(add_model(spec, "bucket", "b")), HasSubstr("already"));
  EXPECT_THAT(error_of(add_model(spec, "bucket", "b.c")), HasSubstr("without a dot"));
  for (int i = 1; i < 32; ++i)
    EXPECT_TRUE(add_model(spec, "stray", "s" + std::to_string(i)).has_value());
  EXPECT_THAT(error_of(add_model(spec, "stray", "more")), HasSubstr("which is the most"));
}

TEST(ReceiverSpec, TheListOfModelsHasEveryParameterWithItsDefault) {
  const std::vector<ModelDoc> docs = list_models();
  ASSERT_EQ(docs.size(), kinds().size());
  EXPECT_EQ(docs.front().kind, "bucket");
  EXPECT_EQ(docs.front().parameters.front().name, "rate");
  EXPECT_EQ(docs.front().parameters.front().default_value, "5/s");
}

TEST(ReceiverSpec, TheDocumentListsEveryModelParameterAndPersonality) {
  std::ifstream file(WEIR_SOURCE_DIR "/docs/receiver-models.md");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string document = text.str();
  for (const ModelDoc& model : list_models()) {
    std::string table = "| parameter | default | meaning |\n|---|---|---|\n";
    for (const ParameterDoc& each : model.parameters) {
      const std::string shown =
          each.default_value.empty() ? "none" : fmt::format("`{}`", each.default_value);
      table += fmt::format("| `{}` | {} | {} |\n", each.name, shown, each.meaning);
    }
    const std::size_t heading = document.find(fmt::format("### `{}`\n", model.kind));
    ASSERT_NE(heading, std::string::npos) << model.kind;
    const std::size_t next = document.find("\n#", heading + 1);
    EXPECT_TRUE(document.substr(heading, next - heading).contains(table))
        << model.kind << " is documented otherwise than\n"
        << table;
  }
  for (const ReceiverSpec& each : all_personalities())
    EXPECT_TRUE(document.contains(fmt::format("| `{}` |", each.name))) << each.name;
}

}  // namespace
}  // namespace mailweir::world
