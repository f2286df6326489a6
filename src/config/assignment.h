// Which class, tenant and egress pool a message gets: the first [[assign]] whose conditions all
// hold.
#pragma once

#include <string_view>

#include "config/config.h"

namespace mailweir::config {

struct Submission {
  std::string_view sender;          // the reverse-path, empty for the null one
  std::string_view client_address;  // empty when there was no network client
  std::string_view listener;
};

struct Assigned {
  std::string_view message_class;  // never empty
  std::string_view tenant;         // may be empty
  std::string_view pool;           // empty: the pool of the class
};

// Views into `config`, which is complete. Allocates nothing.
Assigned assign(const Config& config, const Submission& submission);

// "example.com" matches itself, "*.example.com" every name below it, "*" every name. Case is of no
// account.
bool matches_domain(std::string_view pattern, std::string_view domain);

}  // namespace mailweir::config
