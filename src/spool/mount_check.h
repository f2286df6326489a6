// Whether the file system under the spool keeps what is synced to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mailweir::spool {

struct Mount {
  std::string type;     // "ext4"
  std::string options;  // of the mount and of its super block, comma-separated
};

struct MountVerdict {
  std::optional<std::string> refusal;  // mail must not be promised here
  std::vector<std::string> warnings;
};

// Finds the mount of device `major`:`minor` in the text of /proc/self/mountinfo (proc(5)).
std::optional<Mount> find_mount(std::string_view mountinfo, unsigned major, unsigned minor);
MountVerdict judge_mount(const Mount& mount);
// Both, for the file system `path` is on. No verdict where the mount cannot be told.
MountVerdict check_mount(const std::string& path);

}  // namespace mailweir::spool
