#include "provider/mime_parts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "mail/header.h"
#include "mail/transfer_encoding.h"

namespace mailweir::provider {
namespace {

using ascii::lower;
using ascii::trimmed;

constexpr std::size_t boundary_max = 200;  // RFC 2046 section 5.1.1: 70

// What the header of a message or of a part says about its body.
struct Entity {
  std::string type;      // "text/plain"
  std::string boundary;  // empty: no multipart, or a broken one
  std::string encoding;
  std::size_t body = 0;  // offset
};

std::string boundary_of(std::string_view content_type) {
  constexpr std::string_view name = "boundary=";
  const std::size_t at = lower(content_type).find(name);
  if (at == std::string::npos) return {};
  std::string_view value = content_type.substr(at + name.size());
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    value = value.substr(0, value.find('"'));
  } else {
    value = value.substr(0, value.find_first_of("; \t"));
  }
  return value.size() <= boundary_max ? std::string(value) : std::string();
}

Entity read_entity(std::string_view text) {
  Entity entity{.type = "text/plain"};
  HeaderScanner header(text);
  while (const auto field = header.next()) {
    if (is_field(*field, "content-type")) {
      const std::string value = unfold(field->value.substr(0, 4096));
      entity.type = lower(trimmed(std::string_view(value).substr(0, value.find(';'))));
      if (entity.type.starts_with("multipart/")) entity.boundary = boundary_of(value);
    } else if (is_field(*field, "content-transfer-encoding")) {
      entity.encoding = unfold(field->value.substr(0, 100));
    }
  }
  entity.body = header.body_offset();
  return entity;
}

// A delimiter line of one of the multiparts around a place.
struct Delimiter {
  std::size_t begin = 0;
  std::size_t end = 0;    // behind its line end
  std::size_t level = 0;  // of the boundary, counted from the outermost
  bool is_close = false;
};

std::optional<Delimiter> next_delimiter(std::string_view message, std::size_t from,
                                        const std::vector<std::string>& boundaries) {
  while (from < message.size()) {
    const std::size_t newline = message.find('\n', from);
    const std::size_t end = newline == std::string_view::npos ? message.size() : newline + 1;
    std::string_view line = message.substr(from, end - from);
    if (line.starts_with("--")) {
      line = trimmed(line.substr(2, boundary_max + 8));
      for (std::size_t level = boundaries.size(); level-- > 0;) {
        if (!line.starts_with(boundaries[level])) continue;
        const std::string_view rest = line.substr(boundaries[level].size());
        if (rest.empty() || rest == "--")
          return Delimiter{.begin = from, .end = end, .level = level, .is_close = !rest.empty()};
      }
    }
    from = end;
  }
  return std::nullopt;
}

constexpr auto line_tags =
    std::to_array<std::string_view>({"br", "p", "/p", "div", "/div", "tr", "/tr", "li", "td", "h"});

constexpr auto entities = std::to_array<std::pair<std::string_view, char>>({{"&lt;", '<'},
                                                                            {"&gt;", '>'},
                                                                            {"&amp;", '&'},
                                                                            {"&quot;", '"'},
                                                                            {"&#39;", '\''},
                                                                            {"&nbsp;", ' '}});

// Good enough to find an address and a reply in it.
std::string text_of_html(std::string_view html) {
  constexpr std::size_t tag_max = 2048;
  std::string text;
  while (!html.empty()) {
    const std::size_t mark = html.find_first_of("<&");
    text += html.substr(0, mark);
    if (mark == std::string_view::npos) break;
    html.remove_prefix(mark);
    const std::size_t end = html.substr(0, tag_max).find('>');
    if (html.front() == '<' && end != std::string_view::npos) {
      const std::string tag = lower(html.substr(1, std::min<std::size_t>(end - 1, 5)));
      if (std::ranges::any_of(line_tags, [&](auto name) { return tag.starts_with(name); }))
        text += '\n';
      html.remove_prefix(end + 1);
      continue;
    }
    const auto* const entity = std::ranges::find_if(
        entities, [&](const auto& known) { return html.starts_with(known.first); });
    text += entity != entities.end() ? entity->second : html.front();
    html.remove_prefix(entity != entities.end() ? entity->first.size() : 1);
  }
  return text;
}

bool is_status_type(std::string_view type) {
  return type == "message/delivery-status" || type == "message/global-delivery-status";
}

class Collection {
 public:
  void take(const Entity& entity, std::string_view body) {
    const bool is_html = entity.type == "text/html";
    const bool is_status = is_status_type(entity.type);
    const bool is_text = entity.type.starts_with("text/") && entity.type != "text/rfc822-headers";
    // A multipart without a boundary is read as text.
    if (!is_text && !is_status && !entity.type.starts_with("multipart/")) return;
    std::string text = decode_transfer(body, entity.encoding);
    if (is_html) text = text_of_html(text);
    (is_html ? html_ : parts_).push_back({.is_status = is_status, .text = std::move(text)});
    has_plain_ = has_plain_ || (!is_html && !is_status);
  }

  std::vector<MimePart> finish() && {
    if (!has_plain_) std::ranges::move(html_, std::back_inserter(parts_));
    return std::move(parts_);
  }

 private:
  std::vector<MimePart> parts_;
  std::vector<MimePart> html_;
  bool has_plain_ = false;
};

}  // namespace

std::vector<MimePart> readable_parts(std::string_view message) {
  Collection collection;
  std::vector<std::string> boundaries;
  std::size_t at = 0;
  bool has_delimiter = false;
  for (std::size_t count = 0; count < MimeLimits::parts_max; ++count) {
    const Entity entity = read_entity(message.substr(at));
    const std::size_t body = at + entity.body;
    const bool is_multipart = !entity.boundary.empty() && boundaries.size() < MimeLimits::depth_max;
    if (is_multipart) boundaries.push_back(entity.boundary);
    auto delimiter = next_delimiter(message, body, boundaries);
    const std::size_t end = delimiter ? delimiter->begin : message.size();
    if (!is_multipart || (!delimiter && !has_delimiter))
      collection.take(entity, message.substr(body, end - body));
    // Behind the close of a multipart stands nothing that is meant for anybody.
    while (delimiter && delimiter->is_close) {
      boundaries.resize(delimiter->level);
      delimiter = next_delimiter(message, delimiter->end, boundaries);
    }
    if (!delimiter) break;
    has_delimiter = true;
    boundaries.resize(delimiter->level + 1);
    at = delimiter->end;
  }
  return std::move(collection).finish();
}

}  // namespace mailweir::provider
