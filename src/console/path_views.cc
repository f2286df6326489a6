#include "console/path_views.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "console/views_json.h"

namespace mailweir::console {
namespace {

using Json = nlohmann::ordered_json;

Json time_or_null(std::optional<UnixTime> time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// Infinite: without a limit.
Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json rate_or_null(const std::optional<Rate>& rate) {
  return rate ? Json(to_string(*rate)) : Json(nullptr);
}

double per_second(const Rate& rate) {
  return static_cast<double>(rate.events) * 1e6 / static_cast<double>(rate.period.count());
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(duration))
      .count();
}

std::string_view name_of(pacing::Limit limit) {
  switch (limit) {
    case pacing::Limit::none:
      return "none";
    case pacing::Limit::paused:
      return "paused";
    case pacing::Limit::connections:
      return "connection_cap";
    case pacing::Limit::connection_rate:
      return "connection_rate_cap";
    case pacing::Limit::message_rate:
      return "message_rate_cap";
    case pacing::Limit::learned:
      return "learned";
  }
  return "none";
}

// What keeps the next message back. A pace that a cap holds down is the cap's doing.
std::string_view binding_of(const engine::PathExplanation& path) {
  if (path.next.limit == pacing::Limit::connections && path.learned &&
      path.learned->connections < path.caps.connections_max)
    return "connections";
  if (path.next.limit != pacing::Limit::learned) return name_of(path.next.limit);
  const auto& cap = path.caps.message_rate;
  if (path.next.binding == pacing::Binding::pace && cap && path.learned) {
    const double capped = per_second(*cap);
    if (capped <= path.learned->pace * 1.01) return name_of(pacing::Limit::message_rate);
  }
  return to_string(path.next.binding);
}

std::string_view state_of(const engine::PathExplanation& path) {
  if (path.is_paused) return "paused";
  if (!path.is_used) return "unused";
  return path.learned ? to_string(path.learned->mode) : "open";
}

Json hand_json(const engine::PathHand& hand, const Moment& moment) {
  const auto since =
      hand.binds() ? std::nullopt : moment.wall_at(hand.until - engine::forgotten_for);
  return {{"id", hand.id},
          {"action", to_string(hand.action)},
          {"source", text_or_null(hand.source)},
          {"provider", text_or_null(hand.provider)},
          {"names_domain", hand.names_domain},
          {"bound_to", text_or_null(hand.bound)},
          {"rate", rate_or_null(hand.rate)},
          {"connections", hand.connections ? Json(*hand.connections) : Json(nullptr)},
          {"until", time_or_null(moment.wall_at(hand.until))},
          {"forgotten_at", time_or_null(since)},
          {"reason", hand.reason},
          {"by", hand.by}};
}

Json hands_json(const std::vector<engine::PathHand>& hands, const Moment& moment) {
  Json list = Json::array();
  for (const engine::PathHand& hand : hands) list.push_back(hand_json(hand, moment));
  return list;
}

Json cell_names_json(const std::vector<engine::PathName>& cells) {
  Json list = Json::array();
  for (const auto& [name, provider] : cells)
    list.push_back({{"name", name}, {"provider", provider}});
  return list;
}

Json counts_json(const pacing::LearnedState& state) {
  Json counts = Json::object();
  for (std::size_t i = 0; i < pacing::windows; ++i) {
    counts[std::string(to_string(static_cast<pacing::Window>(i)))] = {
        {"attempts", std::llround(state.counts[i])}, {"most", number_or_null(state.most[i])}};
  }
  return counts;
}

Json learned_json(const pacing::LearnedState& state, const Moment& moment) {
  const bool is_held = state.mode == pacing::Mode::held;
  return {{"mode", to_string(state.mode)},
          {"cause", state.episodes == 0 ? Json(nullptr) : Json(to_string(state.cause))},
          {"since", time_or_null(moment.wall_at(state.since))},
          {"next_canary", is_held ? time_or_null(moment.wall_at(state.next_canary)) : nullptr},
          {"canaries_refused", state.canaries_refused},
          {"holds", state.episodes},
          {"pace_per_s", number_or_null(state.pace)},
          {"own_pace_per_s", number_or_null(state.own_pace)},
          {"pace_is_learned", state.is_pace_learned},
          {"carried_per_s", state.sustained > 0 ? Json(state.sustained) : Json(nullptr)},
          {"refused_per_s", number_or_null(state.refused)},
          {"hour_per_s", state.hour_rate > 0 ? Json(state.hour_rate) : Json(nullptr)},
          {"concurrency", state.concurrency},
          {"connections", state.connections == std::numeric_limits<std::uint32_t>::max()
                              ? Json(nullptr)
                              : Json(state.connections)},
          {"counts", counts_json(state)}};
}

Json refusal_json(const engine::LastRefusal& last, const Moment& moment) {
  if (last.at == Instant{}) return nullptr;
  const bool has_reply = last.reply.code != 0;
  return {{"time", time_or_null(moment.wall_at(last.at))},
          {"phase", to_string(last.phase)},
          {"failure",
           last.failure == engine::Failure::none ? Json(nullptr) : Json(to_string(last.failure))},
          {"reply_code", has_reply ? Json(last.reply.code) : Json(nullptr)},
          {"reply", has_reply ? Json(last.reply.text) : Json(nullptr)},
          {"rule", text_or_null(last.rule)},
          {"host", text_or_null(last.host)}};
}

// `as`: what its name is called.
Json cell_json(std::string_view as, const engine::CellView& cell, const Moment& moment) {
  const pacing::LearnedState& state = cell.learned;
  const bool is_held = state.mode == pacing::Mode::held;
  return {{as, cell.name},
          {"mode", to_string(state.mode)},
          {"cause", state.episodes == 0 ? Json(nullptr) : Json(to_string(state.cause))},
          {"since", time_or_null(moment.wall_at(state.since))},
          {"next_canary", is_held ? time_or_null(moment.wall_at(state.next_canary)) : nullptr},
          {"pace_per_s", number_or_null(state.pace)},
          {"slowed_until", time_or_null(moment.wall_at(cell.ceiling_until))},
          {"last_refusal", refusal_json(cell.last, moment)}};
}

Json cells_json(const std::vector<engine::CellView>& cells, const Moment& moment) {
  Json list = Json::array();
  for (const engine::CellView& cell : cells) list.push_back(cell_json("name", cell, moment));
  return list;
}

// What binds messages now: the least of the configured cap, the hands and what is learned.
Json pace_json(const engine::PathExplanation& path) {
  const auto& cap = path.caps.message_rate;
  const double capped = cap ? per_second(*cap) : pacing::unlimited;
  const double own = path.learned ? path.learned->own_pace : pacing::unlimited;
  if (!std::isfinite(std::min(capped, own))) return nullptr;
  if (own < capped) {
    return {{"per_s", own},
            {"by", path.learned->is_pace_learned ? "learned" : "start"},
            {"hand", nullptr}};
  }
  const auto hand = std::ranges::find_if(
      path.hands, [&](const engine::PathHand& candidate) { return candidate.rate == cap; });
  const bool is_hand = hand != path.hands.end();
  return {{"per_s", capped},
          {"by", is_hand ? "hand" : "cap"},
          {"hand", is_hand ? Json(hand->id) : Json(nullptr)}};
}

Json unreached_json(const std::optional<engine::Unreached>& unreached, const Moment& moment) {
  if (!unreached) return nullptr;
  return {{"next_hops", unreached->hops},
          {"all", unreached->is_all},
          {"since", time_or_null(moment.wall_at(unreached->since))},
          {"next_try", time_or_null(moment.wall_at(unreached->next_try))}};
}

Json hosts_json(const engine::PathExplanation& path, const Moment& moment) {
  Json hosts = Json::array();
  for (const engine::CellView& host : path.hosts) hosts.push_back(cell_json("host", host, moment));
  return hosts;
}

Json suspect_json(const engine::NamedSuspect& suspect) {
  if (suspect.tenant.empty() && suspect.share == 0.0) return nullptr;
  return {{"tenant", suspect.tenant},
          {"campaign", text_or_null(suspect.campaign)},
          {"share", suspect.share},
          {"growth", number_or_null(suspect.growth)},
          {"tenant_growth",
           suspect.campaign.empty() ? Json(nullptr) : number_or_null(suspect.tenant_growth)},
          {"bounced", suspect.bounced}};
}

Json beginning_json(const std::optional<engine::HoldBeginning>& began, const Moment& moment) {
  if (!began) return nullptr;
  const bool has_reply = began->reply.code != 0;
  return {{"time", time_or_null(moment.wall_at(began->at))},
          {"phase", to_string(began->phase)},
          {"failure", began->failure == engine::Failure::none ? Json(nullptr)
                                                              : Json(to_string(began->failure))},
          {"reply_code", has_reply ? Json(began->reply.code) : Json(nullptr)},
          {"reply", has_reply ? Json(began->reply.text) : Json(nullptr)},
          {"rule", text_or_null(began->rule)},
          {"suspect", suspect_json(began->suspect)}};
}

Json waiting_json(const RecipientExplanation::Waiting& waiting, const Moment& moment) {
  const engine::RecipientView& view = waiting.view;
  const bool waits = view.reason != engine::WaitReason::none;
  return {{"message", to_string(view.id)},
          {"recipient", view.recipient},
          {"mailbox", waiting.mailbox},
          {"domain", view.domain},
          {"provider", text_or_null(view.provider)},
          {"class", view.message_class},
          {"rank", to_string(view.rank)},
          {"tenant", text_or_null(view.tenant)},
          {"campaign", text_or_null(view.campaign)},
          {"tenants_in_turn", view.tenants == 0 ? Json(nullptr) : Json(view.tenants)},
          {"pool", text_or_null(waiting.pool)},
          {"state", to_string(view.disposition)},
          {"reason", waits ? Json(engine::to_string(view.reason)) : Json(nullptr)},
          {"cell", view.cell ? Json(view.cell->name) : Json(nullptr)},
          {"cell_state", view.cell ? cell_json("name", *view.cell, moment) : Json(nullptr)},
          {"until", waits ? time_or_null(moment.wall_at(view.until)) : Json(nullptr)},
          {"due", time_or_null(moment.wall_at(view.due))},
          {"accepted", time_or_null(moment.wall_at(view.accepted))},
          {"expires", time_or_null(moment.wall_at(view.expires))},
          {"attempts", view.attempts},
          {"reply_code", view.reply_code == 0 ? Json(nullptr) : Json(view.reply_code)},
          {"reply", text_or_null(waiting.reply_text)}};
}

Json paths_json(const std::vector<ExplainedPath>& paths, const Moment& moment) {
  Json list = Json::array();
  for (const ExplainedPath& path : paths) list.push_back(path_json(path, moment));
  return list;
}

}  // namespace

Json findings_json(const std::vector<engine::FindingView>& findings, const Moment& moment) {
  Json list = Json::array();
  for (const engine::FindingView& finding : findings) {
    list.push_back({{"cause", finding.cause},
                    {"source", text_or_null(finding.source)},
                    {"provider", text_or_null(finding.provider)},
                    {"host", text_or_null(finding.host)},
                    {"since", time_or_null(moment.wall_at(finding.since))},
                    {"found", time_or_null(moment.wall_at(finding.found))},
                    {"text", finding.english},
                    {"text_ja", finding.japanese}});
  }
  return list;
}

Json path_json(const ExplainedPath& explained, const Moment& moment) {
  const engine::PathExplanation& path = explained.path;
  const bool has_binding = path.next.limit != pacing::Limit::none;
  return {{"source", path.source},
          {"provider", path.provider},
          {"state", state_of(path)},
          {"learned", path.learned ? learned_json(*path.learned, moment) : Json(nullptr)},
          {"caps",
           {{"connections", path.caps.connections_max},
            {"messages_per_connection", path.caps.messages_per_connection_max},
            {"message_rate", rate_or_null(path.caps.message_rate)},
            {"connection_rate", rate_or_null(path.caps.connection_rate)}}},
          {"pace", pace_json(path)},
          {"network", text_or_null(path.network)},
          {"warming", path.is_warming},
          {"hands", hands_json(path.hands, moment)},
          {"binding", has_binding ? Json(binding_of(path)) : Json(nullptr)},
          {"carries_others", path.carries_others},
          {"next_move_forecast",
           has_binding ? time_or_null(moment.wall_at(path.next_move)) : Json(nullptr)},
          {"drain_forecast_s", path.drain > Duration{} ? Json(seconds(path.drain)) : Json(nullptr)},
          {"connections", path.connections},
          {"in_flight", path.in_flight},
          {"waiting", path.waiting},
          {"siblings_open", explained.siblings_open},
          {"siblings_held", explained.siblings_held},
          {"siblings_kept_back", explained.siblings_kept_back},
          {"hold_began", beginning_json(explained.hold_began, moment)},
          {"hosts", hosts_json(path, moment)},
          {"cells", cells_json(path.cells, moment)},
          {"unreached", unreached_json(path.unreached, moment)},
          {"findings", findings_json(path.findings, moment)},
          {"last_refusal", refusal_json(path.last, moment)}};
}

Response paths_response(const PathList& list) {
  return json_response({{"server_time", to_rfc3339(list.moment.wall)},
                        {"paths_total", list.total},
                        {"paths_held", list.held},
                        {"paths", paths_json(list.paths, list.moment)}});
}

Response recipient_explanation_response(const RecipientExplanation& explanation) {
  Json recipients = Json::array();
  for (const auto& waiting : explanation.recipients)
    recipients.push_back(waiting_json(waiting, explanation.moment));
  Json places = Json::array();
  for (const auto& place : explanation.places) {
    places.push_back({{"provider", place.provider},
                      {"pool", place.pool},
                      {"paths", paths_json(place.paths, explanation.moment)}});
  }
  return json_response({{"server_time", to_rfc3339(explanation.moment.wall)},
                        {"recipients", std::move(recipients)},
                        {"has_more", explanation.has_more},
                        {"more", explanation.more},
                        {"more_is_all", explanation.is_all_counted},
                        {"of_domain", explanation.is_of_domain},
                        {"places", std::move(places)}});
}

Response hands_response(const HandList& list) {
  Json passed_over = Json::array();
  for (const PassedOver& path : list.passed_over) {
    passed_over.push_back(
        {{"source", path.source}, {"provider", path.provider}, {"is_held", path.is_held}});
  }
  return json_response({{"server_time", to_rfc3339(list.moment.wall)},
                        {"hands", hands_json(list.hands, list.moment)},
                        {"still_paused_by", hands_json(list.still_paused_by, list.moment)},
                        {"covered", list.covered ? Json(*list.covered) : Json(nullptr)},
                        {"passed_over", std::move(passed_over)}});
}

Response forgotten_response(const ForgottenPaths& forgotten) {
  Json paths = Json::array();
  for (const auto& [source, provider] : forgotten.paths)
    paths.push_back({{"source", source}, {"provider", provider}});
  return json_response({{"server_time", to_rfc3339(forgotten.moment.wall)},
                        {"hand", hand_json(forgotten.hand, forgotten.moment)},
                        {"forgotten", std::move(paths)},
                        {"cells", cell_names_json(forgotten.cells)},
                        {"slowed", cell_names_json(forgotten.slowed)},
                        {"hosts", forgotten.hosts}});
}

Response unknown_refusals_response(const UnknownRefusalList& list) {
  Json entries = Json::array();
  for (const auto& entry : list.entries) {
    entries.push_back({{"provider", entry.provider},
                       {"text", entry.text},
                       {"sample", entry.sample},
                       {"count", entry.count},
                       {"first_seen", to_rfc3339(entry.first_seen)},
                       {"last_seen", to_rfc3339(entry.last_seen)}});
  }
  return json_response({{"total", list.total}, {"refusals", std::move(entries)}});
}

}  // namespace mailweir::console
