// Addresses: whatever is accepted stays inside its limits and reads back as itself.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "mail/mailbox.h"
#include "mail/utf8.h"
#include "mail/xtext.h"

using namespace mailweir;

namespace {

void check_mailbox(std::string_view text, AddressCharset charset) {
  const auto mailbox = Mailbox::parse(text, charset);
  if (!mailbox) return;
  WEIR_ASSERT(mailbox->text().size() <= 254);
  WEIR_ASSERT(!mailbox->local_part().empty() && mailbox->local_part().size() <= 64);
  WEIR_ASSERT(!mailbox->domain().empty());
  WEIR_ASSERT(is_valid_utf8(mailbox->text()));
  WEIR_ASSERT(charset == AddressCharset::utf8 || mailbox->is_ascii());
  for (const char c : mailbox->text())
    WEIR_ASSERT(!is_control(static_cast<unsigned char>(c)) || (c & 0x80) != 0);
  const auto again = Mailbox::parse(mailbox->text(), charset);
  WEIR_ASSERT(again && *again == *mailbox);
  WEIR_ASSERT(Mailbox::from_parts(mailbox->local_part(), mailbox->domain()) == *mailbox);
}

void check_domain(std::string_view text) {
  const auto domain = normalize_domain(text, AddressCharset::utf8);
  if (!domain) return;
  const auto labels = to_a_labels(*domain);
  WEIR_ASSERT(labels && is_ascii(*labels) && labels->size() <= 253);
  WEIR_ASSERT(normalize_domain(*labels, AddressCharset::ascii).value() == *labels);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_mailbox(text, AddressCharset::ascii);
  check_mailbox(text, AddressCharset::utf8);
  check_domain(text);
  if (const auto recipient = parse_original_recipient(text, AddressCharset::utf8)) {
    WEIR_ASSERT(recipient->address.find_first_of("\r\n") == std::string::npos);
  }
  WEIR_ASSERT(decode_xtext(encode_xtext(text)).value() == text);
  return 0;
}
