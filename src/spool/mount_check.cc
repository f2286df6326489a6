#include "spool/mount_check.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

namespace mailweir::spool {
namespace {

// The fields of a mountinfo line, split at spaces.
std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    const std::size_t space = line.find(' ');
    fields.push_back(line.substr(0, space));
    line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  }
  return fields;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const std::size_t comma = options.find(',');
    if (options.substr(0, comma) == wanted) return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

// "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro": any number of
// optional fields stands before the dash.
std::optional<Mount> mount_of_line(std::string_view line, std::string_view device) {
  constexpr std::size_t device_field = 2;
  constexpr std::size_t options_field = 5;
  const std::vector<std::string_view> fields = fields_of(line);
  if (fields.size() <= options_field || fields[device_field] != device) return std::nullopt;
  const auto dash = std::ranges::find(fields.begin() + options_field, fields.end(), "-");
  if (fields.end() - dash < 4) return std::nullopt;
  return Mount{std::string(dash[1]), fmt::format("{},{}", fields[options_field], dash[3])};
}

}  // namespace

std::optional<Mount> find_mount(std::string_view mountinfo, unsigned major, unsigned minor) {
  const std::string device = fmt::format("{}:{}", major, minor);
  while (!mountinfo.empty()) {
    const std::size_t end = mountinfo.find('\n');
    if (auto mount = mount_of_line(mountinfo.substr(0, end), device)) return mount;
    mountinfo.remove_prefix(end == std::string_view::npos ? mountinfo.size() : end + 1);
  }
  return std::nullopt;
}

MountVerdict judge_mount(const Mount& mount) {
  MountVerdict verdict;
  for (const std::string_view option : {"nobarrier", "barrier=0"}) {
    if (has_option(mount.options, option)) {
      verdict.refusal = fmt::format(
          "its {} file system is mounted with {}: a power cut would lose mail that was "
          "acknowledged. Remount it with barriers",
          mount.type, option);
    }
  }
  const std::string& type = mount.type;
  if (type == "tmpfs" || type == "ramfs") {
    verdict.warnings.push_back(
        fmt::format("the spool is on {}: it is lost when the machine stops", type));
  } else if (type == "overlay") {
    verdict.warnings.emplace_back(
        "the spool is on an overlay file system: keep it on a volume of its own");
  } else if (type.starts_with("nfs") || type == "cifs" || type == "smb3" ||
             type.starts_with("fuse")) {
    verdict.warnings.push_back(fmt::format(
        "the spool is on {}: whether synced data survives is the server's affair", type));
  }
  return verdict;
}

MountVerdict check_mount(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return {};
  std::ifstream file("/proc/self/mountinfo");
  std::stringstream text;
  text << file.rdbuf();
  const auto mount = find_mount(text.str(), major(info.st_dev), minor(info.st_dev));
  return mount ? judge_mount(*mount) : MountVerdict{};
}

}  // namespace mailweir::spool
