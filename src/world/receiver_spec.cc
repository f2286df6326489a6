// Names, texts and construction of a ReceiverSpec.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/nearest_name.h"
#include "world/make_model.h"
#include "world/parameter_table.h"
#include "world/personalities.h"
#include "world/personality.h"
#include "world/receiver_stack.h"

namespace mailweir::world {
namespace {

const Kind& kind_of(const ModelSpec& model) {
  return kinds()[model.parameters.index()];
}

// "there is no X "foo"; did you mean "food"?" or, with nothing near, what there is.
Error no_such(std::string_view what, std::string_view name,
              const std::vector<std::string_view>& known) {
  const std::string_view near = nearest_name(name, known);
  if (!near.empty())
    return {Errc::not_found,
            fmt::format("there is no {} \"{}\"; did you mean \"{}\"?", what, name, near)};
  std::string list;
  for (const std::string_view each : known)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", each);
  return {Errc::not_found, fmt::format("there is no {} \"{}\"; there are {}", what, name, list)};
}

struct Found {
  std::size_t model;
  const Field* field;
};

Result<Found> find_field(const ReceiverSpec& spec, std::string_view name) {
  const std::size_t dot = name.find('.');
  const std::string_view label = name.substr(0, dot);
  std::vector<std::string_view> labels;
  for (const ModelSpec& model : spec.models) labels.emplace_back(model.label);
  const auto at = std::ranges::find(labels, label);
  if (at == labels.end())
    return std::unexpected(
        no_such(fmt::format("model in the receiver \"{}\" named", spec.name), label, labels));
  if (dot == std::string_view::npos)
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" names a model; add one of its parameters, such as \"{}.{}\"",
                            name, name,
                            kind_of(spec.models[static_cast<std::size_t>(at - labels.begin())])
                                .fields.front()
                                .name));
  const auto index = static_cast<std::size_t>(at - labels.begin());
  const std::vector<Field>& fields = kind_of(spec.models[index]).fields;
  const std::string_view wanted = name.substr(dot + 1);
  const auto field = std::ranges::find(fields, wanted, &Field::name);
  if (field != fields.end()) return Found{index, &*field};
  std::vector<std::string_view> names;
  for (const Field& each : fields) names.push_back(each.name);
  return std::unexpected(no_such(fmt::format("parameter of \"{}\" named", label), wanted, names));
}

}  // namespace

std::vector<ReceiverSpec> all_personalities() {
  std::vector<ReceiverSpec> all = provider_personalities();
  std::ranges::move(drill_personalities(), std::back_inserter(all));
  return all;
}

Result<ReceiverSpec> find_personality(std::string_view name) {
  const std::vector<ReceiverSpec> all = all_personalities();
  const auto found = std::ranges::find(all, name, &ReceiverSpec::name);
  if (found != all.end()) return *found;
  std::vector<std::string_view> names;
  for (const ReceiverSpec& each : all) names.emplace_back(each.name);
  return std::unexpected(no_such("personality", name, names));
}

std::unique_ptr<Receiver> make_receiver(const ReceiverSpec& spec, std::uint64_t seed,
                                        Instant start) {
  std::vector<std::unique_ptr<Model>> models;
  for (const ModelSpec& model : spec.models) {
    // A stream of its own for each: one more model shifts no other's draws.
    models.push_back(make_model(model.parameters, mix(seed ^ hash_of(model.label)), start));
  }
  return std::make_unique<ReceiverStack>(std::move(models));
}

Result<void> set_parameter(ReceiverSpec& spec, std::string_view name, std::string_view value) {
  WEIR_TRY(const Found found, find_field(spec, name));
  Result<void> written = found.field->write(spec.models[found.model].parameters, value);
  if (!written)
    return fail(written.error().code, fmt::format("{}: {}", name, written.error().context));
  return {};
}

Result<std::string> parameter(const ReceiverSpec& spec, std::string_view name) {
  WEIR_TRY(const Found found, find_field(spec, name));
  return found.field->read(spec.models[found.model].parameters);
}

Result<void> add_model(ReceiverSpec& spec, std::string_view kind, std::string label) {
  if (spec.models.size() >= ReceiverStack::models_max)
    return fail(Errc::invalid_argument,
                fmt::format("the receiver \"{}\" has {} models, which is the most", spec.name,
                            ReceiverStack::models_max));
  if (label.empty() || label.contains('.'))
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" can not name a model; write letters without a dot", label));
  if (std::ranges::find(spec.models, label, &ModelSpec::label) != spec.models.end())
    return fail(Errc::invalid_argument,
                fmt::format("the receiver \"{}\" has a model \"{}\" already; choose another name",
                            spec.name, label));
  std::vector<std::string_view> names;
  for (const Kind& each : kinds()) {
    if (each.name == kind) {
      spec.models.push_back({std::move(label), each.defaults});
      return {};
    }
    names.push_back(each.name);
  }
  return std::unexpected(no_such("kind of model", kind, names));
}

std::vector<ModelDoc> list_models() {
  std::vector<ModelDoc> docs;
  for (const Kind& kind : kinds()) {
    ModelDoc doc{std::string(kind.name), std::string(kind.meaning), {}};
    for (const Field& field : kind.fields)
      doc.parameters.push_back(
          {std::string(field.name), std::string(field.meaning), field.read(kind.defaults)});
    docs.push_back(std::move(doc));
  }
  return docs;
}

std::vector<ParameterView> list_parameters(const ReceiverSpec& spec) {
  std::vector<ParameterView> views;
  for (const ModelSpec& model : spec.models) {
    for (const Field& field : kind_of(model).fields)
      views.push_back({fmt::format("{}.{}", model.label, field.name), field.read(model.parameters),
                       std::string(field.meaning)});
  }
  return views;
}

}  // namespace mailweir::world
