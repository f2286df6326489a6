#include "engine/path_doctor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "diagnosis/explain.h"

namespace mailweir::engine {
namespace {

using diagnosis::Contact;
using diagnosis::Sign;

constexpr Duration visit_every = std::chrono::seconds(20);
constexpr std::uint32_t visited_at_once = 8;

// What a failure says about who reaches whom; empty: nothing.
std::optional<Sign> sign_of(Failure failure) {
  switch (failure) {
    case Failure::none:
      return Sign::reached;
    case Failure::connect_timeout:
    case Failure::timeout:
      return Sign::timed_out;
    case Failure::connect_refused:
      return Sign::refused;
    case Failure::network_unreachable:
      return Sign::unreachable;
    case Failure::connect_reset:
    case Failure::closed:
    case Failure::reset:
      return Sign::dropped;
    case Failure::tls_failed:
      return Sign::tls_cut;
    case Failure::dns_temporary:
    case Failure::dns_no_such_domain:
    case Failure::null_mx:
    case Failure::target_refused:
    case Failure::protocol_error:
    case Failure::source_unusable:
    case Failure::message_unreadable:
    case Failure::message_too_large:
    case Failure::needs_8bit_mime:
    case Failure::needs_smtputf8:
    case Failure::cancelled:
      return std::nullopt;
  }
  return std::nullopt;
}

struct Ending {
  bool is_lost = false;
  bool is_answered = false;
  Sign sign = Sign::reached;
  Phase phase = Phase::mail;
};

// A transaction that was lost says so whatever was answered before.
Ending ending_of(const TransactionDone& done, bool has_worked) {
  Ending ending;
  if (done.started == Instant{}) return ending;
  for (const RecipientResult& result : done.results) {
    const std::optional<Sign> sign = sign_of(result.failure);
    if (!sign || ending.is_lost) continue;
    // A session that was used up, ended without the 421.
    if (*sign == Sign::dropped && result.phase == Phase::mail && has_worked) continue;
    ending.is_lost = *sign != Sign::reached;
    ending.is_answered = !ending.is_lost;
    ending.sign = *sign;
    ending.phase = result.phase;
  }
  return ending;
}

// Empty: of several hosts of equal preference it is not known which one is tried first.
std::string first_host(const OpenSession& order) {
  auto hosts = hosts_to_try(order);
  std::ranges::sort(hosts, {}, &RouteFound::Host::preference);
  const bool is_known = hosts.size() == 1 || hosts[0].preference != hosts[1].preference;
  return is_known ? hosts.front().name : std::string();
}

std::string cause_text(diagnosis::Cause cause) {
  std::string text(to_string(cause));
  std::ranges::replace(text, '_', '-');
  return text;
}

}  // namespace

void PathDoctor::opening(std::uint32_t session, std::uint16_t source, std::uint32_t hop,
                         const OpenSession& order, Instant now) {
  if (!is_on()) return;
  if (session >= patients_.size()) patients_.resize(session + 1);
  Patient& patient = patients_[session];
  patient = {.source = source, .hop = hop, .provider = next_hops_.hops[hop].provider};
  if (patient.provider >= hop_of_.size()) hop_of_.resize(patient.provider + 1, no_index);
  if (!is_of(hop_of_[patient.provider], patient.provider)) hop_of_[patient.provider] = hop;
  Contact contact = about(patient);
  const std::string host = first_host(order);
  patient.is_first_known = !host.empty();
  if (patient.is_first_known) contact.host = number_of(patient, host, now);
  diagnosis_->on_waiting(session, contact, now);
}

// Who takes the connection is there: the greeting may take its time.
void PathDoctor::connected(std::uint32_t session, const std::string& host, Instant now) {
  if (!is_on() || session >= patients_.size() || patients_[session].hop == no_index) return;
  Patient& patient = patients_[session];
  if (diagnosis_->on_answer(session, false, now)) patient.was_told = true;
  Contact contact = about(patient);
  contact.host = number_of(patient, host, now);
  contact.phase = Phase::banner;
  diagnosis_->on_waiting(session, contact, now);
}

void PathDoctor::awaits_reply(std::uint32_t session, Instant now) {
  if (!is_on() || session >= patients_.size() || patients_[session].hop == no_index) return;
  Contact contact = about(patients_[session]);
  contact.phase = Phase::mail;
  diagnosis_->on_waiting(session, contact, now);
}

void PathDoctor::opened(std::uint32_t session, const SessionOpened& opened, Instant now) {
  if (!is_on() || session >= patients_.size() || patients_[session].hop == no_index) return;
  Patient& patient = patients_[session];
  // The time that hosts before it took is not this one's.
  const bool was_told = diagnosis_->on_answer(session, opened.failed_before.empty(), now) ||
                        std::exchange(patient.was_told, false);
  Instant began = now;
  for (const PhaseTiming& timing : opened.timings) began -= timing.elapsed;
  tell_attempts(patient, opened.failed_before, was_told, began, now);
  hop_of_[patient.provider] = patient.hop;
  patient.host = number_of(patient, opened.host, now);
  Contact contact = about(patient);
  contact.sign = Sign::reached;
  contact.phase = Phase::ehlo;
  contact.started = began;
  diagnosis_->on_contact(contact, now);
}

void PathDoctor::failed(std::uint32_t session, const SessionFailed& failed, Instant now) {
  if (!is_on() || session >= patients_.size() || patients_[session].hop == no_index) return;
  const Patient patient = std::exchange(patients_[session], {});
  const bool was_told = diagnosis_->on_answer(session, false, now) || patient.was_told;
  tell_attempts(patient, failed.attempts, was_told, now, now);
}

// The attempts came one after another, the last one until `ended`.
void PathDoctor::tell_attempts(const Patient& patient, const std::vector<ConnectAttempt>& attempts,
                               bool first_is_told, Instant ended, Instant now) {
  Instant began = ended;
  for (const ConnectAttempt& attempt : attempts) began -= attempt.elapsed;
  for (const ConnectAttempt& attempt : attempts) {
    Contact contact = about(patient);
    contact.phase = attempt.phase;
    contact.started = began;
    began += attempt.elapsed;
    const std::optional<Sign> sign = sign_of(attempt.failure);
    if (!sign || attempt.phase == Phase::resolve) continue;
    contact.sign = *sign;
    contact.host = number_of(patient, attempt.host, now);
    if (*sign != Sign::reached && std::exchange(first_is_told, false)) {
      if (patient.is_first_known) continue;
      contact.host_only = true;
    }
    diagnosis_->on_contact(contact, now);
  }
}

void PathDoctor::transaction_done(std::uint32_t session, const TransactionDone& done,
                                  const Circumstances& circumstances, Instant now) {
  if (!is_on() || session >= patients_.size() || patients_[session].hop == no_index) return;
  const Patient& patient = patients_[session];
  const Ending ending = ending_of(done, circumstances.has_worked);
  const bool was_told = diagnosis_->on_answer(session, ending.is_answered, now);
  if (circumstances.awaits_more && ending.is_answered) awaits_reply(session, now);
  if (!ending.is_answered && (!ending.is_lost || was_told)) return;
  hosts_.met(patient.host, now);
  Contact contact = about(patient);
  contact.sign = ending.sign;
  contact.phase = ending.phase;
  contact.started = done.started;
  diagnosis_->on_contact(contact, now);
}

void PathDoctor::closed(std::uint32_t session, Instant now) {
  if (!is_on() || session >= patients_.size()) return;
  diagnosis_->on_answer(session, false, now);
  patients_[session] = {};
}

void PathDoctor::looked_up(Failure failure, Instant now) {
  if (is_on()) diagnosis_->on_lookup(failure != Failure::dns_temporary, now);
}

void PathDoctor::on_time(Instant now) {
  if (is_on()) diagnosis_->on_time(now);
}

Instant PathDoctor::next_wakeup() const {
  return is_on() ? std::min(visit_at_, diagnosis_->next_wakeup()) : never;
}

void PathDoctor::forget_provider(std::uint32_t provider) {
  diagnosis_->forget_provider(provider);
  tell_findings();  // while it has its name
  if (provider < hop_of_.size()) hop_of_[provider] = no_index;
}

void PathDoctor::forget_all() {
  diagnosis_ = std::make_unique<diagnosis::Diagnosis>();
  findings_.clear();
  visit_at_ = never;
  patients_.clear();
}

// A hop may have gone, and its number may be another's.
bool PathDoctor::is_of(std::uint32_t hop, std::uint32_t provider) const {
  return hop != no_index && next_hops_.hops[hop].next_hop != nullptr &&
         next_hops_.hops[hop].provider == provider;
}

void PathDoctor::tell_findings() {
  for (diagnosis::Finding& finding : diagnosis_->take_findings()) {
    orders_.emplace_back(notice(finding));
    if (finding.cleared == never) findings_.push_back(finding);
  }
}

std::vector<diagnosis::Finding> PathDoctor::take_findings() {
  tell_findings();
  return std::exchange(findings_, {});
}

std::vector<PathDoctor::Knock> PathDoctor::take_knocks(Instant now) {
  std::vector<Knock> knocks;
  for (const diagnosis::Question& question : diagnosis_->take_questions()) {
    const std::size_t before = knocks.size();
    add_knock(question.source, question.provider, knocks);
    if (knocks.size() > before && question.host != diagnosis::none)
      knocks.back().host = hosts_.name(question.host);
  }
  if (diagnosis_->standing().empty()) {
    visit_at_ = never;
  } else if (visit_at_ <= now || visit_at_ == never) {
    if (visit_at_ != never) visit(knocks);
    visit_at_ = now + visit_every;
  }
  return knocks;
}

void PathDoctor::visit(std::vector<Knock>& knocks) {
  for (const diagnosis::Finding& finding : diagnosis_->standing()) {
    if (finding.source == diagnosis::none) continue;  // those are tried by their mail
    if (finding.provider != diagnosis::none) {
      add_knock(finding.source, finding.provider, knocks);
      continue;
    }
    // A source that reaches nobody: a few of its providers, the next ones the next time.
    const auto providers = static_cast<std::uint32_t>(hop_of_.size());
    for (std::uint32_t i = 0; i < std::min(providers, visited_at_once); ++i)
      add_knock(finding.source, visited_++ % providers, knocks);
  }
}

void PathDoctor::add_knock(std::uint32_t source, std::uint32_t provider,
                           std::vector<Knock>& knocks) const {
  const std::uint32_t hop = provider < hop_of_.size() ? hop_of_[provider] : no_index;
  if (is_of(hop, provider))
    knocks.push_back({.source = static_cast<std::uint16_t>(source), .hop = hop, .host = {}});
}

FindingView PathDoctor::named(const diagnosis::Finding& finding) const {
  FindingView view;
  view.cause = cause_text(finding.cause);
  if (finding.source != diagnosis::none)
    view.source = settings_.source_name(static_cast<std::uint16_t>(finding.source));
  if (finding.provider != diagnosis::none)
    view.provider = next_hops_.providers[finding.provider].key();
  if (finding.host != diagnosis::none) view.host = hosts_.name(finding.host);
  view.since = finding.since;
  view.found = finding.found;
  return view;
}

void PathDoctor::put_in_words(const diagnosis::Finding& finding, FindingView& view) {
  const diagnosis::Names names{view.source, view.provider, view.host};
  view.english = explain(finding, names, diagnosis::Language::english);
  view.japanese = explain(finding, names, diagnosis::Language::japanese);
}

std::vector<FindingView> PathDoctor::standing() const {
  std::vector<FindingView> views;
  for (const diagnosis::Finding& finding : diagnosis_->standing()) {
    views.push_back(named(finding));
    put_in_words(finding, views.back());
  }
  return views;
}

std::vector<FindingView> PathDoctor::standing_about(std::string_view source,
                                                    std::string_view provider) const {
  std::vector<FindingView> views;
  for (const diagnosis::Finding& finding : diagnosis_->standing()) {
    FindingView view = named(finding);
    if (!view.concerns(source, provider)) continue;
    put_in_words(finding, view);
    views.push_back(std::move(view));
  }
  return views;
}

Notice PathDoctor::notice(const diagnosis::Finding& finding) const {
  FindingView told = named(finding);
  put_in_words(finding, told);
  Notice notice;
  notice.kind = finding.cleared == never ? Notice::Kind::diagnosed : Notice::Kind::cleared;
  notice.cause = std::move(told.cause);
  notice.source = std::move(told.source);
  notice.provider = std::move(told.provider);
  if (finding.provider != diagnosis::none)
    notice.waiting = next_hops_.providers[finding.provider].ready;
  notice.cell = std::move(told.host);
  notice.since = finding.since;
  notice.phase = finding.evidence.phase;
  notice.detail = std::move(told.english);
  return notice;
}

std::uint32_t PathDoctor::number_of(const Patient& patient, const std::string& host, Instant now) {
  freed_.clear();
  const std::uint32_t number = hosts_.intern(patient.provider, host, now, freed_);
  for (const std::uint32_t gone : freed_) diagnosis_->forget_host(gone);
  if (!freed_.empty()) tell_findings();  // while they have their names
  return number;
}

Contact PathDoctor::about(const Patient& patient) const {
  return {.source = patient.source,
          .provider = patient.provider,
          .host = patient.host,
          .sign = Sign::timed_out,
          .phase = Phase::connect};
}

}  // namespace mailweir::engine
