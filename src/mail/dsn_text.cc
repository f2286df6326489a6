#include "mail/dsn_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "mail/utf8.h"

namespace mailweir {
namespace {

// Octets of a reply quoted to a person; the report part has more.
constexpr std::size_t quote_max = 1000;

enum class Language : std::uint8_t { english, japanese };

struct Wording {
  std::string_view english;
  std::string_view japanese;
  std::string_view in(Language language) const {
    return language == Language::english ? english : japanese;
  }
};

// What RFC 3463 and the registry say, in words a sender understands. The first fitting row counts;
// -1 fits all.
struct Meaning {
  int subject;
  int detail;
  Wording wording;
};
constexpr std::array<Meaning, 16> meanings = {{
    {1, 1, {"The address does not exist.", "宛先のメールアドレスが存在しません。"}},
    {1, 2, {"The domain of the address does not exist.", "宛先のドメインが存在しません。"}},
    {1,
     6,
     {"The recipient has moved and left no new address.",
      "宛先の利用者は移転しており、新しいアドレスは不明です。"}},
    {1, 10, {"The domain accepts no mail.", "宛先のドメインはメールを受け取らない設定です。"}},
    {1, -1, {"The address is not valid there.", "宛先のメールアドレスが正しくありません。"}},
    {2, 1, {"The mailbox is disabled.", "宛先のメールボックスは利用停止中です。"}},
    {2, 2, {"The mailbox is full.", "宛先のメールボックスがいっぱいです。"}},
    {2,
     3,
     {"The message is too large for this mailbox.", "メールのサイズが宛先の上限を超えています。"}},
    {3,
     4,
     {"The message is too large for the remote server.",
      "メールのサイズが相手サーバーの上限を超えています。"}},
    {4, 6, {"The mail is sent in a loop.", "メールの配送経路がループしています。"}},
    {4,
     7,
     {"The remote server did not take the message in time.",
      "期限内に相手サーバーへ届けられませんでした。"}},
    {4, -1, {"The remote server could not be reached.", "相手サーバーに接続できませんでした。"}},
    {6,
     7,
     {"The remote server does not support international addresses.",
      "相手サーバーは国際化メールアドレスに対応していません。"}},
    {6,
     -1,
     {"The remote server cannot handle this kind of content.",
      "相手サーバーはこの形式のメールを扱えません。"}},
    {7,
     -1,
     {"The remote server refused the message by its policy.",
      "相手サーバーの受信ポリシーにより拒否されました。"}},
    {-1,
     -1,
     {"The remote server did not accept the message.",
      "相手サーバーがメールを受け付けませんでした。"}},
}};

const Wording& meaning_of(EnhancedStatus status) {
  const auto fits = [](int pattern, std::uint16_t value) {
    return pattern == -1 || pattern == value;
  };
  for (const Meaning& meaning : meanings) {
    if (fits(meaning.subject, status.subject) && fits(meaning.detail, status.detail))
      return meaning.wording;
  }
  return meanings.back().wording;
}

void append_line(std::string& out, std::string_view line) {
  out.append(line).append("\r\n");
}

// The front of outside text that is quoted; never cut within a character.
std::string_view quotable(std::string_view text) {
  std::size_t length = std::min(text.size(), quote_max);
  while (length > 0 && length < text.size() && (text[length] & '\xC0') == '\x80') --length;
  return text.substr(0, length);
}

// Text from outside: one line, whatever it holds.
void append_quote(std::string& out, std::string_view text) {
  append_escaped(out, quotable(text));
  if (text.size() > quote_max) out.append(" [...]");
}

void append_opening(std::string& out, const DsnRequest& request, DsnAudience audience,
                    Language language) {
  constexpr Wording automatic = {"This notice was made automatically by the mail server ",
                                 "これは自動送信のお知らせです。メールサーバー: "};
  constexpr Wording handed_in = {"The message was handed in on ", "メールの受付日時: "};
  constexpr Wording failed = {
      "It could not be delivered to the recipients below and is not tried again.",
      "次の宛先に届けることができませんでした。再送は行いません。"};
  constexpr Wording delayed = {
      "It could not be delivered yet to the recipients below. The server keeps trying; there\r\nis "
      "no need to send it again.",
      "次の宛先にまだ届けられていません。サーバーが自動で再送を続けますので、\r\n送り直す必要はあり"
      "ません。"};
  constexpr Wording relayed = {
      "It was handed on to the servers below, which do not confirm delivery. This is the "
      "last\r\nconfirmation for it.",
      "次の宛先のサーバーに引き渡しました。相手サーバーは配信確認に対応していないため、\r\nこれ以降"
      "の通知はありません。"};
  constexpr Wording double_bounce = {
      "The message had no return address (it was itself a notice), so nobody else is told.",
      "このメールには差出人(返送先)がないため(通知メールなど)、管理者にお知らせします。"};
  out.append(automatic.in(language));
  append_escaped(out, request.hostname);
  append_line(out, language == Language::english ? "." : "");
  out.append(handed_in.in(language)).append(to_rfc5322_date(request.message.received_at));
  append_line(out, language == Language::english ? "." : "");
  const Wording& what = request.action == DsnAction::failed    ? failed
                        : request.action == DsnAction::delayed ? delayed
                                                               : relayed;
  append_line(out, what.in(language));
  if (audience == DsnAudience::postmaster) append_line(out, double_bounce.in(language));
  append_line(out, "");
}

// "550 first line", then the other lines below it.
void append_reply(std::string& out, const Reply& reply) {
  std::string_view rest = quotable(reply.text);
  fmt::format_to(std::back_inserter(out), "      {}", reply.code);
  for (bool first = true; first || !rest.empty(); first = false) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out.append(first ? " " : "          ");
    append_escaped(out, rest.substr(0, end));
    append_line(out, "");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (reply.text.size() > quote_max) append_line(out, "          [...]");
}

void append_recipient(std::string& out, const DsnRecipient& recipient, DsnAction action,
                      Language language) {
  constexpr Wording reason = {"Reason: ", "理由: "};
  constexpr Wording expired = {"It was tried until its time ran out. ", "再送期限が過ぎました。"};
  constexpr Wording reply = {"Reply of ", "応答 "};
  constexpr Wording remote = {"the remote server", "相手サーバー"};
  out.append("  <");
  append_escaped(out, recipient.recipient.mailbox.text());
  append_line(out, ">");
  if (action != DsnAction::relayed) {
    out.append("    ").append(reason.in(language));
    if (action == DsnAction::failed && recipient.disposition == Disposition::expired)
      out.append(expired.in(language));
    append_line(out, meaning_of(recipient.status).in(language));
  }
  if (!recipient.explanation.empty()) {
    out.append("    ");
    append_quote(out, recipient.explanation);
    append_line(out, "");
  }
  if (recipient.reply.code != 0) {
    out.append("    ").append(reply.in(language));
    append_quote(out, recipient.remote_host.empty() ? remote.in(language)
                                                    : std::string_view(recipient.remote_host));
    append_line(out, ":");
    append_reply(out, recipient.reply);
  }
  append_line(out, "");
}

}  // namespace

std::string dsn_text(const DsnRequest& request, DsnAudience audience) {
  std::string out;
  out.reserve(1024 + 512 * request.recipients.size());
  for (const Language language : {Language::english, Language::japanese}) {
    if (language == Language::japanese) append_line(out, "----\r\n");
    append_opening(out, request, audience, language);
    for (const DsnRecipient& recipient : request.recipients) {
      append_recipient(out, recipient, request.action, language);
    }
  }
  return out;
}

}  // namespace mailweir
