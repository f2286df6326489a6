// Classification: any reply gets the same ruling twice, with a rule that exists and a bounded wait.
#include <array>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "provider/catalogue.h"
#include "provider/reply_text.h"
#include "provider/unknown_refusals.h"
#include "provider/wait_hint.h"

using namespace mailweir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::array<std::string_view, 4> providers = {"", "google", "ms365", "orange"};
  const auto phase = static_cast<Phase>(data[0] % (static_cast<unsigned>(Phase::quit) + 1));
  const bool has_worked = (data[1] & 4U) != 0;
  const auto reply =
      provider::parse_reply_text({reinterpret_cast<const char*>(data) + 2, size - 2});
  if (!reply || reply->code < 400) return 0;
  const auto& catalogue = provider::Catalogue::embedded();
  const std::string_view provider = providers[data[1] % providers.size()];
  const auto ruling = catalogue.classify(provider, phase, *reply, has_worked);
  const auto again = catalogue.classify(provider, phase, *reply, has_worked);
  WEIR_ASSERT(ruling.rule == again.rule && ruling.wait == again.wait);
  WEIR_ASSERT(ruling.wait >= Duration::zero() && ruling.wait <= provider::wait_hint_max);
  WEIR_ASSERT(!ruling.rule.empty());
  if (ruling.is_unknown()) {
    provider::UnknownRefusals unknown;
    unknown.add(provider, *reply, UnixTime{});
    WEIR_ASSERT(unknown.total() == 1);
  }
  return 0;
}
