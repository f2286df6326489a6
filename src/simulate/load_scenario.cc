#include "simulate/load_scenario.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <tuple>
#include <utility>

#include "simulate/scenario_reading.h"

namespace mailweir::simulate {
namespace {

namespace fs = std::filesystem;
using config::Complaint;
using config::Problem;

constexpr std::uintmax_t file_size_max = std::uintmax_t{1} << 30;

Result<std::string> read_text(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return fail(Errc::not_found, "there is no such file");
  if (fs::file_size(path, error) > file_size_max || error)
    return fail(Errc::invalid_argument, "larger than 1 GiB");
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(Errc::io, "cannot be read");
  return std::move(text).str();
}

std::string line_of(std::string_view text, std::uint32_t line) {
  for (std::uint32_t i = 1; i < line && !text.empty(); ++i) {
    const std::size_t end = text.find('\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return std::string(text.substr(0, 200));
}

std::vector<Problem> problems(std::vector<Complaint> complaints, const config::SourceText& source) {
  std::ranges::sort(complaints, {}, [](const Complaint& complaint) {
    return std::tuple(complaint.place.line, complaint.place.column,
                      std::string_view(complaint.message));
  });
  std::vector<Problem> out;
  for (Complaint& complaint : complaints) {
    const std::uint32_t line = complaint.place.line;
    out.push_back({.file = source.name,
                   .line = line,
                   .column = complaint.place.column,
                   .message = std::move(complaint.message),
                   .excerpt = line == 0 ? std::string() : line_of(source.text, line)});
  }
  return out;
}

}  // namespace

ScenarioResult parse_scenario(
    const config::SourceText& source,
    const std::function<Result<std::string>(const std::string& path)>& read_file) {
  auto document = config::parse_document(source.text, 0);
  if (!document) return std::unexpected(problems({std::move(document.error())}, source));
  ScenarioReading reading(*document, read_file);
  reading.run();
  std::vector<Problem> found = problems(std::move(reading.complaints), source);
  std::ranges::move(reading.trace_problems, std::back_inserter(found));
  if (!found.empty()) return std::unexpected(std::move(found));
  reading.scenario.file = source.name;
  if (reading.scenario.title.empty())
    reading.scenario.title = fs::path(source.name).stem().string();
  return std::move(reading.scenario);
}

ScenarioResult load_scenario(const fs::path& file) {
  auto text = read_text(file);
  if (!text) {
    return std::unexpected(std::vector<Problem>{
        {.file = file.string(), .message = text.error().context + "; name a scenario file"}});
  }
  return parse_scenario(
      {.name = file.string(), .text = std::move(*text)},
      [&](const std::string& path) { return read_text(file.parent_path() / path); });
}

}  // namespace mailweir::simulate
