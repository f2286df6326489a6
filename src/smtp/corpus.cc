#include "smtp/corpus.h"

#include <fstream>
#include <sstream>
#include <string_view>

#include "base/assert.h"

namespace mailweir::smtp {
namespace {

// One escape starting behind the backslash at `at`; moves `at` behind it.
char unescape_one(std::string_view text, std::size_t& at) {
  const char c = text.at(at++);
  switch (c) {
    case 'r':
      return '\r';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case '0':
      return '\0';
    case 'x':
      at += 2;
      return static_cast<char>(std::stoi(std::string(text.substr(at - 2, 2)), nullptr, 16));
    default:
      return c;
  }
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c == '\\') {
      out += unescape_one(text, at);
    } else if (c == '{') {
      const auto star = text.find('*', at);
      const auto count = std::stoul(std::string(text.substr(at, star - at)));
      out.append(count, text.at(star + 1));
      at = star + 3;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::vector<CorpusCase> read_corpus(const std::string& file) {
  std::ifstream stream(std::string(MAILWEIR_CORPUS) + "/" + file);
  std::vector<CorpusCase> cases;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream columns(line);
    CorpusCase entry;
    std::string octets;
    std::getline(columns, entry.name, '\t');
    std::getline(columns, entry.outcome, '\t');
    std::getline(columns, octets);
    entry.octets = unescape(octets);
    cases.push_back(std::move(entry));
  }
  WEIR_ASSERT(!cases.empty());
  return cases;
}

std::string smuggling_stream(const std::string& vector) {
  return "Subject: outer\r\n\r\nbefore" + vector +
         "MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<smuggled@example.net>\r\nDATA\r\n"
         "Subject: smuggled\r\n\r\nafter\r\n.\r\n";
}

}  // namespace mailweir::smtp
