// Between sender and world: orders one way, reports the other.
#include <algorithm>

#include "simulate/simulation.h"

namespace mailweir::simulate {
namespace {

constexpr Duration lazy_delay = std::chrono::milliseconds(20);  // CommitQueueOptions

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

std::uint8_t small(auto value) {
  return static_cast<std::uint8_t>(value);
}

}  // namespace

// Until neither side has anything more to say at this moment.
void Simulation::settle_down() {
  if (sender_ == nullptr) return;
  carry_out_orders();
  while (!network_.reports().empty()) {
    const Report next = std::move(network_.reports().front());
    network_.reports().pop_front();
    report(next);
    carry_out_orders();
  }
}

void Simulation::carry_out_orders() {
  for (engine::Order& order : sender_->take_orders()) carry_out(order);
}

void Simulation::carry_out(engine::Order& any) {
  std::visit(
      Overloaded{
          [&](const engine::ResolveRoute& order) {
            note({.place = atlas_.find_domain(order.domain).value_or(0), .step = Step::resolve});
            network_.carry_out(order, now_);
          },
          [&](const engine::OpenSession& order) {
            const std::uint32_t path = network_.carry_out(order, now_);
            note({.id = order.session.value, .place = path, .step = Step::open});
            meter_.connecting();
            if (checks_caps_) caps_.connection_begins(path, now_);
          },
          [&](engine::StartTransaction& order) {
            const auto id = order.message;
            note({.id = id.value,
                  .more = order.session.value,
                  .index = order.recipients.front(),
                  .code = static_cast<std::uint16_t>(order.recipients.size()),
                  .step = Step::start});
            if (network_.has(order.session)) spool_.start(order, now_);
            const TransactionId transaction = order.transaction;
            const auto started = network_.carry_out(std::move(order), now_);
            if (!started.is_late && is_held(started.path))
              holds_.probe_begins(started.path, transaction, id, now_);
            if (checks_caps_ && !started.is_late)
              caps_.message_begins(started.path, started.number, id.value, now_);
          },
          [&](const engine::CloseSession& order) {
            note({.id = order.session.value, .step = Step::close});
            network_.carry_out(order, now_);
          },
          [&](const engine::RecordState& order) { on_record(order); },
          [&](const engine::Settle& order) { on_settle(order); },
          [&](const engine::Notice& order) { on_notice(order); },
          [&](const engine::KeepPath& order) { on_keep(order); },
          [](const engine::KeepHand&) {},  // there are no operators
      },
      any);
}

bool Simulation::is_held(std::uint32_t path) const {
  if (sender_ == nullptr) return false;  // it is dead
  const auto source = static_cast<std::uint16_t>(path / atlas_.providers());
  return sender_->holds(source, scenario_.providers[path % atlas_.providers()].name);
}

void Simulation::on_record(const engine::RecordState& state) {
  note({.id = state.message.value,
        .index = state.recipient,
        .code = state.attempts,
        .step = Step::record,
        .phase = small(state.disposition)});
  spool_.record(state, wall_now() + (state.due - now_), now_);
  plan_flush();
}

// Durable with the next commit, as what is recorded of messages.
void Simulation::on_keep(const engine::KeepPath& order) {
  paths_to_keep_.push_back({order, now_});
  plan_flush();
}

void Simulation::keep_paths() {
  for (KeptPath& kept : std::exchange(paths_to_keep_, {})) {
    const std::pair path{kept.order.source, kept.order.provider};
    if (kept.order.image.empty()) {
      kept_paths_.erase(path);
    } else {
      kept_paths_[path] = std::move(kept);
    }
  }
}

std::uint32_t Simulation::find_path(std::string_view source, std::string_view provider) const {
  const auto found =
      std::ranges::find(scenario_.engine.sources, source, &engine::EgressAddress::name);
  const auto place = atlas_.find_provider(provider);
  if (found == scenario_.engine.sources.end() || !place) return no_path;
  return static_cast<std::uint32_t>(found - scenario_.engine.sources.begin()) * atlas_.providers() +
         *place;
}

void Simulation::on_notice(const engine::Notice& notice) {
  note({.place = find_path(notice.source, notice.provider),
        .index = static_cast<std::uint16_t>(notice.kind),
        .code = notice.reply.code,
        .step = Step::notice});
  notices_.push_back({now_ - origin_, notice});
}

void Simulation::on_settle(const engine::Settle& settle) {
  note({.id = settle.message.value,
        .index = settle.recipient,
        .code = settle.attempts,
        .step = Step::settle,
        .phase = small(settle.disposition)});
  if (!spool_.settle(settle, now_)) return;
  const Mail& mail = *spool_.find(settle.message);
  meter_.settled(settle, mail.message_class,
                 spool_.recipient(settle.message, settle.recipient).domain, now_ - mail.accepted);
  plan_flush();
}

void Simulation::plan_flush() {
  if (std::exchange(is_flush_planned_, true)) return;
  events_.plan(now_ + lazy_delay, EventKind::flush);
}

void Simulation::on_done(std::uint32_t path, const engine::TransactionDone& done) {
  for (const engine::RecipientResult& result : done.results) {
    note({.id = done.message.value,
          .index = result.recipient,
          .code = result.reply.code,
          .step = Step::done,
          .phase = small(result.phase),
          .failure = small(result.failure)});
  }
  meter_.transaction(path, done, now_);
  sender_->on_transaction_done(done, now_);
}

void Simulation::report(const Report& report) {
  std::visit(
      Overloaded{
          [&](const engine::RouteFound& found) {
            note({.place = atlas_.find_domain(found.domain).value_or(0), .step = Step::route});
            sender_->on_route(found, now_);
          },
          [&](const engine::RouteFailed& failed) {
            const std::uint32_t domain = atlas_.find_domain(failed.domain).value_or(0);
            note({.place = domain, .step = Step::route, .failure = small(failed.failure)});
            spool_.route_failed(domain, failed.failure);
            sender_->on_route_failed(failed, now_);
          },
          [&](const engine::SessionConnected& connected) {
            sender_->on_session_connected(connected, now_);
          },
          [&](const engine::SessionOpened& opened) {
            note({.id = opened.session.value, .step = Step::opened});
            sender_->on_session_opened(opened, now_);
          },
          [&](const engine::SessionFailed& failed) {
            const engine::ConnectAttempt& last = failed.attempts.back();
            note({.id = failed.session.value,
                  .code = last.reply.code,
                  .step = Step::failed,
                  .phase = small(last.phase),
                  .failure = small(last.failure)});
            meter_.connection_failed(report.path, failed.attempts.size(), now_);
            if (checks_caps_) caps_.connection_ends(report.path);
            sender_->on_session_failed(failed, now_);
          },
          [&](const engine::TransactionDone& done) {
            if (!report.is_late) spool_.finish(done);
            holds_.transaction_ends(done.transaction);
            on_done(report.path, done);
          },
          [&](const engine::SessionClosed& closed) {
            note({.id = closed.session.value,
                  .step = Step::closed,
                  .failure = small(closed.failure)});
            if (checks_caps_) caps_.connection_ends(report.path);
            sender_->on_session_closed(closed, now_);
          },
      },
      report.what);
}

}  // namespace mailweir::simulate
