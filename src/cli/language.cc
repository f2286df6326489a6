#include "cli/language.h"

#include <array>

namespace mailweir::cli {
namespace {

struct Entry {
  Text text;
  std::string_view english;
  std::string_view japanese;
};

constexpr std::array entries = std::to_array<Entry>({
    {Text::unreachable,
     "cannot reach the server at {0}: {1}; is it running?\n"
     "Start it with script/server or `mailweir serve`, or name its socket with --socket.",
     "{0} のサーバーに接続できません({1})。起動していますか。\n"
     "script/server または `mailweir serve` で起動するか、--socket でソケットを指定してください。"},
    {Text::bad_answer, "the server at {0} gave no usable answer: {1}",
     "{0} のサーバーの応答を読み取れません: {1}"},
    {Text::no_answer, "the server at {0} does not answer: {1}",
     "{0} のサーバーが応答しません: {1}"},
    {Text::nothing_queued, "Nothing is queued.", "送信待ちはありません。"},
    {Text::one_recipient_queued, "1 recipient queued", "送信待ち 1 件"},
    {Text::recipients_queued, "{0} recipients queued", "送信待ち {0} 件"},
    {Text::delivering_to_none, "nothing is being delivered right now", "現在配送中の宛先なし"},
    {Text::delivering_to_one, "delivering to 1 provider", "1 プロバイダーへ配送中"},
    {Text::delivering_to, "delivering to {0} providers", "{0} プロバイダーへ配送中"},
    {Text::none_held, "nothing held", "保留なし"},
    {Text::some_held, "{0} held", "保留 {0} 件"},
    {Text::status_sentence, "{0}, oldest {1}; {2}; {3}.", "{0}(最も古いもの {1})、{2}、{3}。"},
    {Text::not_ready, "Not accepting mail: {0}.", "メールを受け付けていません: {0}"},
    {Text::sandbox,
     "Sandbox mode: everything is delivered into the built-in sink; nothing leaves this machine.",
     "サンドボックス動作中: すべて内蔵の受信サーバーへ配送され、外部には送信されません。"},
    {Text::since_start,
     "In the {0} since the start: {1} messages accepted; of their recipients {2} delivered, {3} "
     "bounced, {4} expired, "
     "{5} deleted; {6} deferrals.",
     "起動後 {0}: 受付 {1} 通、宛先ごとに配送完了 {2}、不達 {3}、期限切れ {4}、削除 {5}、延期 {6} "
     "回。"},
    {Text::server_line, "Mailweir {0} on {1}, {2}; data in {3}: {4} used, {5} free.",
     "Mailweir {0}({1})、{2}、データ {3}: 使用 {4}、空き {5}。"},
    {Text::file_config, "configured by {0}", "設定ファイル {0}"},
    {Text::default_config, "with built-in defaults", "既定の設定"},
    {Text::listening, "Listening: {0}", "待ち受け: {0}"},
    {Text::more_rows, "… and {0} more: {1}", "… ほか {0} 行: {1}"},
    {Text::provider_title, "PROVIDER", "プロバイダー"},
    {Text::domain_title, "DOMAIN", "ドメイン"},
    {Text::class_title, "CLASS", "クラス"},
    {Text::tenant_title, "TENANT", "テナント"},
    {Text::queued_title, "QUEUED", "合計"},
    {Text::ready_title, "READY", "送信可"},
    {Text::in_flight_title, "IN FLIGHT", "配送中"},
    {Text::deferred_title, "DEFERRED", "延期"},
    {Text::held_title, "HELD", "保留"},
    {Text::oldest_title, "OLDEST", "最古"},
    {Text::no_recipient_listed, "No recipient matches.", "該当する宛先はありません。"},
    {Text::next_page, "There may be more: add --after {0}",
     "続きがあります: --after {0} を付けてください"},
    {Text::time_ahead, "in {0}", "{0}後"},
    {Text::time_ago, "{0} ago", "{0}前"},
    {Text::on_its_way, "on its way", "配送中"},
    {Text::waits_route, "its MX hosts are being looked up", "MX を検索中"},
    {Text::waits_not_before, "not before {0}, as its sender asked",
     "送信者の指定により {0} まで待機"},
    {Text::waits_retry, "next try {0}", "次の試行 {0}"},
    {Text::waits_held, "until released", "解放されるまで"},
    {Text::waits_next_hop, "its servers cannot be reached; next try {0}",
     "相手のサーバーに到達できません。次の試行 {0}"},
    {Text::waits_connection, "all connections we allow ourselves are in use",
     "接続数の上限により待機"},
    {Text::waits_message_rate, "our message rate limit; permitted {0}",
     "送信レートの上限により待機、再開 {0}"},
    {Text::waits_connection_rate, "our connection rate limit; permitted {0}",
     "接続レートの上限により待機、再開 {0}"},
    {Text::waits_turn, "others go first", "順番待ち"},
    {Text::attempts_made, "attempts: {0}", "試行 {0} 回"},
    {Text::state_queued, "queued", "送信待ち"},
    {Text::state_deferred, "deferred", "延期"},
    {Text::state_held, "held", "保留"},
    {Text::state_delivered, "delivered", "配送完了"},
    {Text::state_bounced, "bounced", "不達"},
    {Text::state_expired, "expired", "期限切れ"},
    {Text::state_suppressed, "suppressed", "送信抑止"},
    {Text::state_deleted, "deleted", "削除"},
    {Text::from_label, "From", "差出人"},
    {Text::received_label, "Received", "受付"},
    {Text::received_from, "{0} from {1}", "{0} {1} より"},
    {Text::class_label, "Class", "クラス"},
    {Text::size_label, "Size", "サイズ"},
    {Text::not_before_label, "Not before", "送信開始"},
    {Text::expires_label, "Expires", "期限"},
    {Text::deadline_label, "Wanted by", "希望期限"},
    {Text::tenant_label, "Tenant", "テナント"},
    {Text::pool_label, "Pool", "プール"},
    {Text::recipients_label, "Recipients", "宛先"},
    {Text::headers_label, "Headers", "ヘッダー"},
    {Text::event_received, "received from {0} ({1}): {2} → {3}, {4}, class {5}",
     "受付 {0}({1}): {2} → {3}、{4}、クラス {5}"},
    {Text::event_attempt, "attempt {0}, {1}: {2}", "試行 {0}、{1}: {2}"},
    {Text::event_settled, "{0}: {1}", "{0}: {1}"},
    {Text::event_operator, "{0} by {1}", "{0}({1})"},
    {Text::event_dsn, "report {0} sent to {1}", "不達通知 {0} を {1} へ送信"},
    {Text::event_timings, "took {0}", "所要 {0}"},
    {Text::event_next, "next try {0}", "次の試行 {0}"},
    {Text::event_no_reply, "no reply at {0}: {1}", "{0} で応答なし: {1}"},
    {Text::in_clear, "in clear", "平文"},
    {Text::no_events, "The event log has nothing about {0}.", "{0} の記録はありません。"},
    {Text::would_retry, "Messages that would be tried at once: {0}.",
     "{0} 通がすぐに再試行の対象になります。"},
    {Text::would_hold, "Messages that would be held: {0}.", "{0} 通が保留の対象になります。"},
    {Text::would_release, "Messages that would be released: {0}.",
     "{0} 通が保留解除の対象になります。"},
    {Text::would_delete, "Messages that would be deleted: {0}.", "{0} 通が削除の対象になります。"},
    {Text::did_retry, "Messages tried at once: {0}.", "{0} 通をすぐに再試行します。"},
    {Text::did_hold, "Messages held: {0}.", "{0} 通を保留しました。"},
    {Text::did_release, "Messages released: {0}.", "{0} 通の保留を解除しました。"},
    {Text::did_delete, "Messages deleted: {0}.", "{0} 通を削除しました。"},
    {Text::not_queued, "not queued: {0}", "送信待ちにありません: {0}"},
    {Text::confirm_delete,
     "Messages to delete for good, without telling their senders: {0}. Type yes: ",
     "{0} 通を完全に削除します(送信者には通知されません)。yes と入力してください: "},
    {Text::not_confirmed, "nothing was deleted", "何も削除していません"},
    {Text::confirm_needs_terminal,
     "delete asks before it deletes, and there is no terminal to ask on; add --yes",
     "削除の確認ができません(端末がありません)。--yes を付けてください"},
    {Text::nothing_matches, "No message matches.", "該当するメッセージはありません。"},
    {Text::reloaded, "The new configuration is in force.", "新しい設定を適用しました。"},
    {Text::reload_waits,
     "Nothing changes before the server is started again:", "再起動するまで変更は反映されません:"},
    {Text::unchanged, "The configuration is the same as before.", "設定に変更はありません。"},
    {Text::config_valid, "{0}: the configuration is valid", "{0}: 設定は正しいです"},
    {Text::config_is_invalid,
     "{0}: the configuration is not valid; a running server keeps its old one",
     "{0}: 設定に誤りがあります。稼働中のサーバーは以前の設定を使い続けます"},
    {Text::recipient_label, "recipient", "宛先"},
    {Text::provider_label, "provider", "プロバイダー"},
    {Text::provider_unknown, "not known: only the general rules were asked",
     "不明(一般規則のみで判定)"},
    {Text::phase_label, "phase", "段階"},
    {Text::category_label, "means", "意味"},
    {Text::scope_label, "about", "対象"},
    {Text::wait_label, "wait", "待ち時間"},
    {Text::rule_label, "rule", "規則"},
    {Text::action_label, "Mailweir", "Mailweir"},
    {Text::category_title, "CATEGORY", "分類"},
    {Text::count_title, "COUNT", "件数"},
    {Text::meaning_title, "MEANS", "意味"},
    {Text::rules_title, "RULES", "規則"},
    {Text::samples_title, "SAMPLES", "実例"},
    {Text::limits_title, "LIMITS", "制限"},
    {Text::name_title, "NAME", "名称"},
    {Text::unknown_refusals, "Unknown refusals: {0}. Add a rule (docs/providers.md):",
     "未知の応答 {0} 件。規則を追加してください(docs/providers.md):"},
    {Text::no_refusal_found, "there is no refusal (4nn or 5nn) in the input",
     "入力に拒否の応答(4nn、5nn)がありません"},
    {Text::no_such_phase,
     "there is no phase \"{0}\"; try banner, ehlo, mail, rcpt, data, end_of_data",
     "段階 \"{0}\" はありません。banner、ehlo、mail、rcpt、data、end_of_data "
     "のいずれかを指定してください"},
    {Text::no_such_provider, "there is no provider \"{0}\"; `mailweir catalogue` lists them",
     "プロバイダー \"{0}\" はありません。`mailweir catalogue` で一覧できます"},
    {Text::catalogue_valid, "{0} rules of {1} files: nothing is wrong",
     "規則 {0} 件、ファイル {1} 件: 誤りはありません"},
});

constexpr std::size_t count_of(std::string_view text, char digit) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '{' && text[i + 1] == digit && text[i + 2] == '}') ++count;
  }
  return count;
}

// Every text stands where its name says, in both languages, with the same blanks to fill.
constexpr bool is_complete() {
  if (entries.size() != static_cast<std::size_t>(Text::count_)) return false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (static_cast<std::size_t>(entry.text) != i || entry.english.empty() ||
        entry.japanese.empty())
      return false;
    for (char digit = '0'; digit <= '9'; ++digit) {
      if (count_of(entry.english, digit) != count_of(entry.japanese, digit)) return false;
    }
  }
  return true;
}
static_assert(is_complete());

}  // namespace

std::string_view text_of(Language language, Text text) {
  const Entry& entry = entries[static_cast<std::size_t>(text)];
  return language == Language::japanese ? entry.japanese : entry.english;
}

Language language_of_locale(std::string_view locale) {
  return locale.starts_with("ja") ? Language::japanese : Language::english;
}

}  // namespace mailweir::cli
