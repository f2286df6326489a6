// Reads the tables of tests/corpus (see the README there). For tests only.
#pragma once

#include <string>
#include <vector>

namespace mailweir::smtp {

struct CorpusCase {
  std::string name;
  std::string outcome;
  std::string octets;  // unescaped
};

std::vector<CorpusCase> read_corpus(const std::string& file);

// The stream behind a 354 that a vector of smuggling.txt stands for.
std::string smuggling_stream(const std::string& vector);

}  // namespace mailweir::smtp
