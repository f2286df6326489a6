#include "engine/cell_keeper.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/kept_image.h"
#include "engine/recalled.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

// Somebody stands out beyond doubt: most of the path's mail, and far more than it usually sends.
constexpr double suspect_share_min = 0.5;
constexpr double suspect_share_max = 0.98;  // alone on the path: the hold says it all
constexpr double suspect_growth_min = 3.0;
// Campaigns are new by nature: that one has grown says something if its tenant sends more than
// usual with it.
constexpr double its_tenant_growth_min = 1.5;
constexpr double suspect_slack = 1.5;  // over its ordinary rate
constexpr double rate_least = 0.05;
constexpr Duration suspect_for = 1h;
constexpr Duration usual_after = 6h;  // since the last hold

}  // namespace

// A cell begins in the midst of things: it is believed to have carried what all went to the
// provider lately, and learns the rest from its own refusals.
pacing::LearningSettings CellKeeper::settings_of(std::uint32_t provider, Instant now,
                                                 std::string_view network) const {
  constexpr auto ten_minutes = static_cast<std::size_t>(pacing::Window::ten_minutes);
  double sent = 0.0;
  for (const std::uint32_t path : next_hops_.providers[provider].paths) {
    if (path == no_index || paths_[path].pacer->controller() == nullptr) continue;
    if (!network.empty() && settings_.network_of(paths_[path].source) != network) continue;
    sent += paths_[path].pacer->controller()->state(now).counts[ten_minutes];
  }
  const EngineConfig& config = settings_.config();
  pacing::LearningSettings settings;
  settings.start_rate = std::max(rate_least, sent / 600.0);
  settings.concurrency_max = network.empty()
                                 ? config.caps.connections_max * config.transactions_ahead
                                 : std::numeric_limits<std::uint32_t>::max();  // paths have theirs
  return settings;
}

std::string_view CellKeeper::network_of(const Message& message) const {
  const auto its_class = static_cast<std::uint8_t>(message.message_class);
  return settings_.network_of_pool(settings_.effective_pool(message.pool, its_class));
}

const Cell* CellKeeper::network_cell(std::uint32_t p) const {
  const Path& path = paths_[p];
  const auto is_shared = [&](std::uint8_t pool) {
    return !settings_.network_of_pool(pool).empty();
  };
  if (!table.has_any(path.provider) ||
      !std::ranges::any_of(settings_.pools_of(path.source), is_shared))
    return nullptr;
  const std::uint32_t name = ledger_.mail_domains.find(settings_.network_of(path.source));
  if (name == no_index) return nullptr;
  const std::uint32_t cell = table.find(path.provider, CellKind::network, name);
  return cell == no_index ? nullptr : &table.cells[cell];
}

void CellKeeper::forget_network(std::uint32_t p, Forgotten& forgotten, Instant now) {
  const Cell* network = network_cell(p);
  if (network == nullptr) return;
  forget(table.cells[table.find(paths_[p].provider, CellKind::network, network->name)], forgotten,
         now);
}

void CellKeeper::forget(std::uint32_t provider, Forgotten& forgotten, Instant now) {
  std::vector<std::uint32_t> known;
  table.each_of(provider, [&](const Cell& cell) {
    known.push_back(table.find(provider, cell.kind, cell.name));
  });
  for (const std::uint32_t index : known) {
    const Cell& cell = table.cells[index];
    const PathName name{name_of(cell), next_hops_.providers[provider].key()};
    if (cell.controller->state(now).episodes > 0) forgotten.cells.push_back(name);
    if (cell.ceiling_until != never) forgotten.slowed.push_back(name);
    forget(table.cells[index], forgotten, now);
  }
}

// What waits for it comes when its time is there, and then goes at once.
void CellKeeper::forget(Cell& cell, Forgotten& forgotten, Instant now) {
  if (std::string image = image_to_keep(cell, now); !image.empty()) {
    forgotten.images.try_emplace(
        {std::string(cell_mark) + name_of(cell), next_hops_.providers[cell.provider].key()},
        ForgottenImage{std::move(image), {}});
  }
  const std::string_view network = cell.kind == CellKind::network
                                       ? std::string_view(ledger_.mail_domains[cell.name])
                                       : std::string_view();
  cell.controller->forget(settings_of(cell.provider, now, network), now);
  cell.next_slots = {};
  cell.ceiling_until = never;
  cell.last = {};
}

CellsMet CellKeeper::met_by(const Message& message, std::uint32_t provider) const {
  if (!table.has_any(provider)) return {};
  const std::string_view network = network_of(message);
  const std::uint32_t name = network.empty() ? no_index : ledger_.mail_domains.find(network);
  return table.met_by(message, name, provider);
}

void CellKeeper::tell(const Cell& cell, Notice::Kind kind, const AttemptEnd& end, Instant now) {
  Notice notice;
  notice.kind = kind;
  notice.provider = next_hops_.providers[cell.provider].key();
  notice.cell = name_of(cell);
  const pacing::LearnedState state = cell.controller->state(now);
  notice.cause = to_string(state.cause);
  notice.to = state.mode == pacing::Mode::held ? 0.0 : state.pace;
  notice.since = state.since;
  notice.phase = end.phase;
  notice.failure = end.failure;
  if (end.reply != nullptr) notice.reply = *end.reply;
  notice.rule = end.rule;
  orders_.emplace_back(std::move(notice));
}

