// What a reload changes, for people; and which part of it a running server can take on.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/option_table.h"

namespace mailweir::config {

struct Change {
  std::string text;  // `smtp.recipients_max: 1000 → 500`, `source "mx2": added`
  Effect effect = Effect::on_reload;
  friend bool operator==(const Change&, const Change&) = default;
};

// In the order of the documentation; empty when the two are the same. Both are complete.
std::vector<Change> diff_config(const Config& before, const Config& after);

// One line for each, those that wait for a restart saying so.
std::vector<std::string> describe(const std::vector<Change>& changes);

// `next`, but with the values of `running` wherever a change takes effect only at a restart.
Config apply_reload(const Config& running, const Config& next);

}  // namespace mailweir::config
