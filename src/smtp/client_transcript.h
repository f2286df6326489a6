// A ClientTranscript writes down an SMTP dialogue for people: "C: " and "S: " lines, control
// characters escaped, content left out, credentials replaced, cut at a limit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mail/reply.h"

namespace mailweir::smtp {

class ClientTranscript {
 public:
  explicit ClientTranscript(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void sent(std::string_view
                command);  // trailing CRLF is left out; the arguments of AUTH are never shown
  void sent_content(std::size_t bytes);
  void received(const Reply& reply);  // a line for each of its lines
  void note(std::string_view what);   // what happened instead of a reply

  std::string take() { return std::move(text_); }

 private:
  void add(std::string_view prefix, std::string_view line);

  std::size_t bytes_max_;
  bool is_cut_ = false;
  std::string text_;
};

}  // namespace mailweir::smtp