std::optional<CellView> CellKeeper::view_of(const Message& message, std::uint32_t provider,
                                            Instant now) const {
  if (provider == no_index) return std::nullopt;
  const Cell* told = nullptr;
  for (const std::uint32_t index : met_by(message, provider).cells) {
    if (index == no_index) continue;
    const Cell& cell = table.cells[index];
    if (told == nullptr || told->controller->mode() == pacing::Mode::open) told = &cell;
  }
  if (told == nullptr) return std::nullopt;
  return view_of(*told, now);
}

CellView CellKeeper::view_of(const Cell& cell, Instant now) const {
  return {name_of(cell), cell.controller->state(now), cell.last, cell.ceiling_until};
}

std::vector<CellView> CellKeeper::shut_at(std::uint32_t provider, Instant now) const {
  std::vector<CellView> shut;
  table.each_of(provider, [&](const Cell& cell) {
    if (cell.controller->mode() != pacing::Mode::open || cell.ceiling_until != never)
      shut.push_back(view_of(cell, now));
  });
  return shut;
}

std::string CellKeeper::name_of(const Cell& cell) const {
  return std::string(to_string(cell.kind)) + " " + names_of(cell.kind)[cell.name];
}

NameTable& CellKeeper::names_of(CellKind kind) const {
  if (kind == CellKind::tenant) return ledger_.tenants;
  return kind == CellKind::campaign ? ledger_.campaigns : ledger_.mail_domains;
}

// Kept as a path is; a name that no source can have says which cell.
void CellKeeper::keep(const Cell& cell, Instant now) {
  orders_.emplace_back(KeepPath{std::string(cell_mark) + name_of(cell),
                                next_hops_.providers[cell.provider].key(), image_of(cell, now)});
}

std::string CellKeeper::image_of(const Cell& cell, Instant now) const {
  return join_image(cell.controller->save(now), cell.last, now);
}

std::string CellKeeper::image_to_keep(const Cell& cell, Instant now) const {
  return cell.controller->state(now).episodes == 0 ? std::string() : image_of(cell, now);
}

std::uint32_t CellKeeper::named(const std::string& provider, std::string_view name) const {
  const std::uint32_t its_provider = next_hops_.find_provider(provider);
  const std::size_t space = name.find(' ');
  const auto kind = cell_kind_of(name.substr(0, space));
  if (its_provider == no_index || !kind || space == std::string_view::npos) return no_index;
  const std::uint32_t its_name = names_of(*kind).find(name.substr(space + 1));
  return its_name == no_index ? no_index : table.find(its_provider, *kind, its_name);
}

void CellKeeper::keep(const PathName& of, std::string_view name, Instant now) {
  const std::uint32_t cell = named(of.provider, name);
  orders_.emplace_back(
      KeepPath{of.source, of.provider,
               cell == no_index ? std::string() : image_to_keep(table.cells[cell], now)});
}

// The provider goes. What a refusal has taught waits for its return; a suspect's time will be over.
void CellKeeper::leave(std::uint32_t provider, Instant now) {
  table.each_of(provider, [&](const Cell& cell) {
    std::string image = image_to_keep(cell, now);
    if (image.empty()) return;
    paths_.keep_image(std::string(cell_mark) + name_of(cell), next_hops_.providers[provider].key(),
                      std::move(image), {}, now);
  });
  table.forget_provider(provider);
}

bool CellKeeper::adopt(std::uint32_t provider, std::string_view name, const std::string& image,
                       Instant as_of, Instant now) {
  const std::size_t space = name.find(' ');
  const auto kind = cell_kind_of(name.substr(0, space));
  if (!kind || space == std::string_view::npos) return false;
  name.remove_prefix(space + 1);
  const std::string_view network = *kind == CellKind::network ? name : std::string_view();
  pacing::LearningSettings settings = settings_of(provider, now, network);
  Present present;
  const std::uint32_t number = names_of(*kind).intern(name);
  if (number == 0 && !name.empty()) return false;  // the names are full; 0 is all that have none
  if (const std::uint32_t known = table.find(provider, *kind, number); known != no_index) {
    const Cell& there = table.cells[known];
    present = {&*there.controller, &there.last};
    if (there.ceiling_until != never) settings.rate_max = there.ceiling;
  }
  auto recalled = recall(image, as_of, settings, present, now);
  const std::uint32_t cell =
      recalled ? table.intern(provider, *kind, number, settings, now) : no_index;
  if (cell == no_index) return false;
  table.cells[cell].controller = recalled->controller;
  table.cells[cell].last = std::move(recalled->last);
  return true;
}

