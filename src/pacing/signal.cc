#include "pacing/signal.h"

#include "pacing/path_controller.h"

namespace mailweir::pacing {

std::string_view to_string(Signal signal) {
  switch (signal) {
    case Signal::accepted:
      return "accepted";
    case Signal::answered:
      return "answered";
    case Signal::connection_limit:
      return "connection-limit";
    case Signal::throttled:
      return "throttled";
    case Signal::block_listed:
      return "block-listed";
    case Signal::silent:
      return "silent";
    case Signal::unclear:
      return "unclear";
    case Signal::local:
      return "local";
  }
  return "";
}

std::string_view to_string(Rank rank) {
  switch (rank) {
    case Rank::urgent:
      return "urgent";
    case Rank::ordinary:
      return "ordinary";
    case Rank::bulk:
      return "bulk";
  }
  return "";
}

std::string_view to_string(Window window) {
  switch (window) {
    case Window::minute:
      return "minute";
    case Window::ten_minutes:
      return "ten-minutes";
    case Window::hour:
      return "hour";
    case Window::day:
      return "day";
  }
  return "";
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::open:
      return "open";
    case Mode::held:
      return "held";
    case Mode::ramp:
      return "ramp";
  }
  return "";
}

std::string_view to_string(HoldCause cause) {
  switch (cause) {
    case HoldCause::throttle:
      return "throttle";
    case HoldCause::block_list:
      return "block-list";
    case HoldCause::network:
      return "network";
  }
  return "";
}

std::string_view to_string(Binding binding) {
  switch (binding) {
    case Binding::none:
      return "none";
    case Binding::pace:
      return "pace";
    case Binding::minute_count:
      return "minute-count";
    case Binding::ten_minute_count:
      return "ten-minute-count";
    case Binding::hour_count:
      return "hour-count";
    case Binding::day_count:
      return "day-count";
    case Binding::concurrency:
      return "concurrency";
    case Binding::hold:
      return "hold";
    case Binding::canary:
      return "canary";
    case Binding::ramp:
      return "ramp";
    case Binding::share:
      return "share";
  }
  return "";
}

std::string_view to_string(Change change) {
  switch (change) {
    case Change::none:
      return "none";
    case Change::held:
      return "held";
    case Change::held_again:
      return "held-again";
    case Change::canary_refused:
      return "canary-refused";
    case Change::released:
      return "released";
    case Change::opened:
      return "opened";
    case Change::concurrency_cut:
      return "concurrency-cut";
  }
  return "";
}

}  // namespace mailweir::pacing
