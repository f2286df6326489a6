// Writes docs/metrics.md to standard output.
#include <cstdio>

#include "operations/metric_set.h"

int main() {
  return std::fputs(mailweir::operations::metrics_reference().c_str(), stdout) < 0 ? 1 : 0;
}
