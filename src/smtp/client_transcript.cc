#include "smtp/client_transcript.h"

#include <fmt/format.h>

#include "mail/utf8.h"

namespace mailweir::smtp {
namespace {

constexpr std::string_view cut_mark = "[cut]\n";

bool is_auth(std::string_view command) {
  constexpr std::string_view verb = "AUTH ";
  if (command.size() < verb.size()) return false;
  for (std::size_t i = 0; i < verb.size(); ++i) {
    const char c = command[i];
    if ((c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c) != verb[i]) return false;
  }
  return true;
}

}  // namespace

void ClientTranscript::add(std::string_view prefix, std::string_view line) {
  if (is_cut_) return;
  std::string entry(prefix);
  append_escaped(entry, line);
  entry.push_back('\n');
  if (text_.size() + entry.size() + cut_mark.size() > bytes_max_) {
    is_cut_ = true;
    if (text_.size() + cut_mark.size() <= bytes_max_) text_.append(cut_mark);
    return;
  }
  text_.append(entry);
}

void ClientTranscript::sent(std::string_view command) {
  while (command.ends_with('\n') || command.ends_with('\r')) command.remove_suffix(1);
  add("C: ", is_auth(command) ? std::string_view("AUTH [not shown]") : command);
}

void ClientTranscript::sent_content(std::size_t bytes) {
  add("C: ", fmt::format("[content, {} bytes]", bytes));
}

void ClientTranscript::received(const Reply& reply) {
  std::string_view rest = reply.text;
  while (true) {
    const std::size_t end = rest.find('\n');
    const bool is_last = end == rest.npos;
    add("S: ", fmt::format("{}{}{}", reply.code, is_last ? ' ' : '-', rest.substr(0, end)));
    if (is_last) return;
    rest.remove_prefix(end + 1);
  }
}

void ClientTranscript::note(std::string_view what) {
  add("-- ", what);
}

}  // namespace mailweir::smtp
