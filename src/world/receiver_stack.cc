#include "world/receiver_stack.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace mailweir::world {
namespace {

Encounter encounter_of(Step step, Visit& visit, Instant now) {
  return {.step = step,
          .visit = visit,
          .subject = {visit.source, visit.source_slot, visit.network_slot},
          .now = now,
          .mailbox = {},
          .content = nullptr,
          .bit = 0};
}

Answer answer_of(const Verdict& verdict, const Encounter& encounter) {
  Answer answer{.kind = verdict.kind, .reply = {}, .closes = false, .delay = {}};
  if (verdict.kind != Answer::Kind::reply) return answer;
  WEIR_ASSERT(verdict.wording != nullptr);
  answer.reply = render(
      *verdict.wording,
      {.source = encounter.visit.source,
       .domain = encounter.visit.sender_domain,
       .dkim = encounter.content == nullptr ? std::string_view{} : encounter.content->dkim_domain,
       .mailbox = encounter.mailbox});
  // RFC 5321 section 4.2.1: 421 announces the close; a refused banner leaves nothing to say.
  answer.closes = answer.reply.code == 421 || encounter.step == Step::connect;
  return answer;
}

}  // namespace

ReceiverStack::ReceiverStack(std::vector<std::unique_ptr<Model>> models)
    : models_(std::move(models)) {
  WEIR_ASSERT(models_.size() <= models_max);
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const Asked asked{models_[i].get(), std::uint32_t{1} << i};
    const Model::Interests interests = asked.model->interests();
    for (std::size_t step = 0; step < step_count; ++step) {
      if ((interests.steps & only(static_cast<Step>(step))) != 0) by_step_[step].push_back(asked);
    }
    if (interests.connections) connections_.push_back(asked);
    if (interests.outcomes) outcomes_.push_back(asked);
    if (interests.wording) wordings_.push_back(asked.model);
  }
}

Answer ReceiverStack::ask(Encounter& encounter) {
  Duration delay{};
  bool drops_message = false;
  for (const Asked& asked : by_step_[static_cast<std::size_t>(encounter.step)]) {
    encounter.bit = asked.bit;
    Verdict verdict = asked.model->consider(encounter);
    delay += verdict.delay;
    drops_message |= verdict.drops_message;
    if (!verdict.refuses()) continue;
    if (is_about_path(verdict.cause)) ++path_refusals_.at(encounter.subject.source);
    verdict.wording = worded(verdict);
    Answer answer = answer_of(verdict, encounter);
    answer.delay = delay;
    for (const Asked& watching : outcomes_) {
      encounter.bit = watching.bit;
      watching.model->on_refused(encounter, verdict.cause);
    }
    return answer;
  }
  Answer answer;
  answer.delay = delay;
  answer.is_dropped = drops_message;
  return answer;
}

const Wording* ReceiverStack::worded(const Verdict& verdict) const {
  for (Model* model : wordings_) {
    if (const Wording* other = model->reword(verdict.cause)) return other;
  }
  return verdict.wording;
}

void ReceiverStack::settle(Encounter& encounter, bool accepted) {
  while (encounter.visit.reserved != 0) {
    const int index = std::countr_zero(encounter.visit.reserved);
    encounter.bit = std::uint32_t{1} << index;
    encounter.visit.reserved &= ~encounter.bit;
    models_[static_cast<std::size_t>(index)]->settle(encounter, accepted);
  }
}

void ReceiverStack::abandon(Visit& visit, Step step, Instant now) {
  if (visit.reserved == 0) return;
  Encounter encounter = encounter_of(step, visit, now);
  settle(encounter, false);
}

Answer ReceiverStack::connect(Visit& visit, Instant now) {
  visit.source_slot = sources_.find_or_add(hash_of(visit.source));
  visit.network_slot = networks_.find_or_add(hash_of(network_of(visit.source)));
  Encounter encounter = encounter_of(Step::connect, visit, now);
  Answer answer = ask(encounter);
  if (answer.kind != Answer::Kind::accept) {
    settle(encounter, false);
    return answer;
  }
  visit.is_counted = true;
  for (const Asked& asked : connections_) {
    encounter.bit = asked.bit;
    asked.model->on_connected(encounter);
  }
  return answer;
}

