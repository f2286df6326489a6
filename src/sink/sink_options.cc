#include "sink/sink_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

#include "base/nearest_name.h"

namespace mailweir::sink {
namespace {

using Task = CommandOptions::Task;
using Read = Result<void> (*)(CommandOptions& options, const std::string& value);

constexpr Bilingual unknown_option{"unknown option \"{}\"", "オプション \"{}\" はありません"};
constexpr Bilingual did_you_mean{"; did you mean {}?", "。{} ではありませんか"};
constexpr Bilingual see_help{"; `mailweir sink --help` lists them",
                             "。一覧は `mailweir sink --help` で表示されます"};
constexpr Bilingual needs_value{"{} needs a value: {}", "{} には値が必要です: {}"};
constexpr Bilingual bad_number{"{} must be a number from {} to {}, not \"{}\"",
                               "{} は {} から {} までの数です(\"{}\" は不可)"};
constexpr Bilingual bad_endpoint{
    "{} must be ADDRESS:PORT, as 127.0.0.1:2526, not \"{}\"",
    "{} は 127.0.0.1:2526 のような アドレス:ポート です(\"{}\" は不可)"};
constexpr Bilingual bad_setting{"--set must be NAME=VALUE, as penalty.share=0.5, not \"{}\"",
                                "--set は penalty.share=0.5 のような 名前=値 です(\"{}\" は不可)"};
constexpr Bilingual bad_language{"--lang must be en or ja, not \"{}\"",
                                 "--lang は en か ja です(\"{}\" は不可)"};

constexpr Bilingual with_settings{"set to {0}; as it comes it would be: {1}",
                                  "設定 {0}(既定: {1})"};

struct Option {
  std::string_view name;
  std::string_view value;  // what stands for its value in the help; empty: it takes none
  Bilingual meaning;
  Read read;
};

Result<void> wrong(std::string text) {
  return fail(Errc::invalid_argument, std::move(text));
}

template <class T>
Result<void> read_number(Language language, std::string_view name, const std::string& text, T least,
                         T most, T& number) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return wrong(say(language, bad_number, name, least, most, text));
  number = value;
  return {};
}

Result<Endpoint> read_endpoint(Language language, std::string_view name, const std::string& text) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) return fail(Errc::invalid_argument, say(language, bad_endpoint, name, text));
  return endpoint;
}

Result<void> read_language(CommandOptions& options, const std::string& value) {
  if (value != "en" && value != "ja") return wrong(say(options.language, bad_language, value));
  options.language = value == "ja" ? Language::japanese : Language::english;
  return {};
}

Result<void> read_listen(CommandOptions& options, const std::string& value) {
  WEIR_TRY(const auto endpoint, read_endpoint(options.language, "--listen", value));
  options.listen.push_back(endpoint);
  return {};
}

Result<void> read_http(CommandOptions& options, const std::string& value) {
  if (value == "off") {
    options.http.reset();
    return {};
  }
  WEIR_TRY(options.http, read_endpoint(options.language, "--http", value));
  return {};
}

Result<void> read_setting(CommandOptions& options, const std::string& value) {
  const auto equals = value.find('=');
  if (equals == 0 || equals == std::string::npos)
    return wrong(say(options.language, bad_setting, value));
  options.settings.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  return {};
}

template <std::string CommandOptions::* member>
Result<void> read_text(CommandOptions& options, const std::string& value) {
  options.*member = value;
  return {};
}

template <Task task>
Result<void> choose(CommandOptions& options, const std::string&) {
  options.task = task;
  return {};
}

