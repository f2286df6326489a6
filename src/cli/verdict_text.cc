#include "cli/verdict_text.h"

#include <array>
#include <cstddef>

namespace mailweir::cli {
namespace {

using provider::Category;
using provider::Scope;

struct Words {
  std::string_view english;
  std::string_view japanese;

  std::string_view in(Language language) const {
    return language == Language::japanese ? japanese : english;
  }
};

constexpr std::array<Words, 11> categories = {{
    {"too much, too fast, for now", "送信の量か速さが多すぎる(一時的)"},
    {"too many connections at once", "同時接続が多すぎる"},
    {"refused whatever is sent, until released", "内容によらず拒否されている(解除まで)"},
    {"first contact: again later, from the same source", "初回のため後で同じ送信元から再送"},
    {"this recipient: unknown, full, disabled, or its own limit",
     "この宛先の事情(不明、容量超過、停止、受信上限)"},
    {"this message: spam, virus, size or form", "このメールの内容、大きさ、形式"},
    {"how we send: SPF, DKIM, DMARC, reverse DNS, TLS, sender domain",
     "送信側の設定(SPF、DKIM、DMARC、逆引き、TLS、差出人ドメイン)"},
    {"the receiver's own trouble", "受信側の障害"},
    {"the end of an idle or used-up session", "待機中または使い終えたセッションの終了"},
    {"temporary; no rule reads it", "一時的な拒否(該当する規則なし)"},
    {"permanent; no rule reads it", "恒久的な拒否(該当する規則なし)"},
}};

constexpr std::array<Words, 9> scopes = {{
    {"our IP at this provider", "このプロバイダーでの自社 IP"},
    {"our IP and its neighbours", "自社 IP とその近隣"},
    {"the sender's domain", "差出人ドメイン"},
    {"the signing domain (DKIM)", "署名ドメイン(DKIM)"},
    {"a link in the content", "本文中のリンク"},
    {"the recipient", "宛先"},
    {"the message", "メール"},
    {"their host or pool of hosts", "相手のホスト群"},
    {"the receiving organisation", "受信側の組織"},
}};

constexpr Words holds_path = {
    "holds the path source × provider, sends one canary at a time, then climbs step by step",
    "経路(送信元 × プロバイダー)を保留し、1 通ずつ試してから段階的に速度を戻します"};
constexpr Words holds_listed = {
    "keeps the mail, also after a 5yz: nothing bounces; holds the path until a canary gets "
    "through, "
    "and tells the operator",
    "5yz でも不達にせず待たせます。試しの 1 通が通るまで経路を保留し、運用者に知らせます"};
constexpr Words holds_domain = {"holds only the mail of that domain on this path",
                                "この経路で、そのドメインのメールだけを保留します"};
constexpr Words holds_tenant = {
    "holds only the mail to that organisation on this path; the mail waits",
    "この経路で、その組織宛てのメールだけを保留します"};
constexpr Words fewer_connections = {"opens fewer connections; the messages go on",
                                     "接続数を減らして送信を続けます"};
constexpr Words same_source = {"tries again later from the same source; the path is not slowed",
                               "後で同じ送信元から再送します。経路は遅くしません"};
constexpr Words retries_recipient = {"tries this recipient again later; the path is not slowed",
                                     "この宛先だけ後で再送します。経路は遅くしません"};
constexpr Words bounces_recipient = {"bounces this recipient; the path is not slowed",
                                     "この宛先を不達とします。経路は遅くしません"};
constexpr Words retries_message = {"tries this message again later; the path is not slowed",
                                   "このメールだけ後で再送します。経路は遅くしません"};
constexpr Words bounces_message = {"bounces this message; the path is not slowed",
                                   "このメールを不達とします。経路は遅くしません"};
constexpr Words retries = {"tries again at the usual intervals", "通常の間隔で再送します"};
constexpr Words retries_or_holds = {
    "tries again at the usual intervals; six such replies in a row with hardly a delivery between "
    "hold the path (fewer where a limit is known)",
    "通常の間隔で再送します。配送がほとんど成功しないまま 6 回ほど続くと経路を保留します"
    "(限度を学習済みならより少ない回数)"};
constexpr Words bounces_nothing = {
    "refused before any mail: nothing bounces, other hosts are tried, then later again; several in "
    "a row hold the path",
    "メールを渡す前の拒否なので不達にはしません。他のホストを試し、後で再試行します。続くと経路を保"
    "留"
    "します"};
constexpr Words reconnects = {"opens another connection at once", "すぐに接続し直します"};
constexpr Words retries_counted = {
    "tries again at the usual intervals, and counts it as unknown: a rule may be missing; six in a "
    "row with hardly a delivery between hold the path (fewer where a limit is known)",
    "通常の間隔で再送し、未知の応答として数えます(規則の追加を検討)。配送がほとんど成功しないまま "
    "6 回ほど続くと経路を保留します(限度を学習済みならより少ない回数)"};
constexpr Words bounces_counted = {"bounces it, and counts it as unknown: a rule may be missing",
                                   "不達とし、未知の応答として数えます(規則の追加を検討)"};

bool is_path(Scope scope) {
  return scope == Scope::source || scope == Scope::netblock || scope == Scope::host;
}

const Words& hold_of(Scope scope, bool is_listed) {
  if (is_path(scope)) return is_listed ? holds_listed : holds_path;
  if (scope == Scope::tenant || scope == Scope::recipient) return holds_tenant;
  return holds_domain;
}

const Words& action_of(const provider::Ruling& ruling, bool is_permanent) {
  switch (ruling.category) {
    case Category::throttled:
      return hold_of(ruling.scope, false);
    case Category::connection_limit:
      return fewer_connections;
    case Category::block_listed:
      return hold_of(ruling.scope, true);
    case Category::greylisted:
      return same_source;
    case Category::mailbox:
      return is_permanent ? bounces_recipient : retries_recipient;
    case Category::content:
    case Category::authentication:
      return is_permanent ? bounces_message : retries_message;
    case Category::receiver_trouble:
      if (is_permanent) return bounces_message;
      return is_path(ruling.scope) ? retries_or_holds : retries;
    case Category::session_end:
      return reconnects;
    case Category::unknown_temporary:
      return retries_counted;
    case Category::unknown_permanent:
      return bounces_counted;
  }
  return retries;
}

}  // namespace

std::string_view meaning_of(Category category, Language language) {
  return categories[static_cast<std::size_t>(category)].in(language);
}

std::string_view meaning_of(Scope scope, Language language) {
  return scopes[static_cast<std::size_t>(scope)].in(language);
}

std::string_view action_on(const provider::Ruling& ruling, Phase phase, bool is_permanent,
                           Language language) {
  const bool is_opening = phase == Phase::banner || phase == Phase::ehlo;
  const bool is_about_us = ruling.category == Category::throttled ||
                           ruling.category == Category::connection_limit ||
                           ruling.category == Category::block_listed;
  if (is_opening && !is_about_us) return bounces_nothing.in(language);
  return action_of(ruling, is_permanent).in(language);
}

}  // namespace mailweir::cli
