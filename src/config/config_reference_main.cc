// Writes docs/configuration.md to standard output.
#include <cstdio>

#include "config/config_reference.h"

int main() {
  return std::fputs(mailweir::config::config_reference().c_str(), stdout) < 0 ? 1 : 0;
}
