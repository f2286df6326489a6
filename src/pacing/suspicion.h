// Suspicion tells by statistics what single replies do not: a refusal in words nobody can read, or
// a block that answers nothing. Two sequential tests (Page's CUSUM), the first against a baseline
// that is learned, since every receiver has some such noise. A value.
#pragma once

#include <cstdint>

namespace mailweir::pacing {

class Suspicion {
 public:
  // What makes unclear replies enough: six first tries with hardly a delivery between where no
  // limit is known, three where one is, two while a release is verified.
  static constexpr float from_nowhere = 10.6F;
  static constexpr float near_limit = 4.5F;
  static constexpr float verifying = 3.0F;

  // What an attempt says about the noise that is usual: nothing; something, but a limit may be at
  // work too; or all.
  enum class Lesson : std::uint8_t { none, pressed, plain };
  void on_accepted(Lesson lesson);
  // True: too many. `weight` below 1: the message was put off before, one bad recipient is no
  // trend.
  bool on_unclear(float weight, Lesson lesson, float enough);
  bool on_silent();
  // The tests begin anew.
  void clear();
  // What looked like a refusal was not: this much noise is normal here.
  void on_false_alarm();

  template <class Archive>
  void archive(Archive& a) {
    a(unclear_), a(silent_), a(baseline_);
  }

 private:
  float usual() const;

  float unclear_ = 0;
  float silent_ = 0;
  float baseline_ = 0.003F;  // share of unclear replies while the path is open
};

}  // namespace mailweir::pacing
