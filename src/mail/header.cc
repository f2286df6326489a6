#include "mail/header.h"

#include <algorithm>

namespace mailweir {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// ftext of RFC 5322 section 3.6.8.
bool is_name_char(char c) {
  return c > ' ' && c < '\x7F' && c != ':';
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view without_line_end(std::string_view line) {
  if (!line.ends_with('\n')) return line;
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Offset just behind the line that begins at `begin`.
std::size_t line_end(std::string_view content, std::size_t begin) {
  const std::size_t newline = content.find('\n', begin);
  return newline == std::string_view::npos ? content.size() : newline + 1;
}

// Length of the field name in front of `line`, 0 when it does not begin a field. `colon` receives
// the colon's place: white space before it is the obsolete syntax of RFC 5322 section 4.5.
std::size_t name_length(std::string_view line, std::size_t& colon) {
  std::size_t length = 0;
  while (length < line.size() && is_name_char(line[length])) ++length;
  colon = length;
  while (colon < line.size() && is_blank(line[colon])) ++colon;
  return colon < line.size() && line[colon] == ':' ? length : 0;
}

}  // namespace

std::optional<HeaderField> HeaderScanner::finish(HeaderEnd end, std::size_t body_offset) {
  finished_ = true;
  end_ = end;
  body_offset_ = body_offset;
  return std::nullopt;
}

std::optional<HeaderField> HeaderScanner::next() {
  if (finished_) return std::nullopt;
  // Two octets more than the limit show that it is passed, or that the blank line follows; no more
  // is ever looked at.
  const std::string_view seen = content_.substr(0, bytes_max + 2);
  if (position_ == content_.size()) return finish(HeaderEnd::no_body, position_);

  std::size_t end = line_end(seen, position_);
  const std::string_view first = without_line_end(seen.substr(position_, end - position_));
  if (first.empty()) return finish(HeaderEnd::blank_line, end);
  std::size_t colon = 0;
  const std::size_t name = name_length(first, colon);
  if (end > bytes_max) return finish(HeaderEnd::too_large, position_);
  if (name == 0) return finish(HeaderEnd::not_a_field, position_);
  if (fields_ == fields_max) return finish(HeaderEnd::too_many, position_);

  while (end < seen.size() && is_blank(seen[end])) end = line_end(seen, end);
  if (end > bytes_max) return finish(HeaderEnd::too_large, position_);

  HeaderField field;
  field.whole = seen.substr(position_, end - position_);
  field.name = field.whole.substr(0, name);
  field.value = without_line_end(field.whole.substr(colon + 1));
  position_ = end;
  ++fields_;
  return field;
}

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, is_name_char);
}

bool is_field(const HeaderField& field, std::string_view name) {
  return equal_without_case(field.name, name);
}

bool has_name_prefix(const HeaderField& field, std::string_view prefix) {
  return equal_without_case(field.name.substr(0, prefix.size()), prefix);
}

std::size_t count_fields(std::string_view content, std::string_view name) {
  HeaderScanner scanner(content);
  std::size_t count = 0;
  while (const auto field = scanner.next()) count += is_field(*field, name) ? 1 : 0;
  return count;
}

std::optional<std::string_view> first_value(std::string_view content, std::string_view name) {
  HeaderScanner scanner(content);
  while (const auto field = scanner.next()) {
    if (is_field(*field, name)) return field->value;
  }
  return std::nullopt;
}

std::string signing_domain(std::string_view content) {
  const auto signature = first_value(content, "DKIM-Signature");
  if (!signature) return {};
  std::string tags;
  for (const char c : *signature) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    tags += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  for (std::size_t at = 0; at < tags.size();) {
    const std::size_t end = std::min(tags.find(';', at), tags.size());
    if (tags.compare(at, 2, "d=") == 0) return tags.substr(at + 2, end - at - 2);
    at = end + 1;
  }
  return {};
}

std::string unfold(std::string_view value) {
  std::string line;
  line.reserve(value.size());
  for (const char c : value) {
    if (c == '\r' || c == '\n') continue;
    if (line.empty() && is_blank(c)) continue;
    line.push_back(c);
  }
  while (!line.empty() && is_blank(line.back())) line.pop_back();
  return line;
}

std::size_t remove_fields(std::string& content, std::string_view name_prefix) {
  HeaderScanner scanner(content);
  std::size_t removed = 0;
  std::size_t kept = 0;  // fields before this offset stay, moved together
  while (const auto field = scanner.next()) {
    const auto begin = static_cast<std::size_t>(field->whole.data() - content.data());
    if (has_name_prefix(*field, name_prefix)) {
      ++removed;
      continue;
    }
    // Moves only octets that the scanner has passed: what it still has to read stays in place.
    if (begin != kept) {
      std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(begin), field->whole.size(),
                  content.begin() + static_cast<std::ptrdiff_t>(kept));
    }
    kept += field->whole.size();
  }
  content.erase(kept, scanner.fields_size() - kept);
  return removed;
}

}  // namespace mailweir