bool CellKeeper::has_cell_for(std::uint32_t message, CellKind kind, std::uint32_t p, Instant now) {
  const CellsMet met = met_by(ledger_.messages[message], paths_[p].provider);
  return met.cells[static_cast<std::size_t>(kind)] != no_index || table.has_room(now);
}

// The cell that a refusal names, new if need be; the attempt that met it counts as one of its own.
std::uint32_t CellKeeper::open(const CellsEnd& ended, CellKind kind, Instant now) {
  const std::uint32_t provider = paths_[ended.path].provider;
  table.sweep(provider, now);
  const std::string_view network =
      kind == CellKind::network ? network_of(ended.message) : std::string_view();
  const std::uint32_t name = kind == CellKind::network ? ledger_.mail_domains.intern(network)
                             : kind == CellKind::sender_domain ? ended.message.sender_domain
                                                               : ended.message.dkim_domain;
  const std::uint32_t cell =
      table.intern(provider, kind, name, settings_of(provider, now, network), now);
  if (cell == no_index) return no_index;
  CellsMet begun;
  begun.cells[static_cast<std::size_t>(kind)] = cell;
  table.begin(begun, now);
  return cell;
}

void CellKeeper::ended(const CellsEnd& ended, const AttemptEnd& end, const pacing::Grant& grant,
                       Instant now) {
  CellsMet met = ended.met;
  const Instant begun = std::max(grant.at, ended.begun);
  Instant started = begun;
  const auto& concerned = ended.concerned;
  if (concerned) {
    std::uint32_t& cell = met.cells[static_cast<std::size_t>(*concerned)];
    const std::uint32_t provider = paths_[ended.path].provider;
    const auto kind = static_cast<std::size_t>(*concerned);
    // What began before its cell is no evidence about it: of many under way the first opens it.
    if (cell == no_index && met_by(ended.message, provider).cells[kind] == no_index) {
      cell = open(ended, *concerned, now);
      started = now;  // before it there was no cell to judge
    }
  }
  for (std::size_t kind = 0; kind < cell_kinds; ++kind) {
    const std::uint32_t cell = met.cells[kind];
    if (cell == no_index) continue;
    const bool is_concerned = concerned && static_cast<std::size_t>(*concerned) == kind;
    const bool is_good = end.signal == pacing::Signal::accepted;
    const pacing::Attempt attempt{.signal = is_concerned ? pacing::Signal::throttled
                                            : is_good    ? pacing::Signal::accepted
                                                         : pacing::Signal::local,
                                  .started = is_concerned ? started : begun,
                                  .in_flight = table.cells[cell].attempts,
                                  .first_try = end.first_try,
                                  .wait = is_concerned ? end.wait : Duration{}};
    const pacing::Change change = table.end(cell, attempt, now);
    if (is_concerned) table.cells[cell].last = refusal(end, now);
    if (change != pacing::Change::none) keep(table.cells[cell], now);
    if (change == pacing::Change::held)
      tell(table.cells[cell], Notice::Kind::throttle_detected, end, now);
    if (change == pacing::Change::opened)
      tell(table.cells[cell], Notice::Kind::recovered, end, now);
  }
}

// Slows first whoever's traffic plainly preceded the hold: back to what it usually sends.
void CellKeeper::slow_suspect(std::uint32_t p, Instant now) {
  // What a path carried between two holds says nothing about what is usual.
  const auto& notes = paths_[p].notes;
  if (notes && notes->opened != Instant{} && now - notes->opened < usual_after) return;
  const auto suspect = suspects_.of(p, now);
  if (!suspect || suspect->share < suspect_share_min || suspect->share > suspect_share_max ||
      suspect->growth < suspect_growth_min)
    return;
  const bool is_campaign = suspect->sender.campaign != 0;
  if (is_campaign && suspect->tenant_growth < its_tenant_growth_min) return;
  double rate = suspect->usual_rate * suspect_slack;
  // A new campaign has the slack of its tenant, whose other mail goes on.
  if (is_campaign) rate = std::max(rate, suspect->tenant_usual_rate * (suspect_slack - 1.0));
  pacing::LearningSettings settings = settings_of(paths_[p].provider, now);
  settings.rate_max = std::max(rate_least, rate);
  const std::uint32_t cell =
      table.intern(paths_[p].provider, is_campaign ? CellKind::campaign : CellKind::tenant,
                   is_campaign ? suspect->sender.campaign : suspect->sender.tenant, settings, now);
  if (cell == no_index) return;
  table.cells[cell].controller->set_ceilings(settings, now);
  table.cells[cell].ceiling_until = now + suspect_for;
  table.cells[cell].ceiling = settings.rate_max;
  Notice notice;
  notice.kind = Notice::Kind::step;
  notice.provider = next_hops_.providers[paths_[p].provider].key();
  notice.cell = name_of(table.cells[cell]);
  notice.suspect = name_suspect(*suspect, ledger_);
  notice.from = suspect->usual_rate * suspect->growth;
  notice.to = settings.rate_max;
  notice.detail = "slowed for an hour: its traffic preceded the hold";
  orders_.emplace_back(std::move(notice));
}

}  // namespace mailweir::engine
