#include "operations/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "operations/event_files.h"
#include "operations/test_directory.h"

namespace mailweir::operations {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const UnixTime noon{std::chrono::seconds(1'763'812'800)};

std::unique_ptr<EventLog> open_log(const fs::path& directory, ByteCount file_size_max = {64 << 20},
                                   ByteCount total_size_max = {1 << 30}) {
  auto log = EventLog::open(
      {.directory = directory, .file_size_max = file_size_max, .total_size_max = total_size_max});
  EXPECT_TRUE(log) << log.error().context;
  return std::move(*log);
}

void receive(EventLog& log, std::uint64_t id, std::string_view sender = "s@example.com") {
  log.record(noon, MessageReceived{.id = {id}, .sender = sender});
}

void settle(EventLog& log, std::uint64_t id, std::string_view recipient) {
  log.record(noon, RecipientSettled{
                       .id = {id}, .recipient = recipient, .disposition = Disposition::expired});
}

std::vector<std::string> types(const Result<std::vector<std::string>>& lines) {
  std::vector<std::string> out;
  EXPECT_TRUE(lines);
  for (const std::string& line : lines.value_or(std::vector<std::string>{}))
    out.push_back(json::parse(line)["type"]);
  return out;
}

TEST(EventLog, TracesAMessageAmongOthers) {
  const TestDirectory directory;
  const auto log = open_log(directory.path());
  log->record(noon, ServerStarted{.version = "1"});
  for (std::uint64_t id = 1; id <= 1000; ++id) receive(*log, id);
  settle(*log, 500, "late@example.com");
  EXPECT_THAT(types(log->trace({500})), ElementsAre("message.received", "disposition"));
  EXPECT_THAT(types(log->trace({1000})), ElementsAre("message.received"));
  EXPECT_THAT(types(log->trace({1001})), IsEmpty());
}

TEST(EventLog, EveryLineIsJsonAndInOrder) {
  const TestDirectory directory;
  {
    const auto log = open_log(directory.path());
    for (std::uint64_t id = 1; id <= 100; ++id) receive(*log, id, "\xFF\"\n");
  }
  const auto files = list_event_files(directory.path());
  ASSERT_THAT(files, SizeIs(1));
  std::istringstream lines(file_text(files[0].path));
  std::uint64_t expected = 1;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(json::parse(line)["id"], to_string(MessageId{expected++}));
  }
  EXPECT_EQ(expected, 101U);
}

TEST(EventLog, GoesOnWhereItStoppedAcrossFiles) {
  const TestDirectory directory;
  for (std::uint64_t run = 0; run < 3; ++run) {
    const auto log = open_log(directory.path(), {20'000});
    for (std::uint64_t i = 1; i <= 200; ++i) {
      receive(*log, run * 200 + i);
      if (i % 50 == 0) EXPECT_TRUE(log->flush());
    }
    settle(*log, 7, "r@example.com");
  }
  const auto files = list_event_files(directory.path());
  EXPECT_GT(files.size(), 2U);
  std::uint64_t position = 0;
  for (const EventFile& file : files) {
    EXPECT_EQ(file.position, position);
    EXPECT_LE(fs::file_size(file.path), 20'000U);
    position += fs::file_size(file.path);
  }
  EXPECT_THAT(types(trace_events(directory.path(), {7})),
              ElementsAre("message.received", "disposition", "disposition", "disposition"));
  for (std::uint64_t id = 1; id <= 600; ++id)
    EXPECT_FALSE(trace_events(directory.path(), {id})->empty()) << id;
}

TEST(EventLog, DeletesTheOldestWhenAllAreTooLarge) {
  const TestDirectory directory;
  const auto log = open_log(directory.path(), {10'000}, {40'000});
  for (std::uint64_t id = 1; id <= 2000; ++id) {
    receive(*log, id);
    if (id % 20 == 0) ASSERT_TRUE(log->flush());
  }
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) bytes += entry.file_size();
  EXPECT_LE(bytes, 50'000U);  // the limit, and the file that was begun since
  EXPECT_EQ(log->statistics().bytes, bytes);
  EXPECT_THAT(types(log->trace({1})), IsEmpty());
  EXPECT_THAT(types(log->trace({2000})), SizeIs(1));
}

TEST(EventLog, ATornEndIsCutOffAndTheIndexCompleted) {
  const TestDirectory directory;
  {
    const auto log = open_log(directory.path());
    for (std::uint64_t id = 1; id <= 10; ++id) receive(*log, id);
  }
  const fs::path file = list_event_files(directory.path()).front().path;
  const std::string whole = file_text(file);
  const auto index_size = fs::file_size(index_path(file));
  // Every way a crash may tear the last line, with an index that is short, whole, torn or lost.
  for (const std::size_t cut :
       {whole.size() - 1, whole.size() - 50, whole.rfind("{\"time\"") + 1}) {
    for (const std::uintmax_t index :
         {std::uintmax_t{0}, index_size / 2, index_size - 5, index_size}) {
      std::ofstream(file, std::ios::binary) << whole.substr(0, cut);
      fs::resize_file(index_path(file), index);
      EXPECT_THAT(types(trace_events(directory.path(), {9})), SizeIs(1)) << "before repair";
      const auto log = open_log(directory.path());
      receive(*log, 11);
      EXPECT_THAT(types(log->trace({10})), IsEmpty());
      EXPECT_THAT(types(log->trace({11})), SizeIs(1));
      for (std::uint64_t id = 1; id <= 9; ++id)
        EXPECT_THAT(types(log->trace({id})), SizeIs(1)) << id;
    }
  }
}

TEST(EventLog, AForeignIndexIsMadeAnew) {
  const TestDirectory directory;
  {
    const auto log = open_log(directory.path());
    for (std::uint64_t id = 1; id <= 10; ++id) receive(*log, id);
  }
  const fs::path file = list_event_files(directory.path()).front().path;
  std::ofstream(index_path(file), std::ios::binary) << std::string(1600, '\1');
  EXPECT_THAT(types(trace_events(directory.path(), {5})), SizeIs(1));
  const auto log = open_log(directory.path());
  EXPECT_THAT(types(log->trace({5})), SizeIs(1));
  EXPECT_EQ(fs::file_size(index_path(file)), 10 * sizeof(IndexRecord));
}

TEST(EventLog, WithoutAnIndexTheLinesAreRead) {
  const TestDirectory directory;
  {
    const auto log = open_log(directory.path());
    for (std::uint64_t id = 1; id <= 3000; ++id) receive(*log, id);
  }
  fs::remove(index_path(list_event_files(directory.path()).front().path));
  EXPECT_THAT(types(trace_events(directory.path(), {2999})), SizeIs(1));
}

TEST(EventLog, TraceKeepsTheNewestLines) {
  const TestDirectory directory;
  const auto log = open_log(directory.path());
  for (int i = 0; i < 20; ++i) settle(*log, 1, "r" + std::to_string(i) + "@example.com");
  ASSERT_TRUE(log->flush());
  const auto lines = trace_events(directory.path(), {1}, 3);
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, ElementsAre(HasSubstr("r17@"), HasSubstr("r18@"), HasSubstr("r19@")));
}

TEST(EventLog, ABrokenDiskDropsAndSaysSo) {
  const TestDirectory directory;
  auto opened =
      EventLog::open({.directory = directory.path(), .file_size_max = {1}, .buffer_max = {2000}});
  ASSERT_TRUE(opened);
  EventLog& log = **opened;
  receive(log, 1);
  ASSERT_TRUE(log.flush());
  // The next write wants a new file, and the folder is gone.
  fs::rename(directory.path(), directory.path().string() + ".away");
  for (std::uint64_t id = 2; id <= 100; ++id) receive(log, id);
  EXPECT_FALSE(log.flush());
  const EventLogStatistics broken = log.statistics();
  EXPECT_GT(broken.dropped, 0U);
  EXPECT_GT(broken.write_errors, 0U);
  EXPECT_THAT(broken.last_error, HasSubstr("cannot open"));
  fs::rename(directory.path().string() + ".away", directory.path());
  while (!log.flush()) {
  }
  receive(log, 101);
  EXPECT_THAT(types(log.trace({2})), SizeIs(1));
  EXPECT_THAT(types(log.trace({101})), SizeIs(1));
  EXPECT_EQ(log.statistics().last_error, "");
  std::string all;
  for (const EventFile& file : list_event_files(directory.path())) all += file_text(file.path);
  EXPECT_THAT(all,
              HasSubstr("\"type\":\"log.dropped\",\"count\":" + std::to_string(broken.dropped)));
}

TEST(EventLog, EventsOfManyThreadsAreAllThere) {
  const TestDirectory directory;
  const auto log = open_log(directory.path(), {100'000});
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 1; i <= 2000; ++i) receive(*log, t * 2000 + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(log->flush());
  EXPECT_EQ(log->statistics().events, 8000U);
  std::size_t records = 0;
  for (const EventFile& file : list_event_files(directory.path())) {
    records += index_lines(file_text(file.path), 0).size();
    EXPECT_EQ(fs::file_size(index_path(file.path)) % sizeof(IndexRecord), 0U);
  }
  EXPECT_EQ(records, 8000U);
}

TEST(EventLog, CannotOpenWhereThereIsAFile) {
  const TestDirectory directory;
  std::ofstream(directory.path() / "events") << "in the way";
  const auto log = EventLog::open({.directory = directory.path() / "events"});
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().context,
              AllOf(HasSubstr("cannot create the folder"), HasSubstr("events")));
}

TEST(IdOfLine, ReadsOnlyTheLogsOwnField) {
  EXPECT_EQ(id_of_line(R"({"time":"t","type":"attempt","id":"000000000001A","x":1})"),
            MessageId{42});
  EXPECT_EQ(id_of_line(R"({"time":"t","type":"server.started"})"), MessageId{});
  EXPECT_EQ(id_of_line(R"({"time":"t","id":"not an id here"})"), MessageId{});
  EXPECT_EQ(id_of_line(""), MessageId{});
}

}  // namespace
}  // namespace mailweir::operations
