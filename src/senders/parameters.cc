#include "senders/parameters.h"

#include <algorithm>
#include <charconv>

namespace mailweir::senders {
namespace {

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace

const std::string* ParameterReader::find(std::string_view name) {
  asked_.emplace_back(name);
  const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                  [&](const auto& parameter) { return parameter.first == name; });
  return found == parameters_.end() ? nullptr : &found->second;
}

void ParameterReader::refuse(std::string_view name, std::string_view text,
                             std::string_view wanted) {
  if (!error_.empty()) return;
  error_ = std::string(name) + " = \"" + std::string(text) + "\": wanted is " + std::string(wanted);
}

void ParameterReader::read(std::string_view name, Rate& value) {
  const std::string* text = find(name);
  if (text == nullptr) return;
  const Result<Rate> rate = parse_rate(*text);
  if (!rate || rate->events == 0) return refuse(name, *text, "a rate such as \"10/s\"");
  value = *rate;
}

void ParameterReader::read(std::string_view name, Duration& value) {
  const std::string* text = find(name);
  if (text == nullptr) return;
  const Result<Duration> duration = parse_duration(*text);
  if (!duration) return refuse(name, *text, "a time span such as \"5m\"");
  value = *duration;
}

void ParameterReader::read(std::string_view name, std::uint32_t& value) {
  const std::string* text = find(name);
  if (text == nullptr) return;
  std::uint32_t number = 0;
  if (!parse_number(*text, number) || number == 0)
    return refuse(name, *text, "a whole number above zero");
  value = number;
}

void ParameterReader::read(std::string_view name, double& value) {
  const std::string* text = find(name);
  if (text == nullptr) return;
  double number = 0;
  if (!parse_number(*text, number) || !(number > 0))
    return refuse(name, *text, "a number above zero");
  value = number;
}

void ParameterReader::read(std::string_view name, bool& value) {
  const std::string* text = find(name);
  if (text == nullptr) return;
  if (*text != "true" && *text != "false") return refuse(name, *text, "true or false");
  value = *text == "true";
}

void ParameterReader::read(std::string_view name, std::span<const std::string_view> names,
                           std::size_t& value) {
  const std::string* text = find(name);
  if (text == nullptr) return;
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found == names.end()) return refuse(name, *text, "one of: " + joined(names));
  value = static_cast<std::size_t>(found - names.begin());
}

Result<void> ParameterReader::finish(std::string_view sender) const {
  if (!error_.empty()) {
    return fail(Errc::invalid_argument, "sender " + std::string(sender) + ": " + error_);
  }
  for (const auto& [name, text] : parameters_) {
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    std::vector<std::string_view> known(asked_.begin(), asked_.end());
    return fail(Errc::invalid_argument, "sender " + std::string(sender) + " has no parameter \"" +
                                            name + "\"; it has: " + joined(known));
  }
  return {};
}

}  // namespace mailweir::senders