constexpr std::array all_options = std::to_array<Option>({
    {"--personality",
     "NAME",
     {"which receiver to be [plain]; --list shows them",
      "受信側の種類 [plain]。一覧は --list で表示"},
     read_text<&CommandOptions::personality>},
    {"--set",
     "NAME=VALUE",
     {"a parameter of its models; may be given again; --parameters shows them",
      "モデルのパラメーター(繰り返し可)。一覧は --parameters で表示"},
     read_setting},
    {"--seed",
     "N",
     {"what its chances are drawn from [1]", "乱数の種 [1]"},
     [](CommandOptions& options, const std::string& value) {
       return read_number<std::uint64_t>(options.language, "--seed", value, 0, UINT64_MAX,
                                         options.seed);
     }},
    {"--listen",
     "ADDRESS:PORT",
     {"where to take mail [127.0.0.1:2526]; may be given again, each is one MX host",
      "待ち受け [127.0.0.1:2526](繰り返し可、1 つが 1 台の MX ホスト)"},
     read_listen},
    {"--http",
     "ADDRESS:PORT|off",
     {"where the page, the JSON and the control are [127.0.0.1:8026]",
      "画面・JSON・操作の待ち受け [127.0.0.1:8026]"},
     read_http},
    {"--ledger",
     "FILE",
     {"a line for each message taken, written before its 250", "受け取ったメール 1 通ごとの記録"},
     read_text<&CommandOptions::ledger_file>},
    {"--log",
     "FILE",
     {"a JSON line for each message taken and each step refused, with its time",
      "受け取りと拒否の記録(JSON、時刻つき)"},
     read_text<&CommandOptions::log_file>},
    {"--hostname",
     "NAME",
     {"what it calls itself [sink.localhost]", "名乗るホスト名 [sink.localhost]"},
     read_text<&CommandOptions::host_name>},
    {"--tls-dir",
     "FOLDER",
     {"where its certificate is kept, made if there is none [made for this run]",
      "証明書の置き場所。なければ作成 [実行ごとに作成]"},
     read_text<&CommandOptions::tls_folder>},
    {"--no-tls",
     "",
     {"does not offer STARTTLS", "STARTTLS を提供しない"},
     [](CommandOptions& options, const std::string&) {
       options.offers_tls = false;
       return Result<void>();
     }},
    {"--threads",
     "N",
     {"threads for sessions [2]", "セッション用のスレッド数 [2]"},
     [](CommandOptions& options, const std::string& value) {
       return read_number<std::size_t>(options.language, "--threads", value, 1, 64,
                                       options.threads);
     }},
    {"--list", "", {"shows the personalities and ends", "受信側の種類の一覧"}, choose<Task::list>},
    {"--parameters",
     "",
     {"shows the parameters of the chosen personality and ends",
      "選んだ受信側のパラメーターの一覧"},
     choose<Task::parameters>},
    {"--lang", "en|ja", {"language of the output", "表示言語"}, read_language},
    {"--help", "", {"shows this and ends", "この説明"}, choose<Task::help>},
});

const Option* find_option(std::string_view name) {
  const auto* const found = std::ranges::find(all_options, name, &Option::name);
  return found == all_options.end() ? nullptr : found;
}

std::string unknown(Language language, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& option : all_options) names.push_back(option.name);
  const auto nearest = nearest_name(name, names);
  return say(language, unknown_option, name) +
         (nearest.empty() ? say(language, see_help) : say(language, did_you_mean, nearest));
}

// The language first, so that what is wrong with the rest is said in it.
std::string language_in(std::span<const std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--lang" && i + 1 < arguments.size()) return arguments[i + 1];
    if (arguments[i].starts_with("--lang=")) return arguments[i].substr(7);
  }
  return {};
}

}  // namespace

Result<CommandOptions> read_options(const std::vector<std::string>& arguments, Language language) {
  CommandOptions options;
  options.language = language;
  const auto defaults = std::exchange(options.listen, {});
  if (const auto chosen = language_in(arguments); chosen == "en" || chosen == "ja")
    options.language = chosen == "ja" ? Language::japanese : Language::english;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    const auto equals = argument.find('=');
    const auto name = argument == "-h" ? "--help" : argument.substr(0, equals);
    const auto* option = find_option(name);
    if (option == nullptr) return fail(Errc::invalid_argument, unknown(options.language, name));
    std::string value;
    if (!option->value.empty()) {
      if (equals == std::string::npos && i + 1 == arguments.size())
        return fail(Errc::invalid_argument,
                    say(options.language, needs_value, name, option->value));
      value = equals == std::string::npos ? arguments[++i] : argument.substr(equals + 1);
    }
    WEIR_CHECK(option->read(options, value));
  }
  if (options.listen.empty()) options.listen = defaults;
  return options;
}

Result<world::ReceiverSpec> make_spec(const CommandOptions& options) {
  WEIR_TRY(auto spec, world::find_personality(options.personality));
  std::string settings;
  for (const auto& [name, value] : options.settings) {
    WEIR_CHECK(world::set_parameter(spec, name, value));
    settings += fmt::format("{}{}={}", settings.empty() ? "" : " ", name, value);
  }
  if (!settings.empty())
    spec.summary = say(options.language, with_settings, settings, spec.summary);
  return spec;
}

std::string help(Language language) {
  static constexpr Bilingual head{
      "A receiver with a memory: accepts mail from test senders over SMTP as a mailbox provider "
      "would,\nand throws it away.\n\nmailweir sink [--personality NAME] [OPTIONS]\n\n",
      "記憶を持つ受信サーバー。メールボックス事業者のように SMTP "
      "で応答し、受け取ったメールは捨てます。\n\nmailweir sink [--personality 名前] "
      "[オプション]\n\n"};
  std::string text(head.in(language));
  for (const auto& option : all_options) {
    const auto left = option.value.empty() ? std::string(option.name)
                                           : fmt::format("{} {}", option.name, option.value);
    text += fmt::format("  {:<26} {}\n", left, option.meaning.in(language));
  }
  static constexpr Bilingual tail{"\nManual: docs/sink.md\n", "\n説明書: docs/sink.md\n"};
  return text.append(tail.in(language));
}

}  // namespace mailweir::sink
