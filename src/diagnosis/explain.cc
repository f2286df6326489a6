#include "diagnosis/explain.h"

#include <fmt/format.h>

namespace mailweir::diagnosis {
namespace {

struct Say {
  bool japanese = false;
  std::string_view operator()(std::string_view english, std::string_view other) const {
    return japanese ? other : english;
  }
};

std::string_view word(Sign sign, const Say& say) {
  switch (sign) {
    case Sign::reached:
      return say("reached", "到達");
    case Sign::timed_out:
      return say("no reply", "応答なし");
    case Sign::refused:
      return say("refused", "接続拒否");
    case Sign::unreachable:
      return say("unreachable", "到達不能");
    case Sign::dropped:
      return say("closed without a word", "無言で切断");
    case Sign::tls_cut:
      return say("TLS cut", "TLS切断");
  }
  return "";
}

std::uint32_t all(const Tally& tally) {
  return tally.reached + tally.failed;
}

std::string share(const Tally& tally, const Say& say) {
  return say.japanese ? fmt::format("{}件中{}件", all(tally), tally.reached)
                      : fmt::format("{} of {}", tally.reached, all(tally));
}

std::string with_share(std::string_view what, const Tally& tally, const Say& say) {
  return fmt::format("{} {}", what, share(tally, say));
}

std::string head(const Finding& finding, const Names& names, const Say& say) {
  switch (finding.cause) {
    case Cause::ip_blocked:
      return say.japanese ? fmt::format("{}は{}にだけ応答しない", names.provider, names.source)
                          : fmt::format("{} is silent to {} alone", names.provider, names.source);
    case Cause::provider_down:
      return say.japanese ? fmt::format("{}にはどの送信元からも届かない", names.provider)
                          : fmt::format("nobody reaches {}", names.provider);
    case Cause::host_down:
      return say.japanese
                 ? fmt::format("{}のホスト{}にだけ届かない", names.provider, names.host)
                 : fmt::format("nobody reaches {}, one host of {}", names.host, names.provider);
    case Cause::egress_down:
      if (finding.source == none)
        return std::string(say("none of our sources reaches anybody: our own way out is down",
                               "どの送信元からもどこにも届かない（自側の回線障害）"));
      return say.japanese ? fmt::format("{}からはどこにも届かない（自側の障害）", names.source)
                          : fmt::format("{} reaches nobody: its own way out is down", names.source);
    case Cause::dns_trouble:
      return std::string(say("names do not resolve", "名前解決ができない"));
  }
  return "";
}

// What the accused did, then its siblings; none where nothing was tried.
std::string evidence(const Finding& finding, const Names& names, const Say& say) {
  const Evidence& of = finding.evidence;
  switch (finding.cause) {
    case Cause::ip_blocked: {
      const std::string elsewhere =
          all(of.other_providers) == 0
              ? fmt::format(
                    fmt::runtime(say("{} sent nowhere else, so its own way out is not ruled "
                                     "out",
                                     "{}は他に送っておらず、自側の障害も否定できない")),
                    names.source)
              : with_share(say.japanese ? fmt::format("{}から他へは", names.source)
                                        : fmt::format("{} elsewhere", names.source),
                           of.other_providers, say);
      return fmt::format(
          "{}; {}; {}",
          with_share(say.japanese ? fmt::format("{}→{}の到達", names.source, names.provider)
                                  : fmt::format("{} reached {}", names.source, names.provider),
                     of.accused, say),
          with_share(say("other sources", "他の送信元"), of.other_sources, say), elsewhere);
    }
    case Cause::provider_down:
      return fmt::format("{}; {}", with_share(say("reached", "到達"), of.accused, say),
                         with_share(say("other providers", "他の事業者"), of.other_providers, say));
    case Cause::host_down:
      return fmt::format("{}; {}", with_share(say("reached", "到達"), of.accused, say),
                         with_share(say("its other hosts", "他のホスト"), of.other_hosts, say));
    case Cause::egress_down:
      if (finding.source == none) return with_share(say("reached", "到達"), of.accused, say);
      return fmt::format("{}; {}", with_share(say("reached", "到達"), of.accused, say),
                         with_share(say("other sources", "他の送信元"), of.other_sources, say));
    case Cause::dns_trouble:
      break;
  }
  return with_share(say("answered look-ups", "応答した問い合わせ"), of.accused, say);
}

}  // namespace

std::string explain(const Finding& finding, const Names& names, Language language) {
  const Say say{language == Language::japanese};
  const std::string facts = evidence(finding, names, say);
  if (finding.cause == Cause::dns_trouble)
    return fmt::format("{}: {}", head(finding, names, say), facts);
  return fmt::format("{} ({}: {}): {}", head(finding, names, say),
                     to_string(finding.evidence.phase), word(finding.evidence.sign, say), facts);
}

}  // namespace mailweir::diagnosis
