// A ReceiverSpec says what a receiver is made of: a value, to be copied and changed by name.
// Personalities are ready-made ones, with the wording of a provider; which of their numbers are
// published and which are guesses is in docs/receiver-models.md.
//
// Every parameter has the name "LABEL.PARAMETER", such as "penalty.share": scenario files and
// `mailweir sink --set` give them as text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "world/parameters.h"
#include "world/receiver.h"

namespace mailweir::world {

struct ModelSpec {
  std::string label;  // unique in its receiver
  ModelParameters parameters;
};

struct ReceiverSpec {
  std::string name;
  std::string summary;            // one sentence, for lists
  std::vector<ModelSpec> models;  // in the order they are asked; at most 32
};

// The error names the nearest one there is.
Result<ReceiverSpec> find_personality(std::string_view name);
std::vector<ReceiverSpec> all_personalities();

// `start`: when the receiver's first day begins. The same spec, seed and calls give the same
// answers.
std::unique_ptr<Receiver> make_receiver(const ReceiverSpec& spec, std::uint64_t seed,
                                        Instant start);

// "penalty.share", "0.5". The error says what is wrong and how it is written; nothing is changed
// then.
Result<void> set_parameter(ReceiverSpec& spec, std::string_view name, std::string_view value);
// As set_parameter() would take it back.
Result<std::string> parameter(const ReceiverSpec& spec, std::string_view name);
// Puts a model of `kind` ("penalty-box"), its parameters at their defaults, behind the others.
Result<void> add_model(ReceiverSpec& spec, std::string_view kind, std::string label);

struct ParameterDoc {
  std::string name;           // "share"
  std::string meaning;        // with its unit
  std::string default_value;  // as written
};

struct ModelDoc {
  std::string kind;  // "penalty-box"
  std::string meaning;
  std::vector<ParameterDoc> parameters;
};

std::vector<ModelDoc> list_models();

struct ParameterView {
  std::string name;  // "penalty.share"
  std::string value;
  std::string meaning;
};

std::vector<ParameterView> list_parameters(const ReceiverSpec& spec);

}  // namespace mailweir::world