Answer ReceiverStack::ehlo(Visit& visit, Instant now) {
  Encounter encounter = encounter_of(Step::ehlo, visit, now);
  return ask(encounter);
}

Answer ReceiverStack::tls(Visit& visit, Instant now) {
  Encounter encounter = encounter_of(Step::tls, visit, now);
  Answer answer = ask(encounter);
  visit.uses_tls = answer.kind == Answer::Kind::accept;
  return answer;
}

Answer ReceiverStack::mail(Visit& visit, std::string_view sender_domain, Instant now) {
  abandon(visit, Step::mail, now);
  visit.sender_domain = sender_domain;
  visit.recipients = 0;
  Encounter encounter = encounter_of(Step::mail, visit, now);
  Answer answer = ask(encounter);
  if (answer.kind != Answer::Kind::accept) settle(encounter, false);
  return answer;
}

Answer ReceiverStack::rcpt(Visit& visit, std::string_view mailbox, Instant now) {
  Encounter encounter = encounter_of(Step::rcpt, visit, now);
  encounter.mailbox = mailbox;
  Answer answer = ask(encounter);
  if (answer.kind == Answer::Kind::accept) ++visit.recipients;
  return answer;
}

Answer ReceiverStack::data(Visit& visit, Instant now) {
  Encounter encounter = encounter_of(Step::data, visit, now);
  Answer answer = ask(encounter);
  if (answer.kind != Answer::Kind::accept) settle(encounter, false);
  return answer;
}

Answer ReceiverStack::end_of_data(Visit& visit, const ContentFacts& content, Instant now) {
  Encounter encounter = encounter_of(Step::end_of_data, visit, now);
  encounter.content = &content;
  Answer answer = ask(encounter);
  const bool accepted = answer.kind == Answer::Kind::accept;
  settle(encounter, accepted);
  if (!accepted) return answer;
  ++visit.messages;
  for (const Asked& asked : outcomes_) {
    encounter.bit = asked.bit;
    asked.model->on_accepted(encounter);
  }
  return answer;
}

void ReceiverStack::leave(Visit& visit, Instant now) {
  abandon(visit, Step::connect, now);
  if (!visit.is_counted) return;
  visit.is_counted = false;
  Encounter encounter = encounter_of(Step::connect, visit, now);
  for (const Asked& asked : connections_) {
    encounter.bit = asked.bit;
    asked.model->on_left(encounter);
  }
}

Subject ReceiverStack::find(const IpAddress& source) const {
  return {source, sources_.find(hash_of(source)), networks_.find(hash_of(network_of(source)))};
}

Subject ReceiverStack::find_or_add(const IpAddress& source) {
  return {source, sources_.find_or_add(hash_of(source)),
          networks_.find_or_add(hash_of(network_of(source)))};
}

double ReceiverStack::limit(const IpAddress& source, Instant now) const {
  const Subject subject = find(source);
  double least = unlimited;
  for (const auto& model : models_) least = std::min(least, model->limit(subject, now));
  return least;
}

bool ReceiverStack::is_penalized(const IpAddress& source, Instant now) const {
  const Subject subject = find(source);
  return std::ranges::any_of(models_,
                             [&](const auto& model) { return model->is_penalized(subject, now); });
}

std::uint64_t ReceiverStack::trips(const IpAddress& source) const {
  const Subject subject = find(source);
  std::uint64_t sum = 0;
  for (const auto& model : models_) sum += model->trips(subject);
  return sum;
}

std::uint64_t ReceiverStack::path_refusals(const IpAddress& source) const {
  return path_refusals_.view(sources_.find(hash_of(source)));
}

double ReceiverStack::room(const IpAddress& source, Duration span, Instant now) const {
  const Subject subject = find(source);
  double least = unlimited;
  for (const auto& model : models_) least = std::min(least, model->room(subject, span, now));
  return least;
}

void ReceiverStack::take(const IpAddress& source, std::uint64_t messages, Instant now) {
  const Subject subject = find_or_add(source);
  for (const auto& model : models_) model->take(subject, messages, now);
}

bool ReceiverStack::control(Control what, const IpAddress& source, Instant now) {
  const Subject subject = find_or_add(source);
  bool done = false;
  for (const auto& model : models_) {
    done |= model->control(what, subject, now);
    if (done && what == Control::trip) return true;
  }
  return done;
}

}  // namespace mailweir::world
