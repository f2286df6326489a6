// The image of a path that outlives the process: a version, the time the path has known, then every
// learned value, little-endian and without padding.
#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <type_traits>

#include "pacing/path_controller.h"

namespace mailweir::pacing {
namespace {

// Images from `image_version_least` on are read.
constexpr std::uint8_t image_version = 4;
constexpr std::uint8_t image_version_least = 3;
constexpr PathTime lifetime_max = std::chrono::hours(24 * 365 * 10);
constexpr PathTime ahead_max = std::chrono::hours(24 * 365);

template <class T>
concept Archived = requires(T value, int& any) { value.archive(any); };

class Writer {
 public:
  explicit Writer(std::string& image) : image_(image) {}

  static constexpr std::uint8_t version = image_version;
  bool may_be_unknown = false;  // for the reader

  template <class... Values>
  void operator()(const Values&... values) {
    (put(values), ...);
  }

 private:
  template <class T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
      put(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_same_v<T, float>) {
      put(std::bit_cast<std::uint32_t>(value));
    } else if constexpr (std::integral<T>) {
      for (std::size_t byte = 0; byte < sizeof(T); ++byte)
        image_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * byte)));
    } else if constexpr (requires { value.count(); }) {
      put(value.count());
    } else if constexpr (requires { value.begin(); }) {
      for (const auto& element : value) put(element);
    } else {
      const_cast<T&>(value).archive(*this);  // NOLINT: one list of members for both directions
    }
  }

  std::string& image_;
};

class Reader {
 public:
  Reader(std::uint8_t written, std::string_view image) : version(written), rest_(image) {}

  template <class... Values>
  void operator()(Values&... values) {
    (take(values), ...);
  }
  bool is_sound() const { return !has_failed_ && rest_.empty(); }

  const std::uint8_t version;
  bool may_be_unknown = false;

 private:
  template <class T>
  void take(T& value) {
    if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};
      take(number);
      value = static_cast<T>(number);
    } else if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t number = 0;
      take(number);
      value = number != 0;
    } else if constexpr (std::is_same_v<T, float>) {
      std::uint32_t bits = 0;
      take(bits);
      value = std::bit_cast<float>(bits);
      // Neither NaN nor a negative zero; only a limit may be unknown.
      const bool is_sound = !std::signbit(value) && value < 1e12F;
      has_failed_ = has_failed_ || !(is_sound || (may_be_unknown && value == unknown));
    } else if constexpr (std::integral<T>) {
      take_number(value);
    } else if constexpr (requires { value.count(); }) {
      typename T::rep count{};
      take(count);
      value = T(count);
      has_failed_ = has_failed_ || value < long_ago || value > lifetime_max + ahead_max;
    } else if constexpr (requires { value.begin(); }) {
      for (auto& element : value) take(element);
    } else {
      value.archive(*this);
    }
  }

  template <class T>
  void take_number(T& value) {
    if (rest_.size() < sizeof(T)) {
      has_failed_ = true;
      return;
    }
    std::uint64_t bits = 0;
    for (std::size_t byte = 0; byte < sizeof(T); ++byte)
      bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(rest_[byte])) << (8 * byte);
    value = static_cast<T>(bits);
    rest_.remove_prefix(sizeof(T));
  }

  std::string_view rest_;
  bool has_failed_ = false;
};

}  // namespace

template <class Self, class Archive>
void PathController::archive(Self& self, Archive& a) {
  a.may_be_unknown = true;
  a(self.limits_, self.before_);
  a.may_be_unknown = false;
  a(self.attempts_, self.demonstrated_);
  for (auto& candidate : self.candidates_) a(candidate.count, candidate.since);
  a(self.count_try_at_, self.count_binding_until_, self.count_steps_, self.pattern_);
  a(self.suspicion_, self.concurrency_, self.canaries_, self.trip_);
  a(self.episode_at_, self.fresh_since_, self.watched_since_);
  a(self.trickle_at_, self.holds_, self.last_hold_);
  a(self.opened_at_, self.careful_until_, self.box_hold_, self.box_silence_);
  a(self.probe_at_, self.outside_at_, self.refusals_, self.next_start_, self.resume_share_,
    self.resume_at_);
  a(self.tested_, self.pressed_, self.held_, self.pressed_until_, self.last_tick_);
  a(self.last_refusal_, self.accepted_, self.episodes_, self.mode_, self.cause_);
  a(self.doublings_, self.doublings_at_open_, self.round_, self.verified_, self.probe_steps_);
  a(self.was_probed_, self.is_start_refuted_, self.is_apart_, self.trips_in_a_row_, self.openings_);
  if (a.version >= 4) a(self.hours_);
}

std::string PathController::save(Instant now) const {
  std::string image(1, static_cast<char>(image_version));
  Writer writer(image);
  const PathTime known = path_time(now);
  writer(known);
  archive(*this, writer);
  return image;
}

std::optional<PathController> PathController::restore(std::string_view image,
                                                      const LearningSettings& settings,
                                                      Duration age, Instant now) {
  if (image.empty()) return std::nullopt;
  const auto version = static_cast<std::uint8_t>(image.front());
  if (version < image_version_least || version > image_version) return std::nullopt;
  Reader reader(version, image.substr(1));
  PathController path(settings, now);
  PathTime known{};
  reader(known);
  archive(path, reader);
  if (!reader.is_sound() || known < PathTime{} || known > lifetime_max) return std::nullopt;
  if (!path.is_sound(known)) return std::nullopt;
  path.origin_ = now - known - std::clamp<Duration>(age, Duration{}, lifetime_max);
  // Nothing of what was under way will ever come back.
  path.is_canary_out_ = false;
  path.round_started_ = path.round_accepted_ = 0;
  return path;
}

bool PathController::is_sound(PathTime now) const {
  const PathSecond second = whole_seconds(now);
  const bool are_times_past = episode_at_ <= now && fresh_since_ <= now && watched_since_ <= now &&
                              last_tick_ <= second && probe_at_ >= PathSecond{} &&
                              last_refusal_ <= second && opened_at_ <= second;
  const bool are_choices_known = mode_ <= Mode::ramp && cause_ <= HoldCause::network;
  const bool are_steps_known = probe_steps_ < 8 && count_steps_[0] < 8 && count_steps_[1] < 8 &&
                               round_ <= 8 && doublings_ <= doublings_max;
  const bool is_ramp_begun = mode_ != Mode::ramp || round_ > 0;
  const bool are_rates_finite = limits_.sustained < unknown && before_.sustained < unknown &&
                                std::isfinite(trip_.pace) && resume_share_ <= 1.0F;
  // Far below what is ever learned; quotients of less overflow.
  constexpr float pace_least = 1e-9F;
  const bool is_pace_positive = limits_.pace > pace_least && limits_.refused_pace > pace_least &&
                                before_.pace > pace_least && before_.refused_pace > pace_least &&
                                resume_share_ > pace_least && trip_.pace >= 0 &&
                                (mode_ == Mode::open || trip_.pace > pace_least);
  return attempts_.is_sound(now) && hours_.is_sound() && concurrency_.is_sound() &&
         are_times_past && are_choices_known && are_steps_known && is_ramp_begun &&
         are_rates_finite && is_pace_positive;
}

}  // namespace mailweir::pacing
