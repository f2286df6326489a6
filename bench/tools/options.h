// `--name value` and `--flag` arguments of the load tools. Any mistake prints a sentence and ends
// the program with 2.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace weir_tools {

[[noreturn]] inline void fail(std::string_view what, std::string_view detail = {}) {
  std::fprintf(stderr, "%.*s %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(detail.size()), detail.data());
  std::exit(2);
}

template <class Number>
Number number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) fail("not a number:", text);
  return value;
}

// "127.0.0.1:2525".
inline sockaddr_in address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) fail("expected ADDRESS:PORT, got", text);
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(number<std::uint16_t>(std::string_view(text).substr(colon + 1)));
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &result.sin_addr) != 1)
    fail("not an IPv4 address:", text);
  return result;
}

// Walks argv. `next_name()` is empty at the end; `value()` is the word after the name.
class Arguments {
 public:
  Arguments(int argc, char** argv) : argc_(argc), argv_(argv) {}
  std::string_view next_name() {
    return ++at_ < argc_ ? std::string_view(argv_[at_]) : std::string_view{};
  }
  std::string value() {
    const std::string_view name = argv_[at_];
    if (++at_ >= argc_) fail("a value is missing after", name);
    return argv_[at_];
  }

 private:
  int argc_;
  char** argv_;
  int at_ = 0;
};

}  // namespace weir_tools
