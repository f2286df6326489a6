#include "mail/dot_stuffing.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir {
namespace {

constexpr std::size_t block = 512;

// Offset of the next dot behind a CRLF, from `begin` (>= 2) on; the content's size when there is
// none. Works in blocks whose inner loop has no branch, so that the compiler makes vector code of
// it: several times as fast as memmem.
std::size_t next_dot(std::string_view content, std::size_t begin) {
  const char* const text = content.data();
  const std::size_t size = content.size();
  while (begin < size) {
    const std::size_t end = std::min(begin + block, size);
    unsigned char found = 0;
    for (std::size_t i = begin; i < end; ++i) {
      found = static_cast<unsigned char>(found | ((text[i] == '.') & (text[i - 1] == '\n')));
    }
    if (found != 0) {
      for (std::size_t i = begin; i < end; ++i) {
        if (text[i] == '.' && text[i - 1] == '\n' && text[i - 2] == '\r') return i;
      }
    }
    begin = end;
  }
  return size;
}

// Calls `piece` with the runs of `content` that are sent as they are; a dot goes between every two
// of them.
template <class Piece>
void for_each_run(std::string_view content, Piece piece) {
  std::size_t begin = 0;
  std::size_t dot = content.starts_with('.') ? 0 : next_dot(content, 2);
  while (dot < content.size()) {
    piece(content.substr(begin, dot - begin));
    begin = dot;
    dot = next_dot(content, std::max<std::size_t>(begin + 1, 2));
  }
  piece(content.substr(begin));
}

std::string_view ending(std::string_view content) {
  return content.empty() || content.ends_with("\r\n") ? ".\r\n" : "\r\n.\r\n";
}

}  // namespace

bool needs_dot_stuffing(std::string_view content) {
  return content.starts_with('.') || next_dot(content, 2) < content.size();
}

bool has_strict_lines(std::string_view content) {
  // A CR must stand before each LF and nowhere else. In blocks without a branch, as above.
  const char* const text = content.data();
  std::size_t begin = 0;
  char previous = ' ';
  while (begin < content.size()) {
    const std::size_t end = std::min(begin + block, content.size());
    const bool broken_before = (previous == '\r') != (text[begin] == '\n');
    auto bad = static_cast<unsigned char>(broken_before | (text[begin] == '\0'));
    for (std::size_t i = begin + 1; i < end; ++i) {
      const bool broken = (text[i - 1] == '\r') != (text[i] == '\n');
      bad = static_cast<unsigned char>(bad | broken | (text[i] == '\0'));
    }
    if (bad != 0) return false;
    previous = text[end - 1];
    begin = end;
  }
  return previous != '\r';
}

void append_dot_stuffed(std::string& out, std::string_view content) {
  out.reserve(out.size() + content.size() + 8);
  bool first = true;
  for_each_run(content, [&](std::string_view run) {
    if (!first) out.push_back('.');
    first = false;
    out.append(run);
  });
  out.append(ending(content));
}

DataSpans::DataSpans(std::string_view content) {
  constexpr std::size_t runs_max = spans_max / 2;  // each run with the dot or the ending behind it
  std::size_t runs = 0;
  for_each_run(content, [&](std::string_view run) {
    if (++runs > runs_max) return;
    if (runs > 1) add(".");
    add(run);
  });
  if (runs <= runs_max) {
    add(ending(content));
    return;
  }
  append_dot_stuffed(copy_, content);
  spans_[0] = copy_;
  count_ = 1;
  size_ = copy_.size();
}

void DataSpans::add(std::string_view span) {
  if (span.empty()) return;
  WEIR_ASSERT(count_ < spans_max);
  spans_[count_++] = span;
  size_ += span.size();
}

}  // namespace mailweir
