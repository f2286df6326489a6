// What a durable acceptance costs: closed-loop clients hand messages to a CommitQueue on a
// RocksSpool in DIR; each message is removed a little after it was acknowledged, as when it is
// delivered at once.
//
//   spool_bench DIR [--clients 256] [--size 4096] [--seconds 5] [--rate 0] [--life-ms 50]
//   spool_bench DIR --park 1000000     fills a spool, then times the restart and its scan
//
// One driver thread plays all clients; its own processor time is not counted. --rate limits the
// messages a second (0: as fast as it goes). Prints key=value lines.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/crc32c.h"
#include "spool/commit_queue.h"
#include "spool/rocks_spool.h"

namespace {

using namespace mailweir;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string directory;
  std::size_t clients = 256;
  std::size_t size = 4096;
  double seconds = 5;
  double rate = 0;
  std::chrono::milliseconds life{50};
  std::size_t park = 0;
};

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// "VmHWM:   123456 kB" of /proc/self/status, in MiB.
double status_mebibytes(std::string_view field) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(field))
      return std::strtod(line.c_str() + field.size() + 1, nullptr) / 1024;
  }
  return 0;
}

StoredMessage message_for(MessageId id, const std::string& content) {
  StoredMessage message;
  message.id = id;
  message.envelope.reverse_path.mailbox = Mailbox::from_parts("newsletter", "sender.example");
  Recipient recipient;
  recipient.mailbox = Mailbox::from_parts(fmt::format("user{}", id.value), "receiver.example");
  message.envelope.recipients.push_back(std::move(recipient));
  const auto now = std::chrono::system_clock::now();
  message.received_at = std::chrono::time_point_cast<Duration>(now);
  message.expires_at = message.received_at + std::chrono::hours(120);
  message.message_class = "bulk";
  message.tenant = "default";
  message.client = "127.0.0.1 [localhost]";
  message.body_size = static_cast<std::uint32_t>(content.size());
  message.body_crc32c = crc32c(content);
  return message;
}

spool::CommitBatch acceptance_of(MessageId id, std::size_t size) {
  std::string content(size, 'x');
  for (std::size_t at = 0; at + 8 <= size; at += 64)
    fmt::format_to_n(&content[at], 8, "{:08x}", id.value);
  StoredMessage message = message_for(id, content);
  spool::CommitBatch batch;
  batch.accepted.push_back(
      {std::move(message), std::make_shared<const std::string>(std::move(content))});
  return batch;
}

// The clients whose message was acknowledged, handed from the commit thread to the driver.
class Acknowledged {
 public:
  void add(MessageId id) {
    const std::lock_guard lock(mutex_);
    ids_.push_back(id);
    if (ids_.size() == 1) wake_.notify_one();
  }
  void take(std::vector<MessageId>& ids, Clock::time_point until) {
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, until, [this] { return !ids_.empty(); });
    ids.swap(ids_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<MessageId> ids_;
};

[[noreturn]] void die(const Error& error) {
  fmt::print(stderr, "spool_bench: {}\n", error.context);
  std::exit(1);
}

std::unique_ptr<spool::RocksSpool> open_spool(const std::string& directory) {
  spool::RocksSpoolOptions options;
  options.path = directory;
  auto opened = spool::RocksSpool::open(std::move(options));
  if (!opened) die(opened.error());
  for (const std::string& warning : (*opened)->warnings()) fmt::print("warning={}\n", warning);
  return std::move(*opened);
}

void measure_load(const Arguments& arguments) {
  const auto spool = open_spool(arguments.directory);
  spool::CommitQueue queue(*spool, {}, die);
  Acknowledged acknowledged;
  std::deque<std::pair<Clock::time_point, MessageId>> delivered;
  std::vector<MessageId> ids;
  std::uint64_t next = spool->next_id().value;
  std::size_t in_flight = 0;
  std::uint64_t done = 0;
  double started = 0;
  const double cpu_before = cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD);
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(arguments.seconds));
  for (auto now = begin; now < end || in_flight > 0; now = Clock::now()) {
    const double elapsed = std::chrono::duration<double>(now - begin).count();
    while (now < end && in_flight < arguments.clients &&
           (arguments.rate <= 0 || started < elapsed * arguments.rate)) {
      const MessageId id{next++};
      queue.submit(acceptance_of(id, arguments.size), [&acknowledged, id](const Result<void>& r) {
        if (!r) die(r.error());
        acknowledged.add(id);
      });
      ++in_flight;
      ++started;
    }
    ids.clear();
    acknowledged.take(ids, now + std::chrono::milliseconds(1));
    const auto acked = Clock::now();
    in_flight -= ids.size();
    done += ids.size();
    for (const MessageId id : ids) delivered.emplace_back(acked, id);
    spool::CommitBatch removals;
    while (!delivered.empty() && delivered.front().first + arguments.life <= acked) {
      removals.removals.push_back({delivered.front().second, 1});
      delivered.pop_front();
    }
    queue.submit_lazily(std::move(removals));
  }
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  const double cpu = cpu_seconds(RUSAGE_SELF) - cpu_seconds(RUSAGE_THREAD) - cpu_before;
  const spool::CommitStatistics statistics = queue.statistics();
  queue.stop();
  const auto count = static_cast<double>(done);
  fmt::print("messages={}\ncommits={}\nmessages_per_commit={:.1f}\nbytes_per_commit={:.0f}\n", done,
             statistics.commits, count / static_cast<double>(statistics.commits),
             static_cast<double>(statistics.bytes) / static_cast<double>(statistics.commits));
  fmt::print(
      "commit_ms={:.3f}\nrss_mib={:.0f}\nrss_peak_mib={:.0f}\ndisk_mib={:.0f}\n",
      1e-3 * static_cast<double>(statistics.busy.count()) / static_cast<double>(statistics.commits),
      status_mebibytes("VmRSS:"), status_mebibytes("VmHWM:"),
      static_cast<double>(spool->usage().bytes_on_disk) / (1024 * 1024));
  fmt::print("cpu_us_per_message={:.1f}\naccepts_per_second={:.0f}\n", 1e6 * cpu / count,
             count / elapsed);
}

void measure_restart(const Arguments& arguments) {
  {
    const auto spool = open_spool(arguments.directory);
    std::uint64_t next = spool->next_id().value;
    constexpr std::size_t batch_size = 500;
    for (std::size_t parked = 0; parked < arguments.park; parked += batch_size) {
      spool::CommitBatch batch;
      for (std::size_t i = 0; i < batch_size; ++i) {
        const MessageId id{next++};
        batch.accepted.push_back(std::move(acceptance_of(id, arguments.size).accepted.front()));
        RecipientState state{Disposition::deferred, 1, {}, 451, "4.7.1 try again later"};
        batch.updates.push_back({id, 0, std::move(state)});
      }
      if (const auto committed = spool->commit(batch); !committed) die(committed.error());
    }
  }
  const auto begin = Clock::now();
  const auto spool = open_spool(arguments.directory);
  const auto opened = Clock::now();
  std::size_t messages = 0;
  std::size_t states = 0;
  const auto scanned = spool->scan(
      [&](spool::Recovered&& recovered) {
        ++messages;
        states += recovered.states.size();
        return true;
      },
      [](MessageId, const Error& error) { die(error); });
  if (!scanned) die(scanned.error());
  const auto end = Clock::now();
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  fmt::print("messages={}\nstates={}\nopen_seconds={:.2f}\nrss_mib={:.0f}\nscan_seconds={:.2f}\n",
             messages, states, seconds(opened - begin), status_mebibytes("VmRSS:"),
             seconds(end - opened));
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  if (argc < 2 || argc % 2 != 0) {
    die(Error{Errc::invalid_argument,
              "usage: spool_bench DIR [--clients N] [--size BYTES] [--seconds N] [--rate N] "
              "[--life-ms N] | DIR --park N [--size BYTES]"});
  }
  arguments.directory = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name(argv[i]);
    const double value = std::strtod(argv[i + 1], nullptr);
    if (name == "--clients") {
      arguments.clients = static_cast<std::size_t>(value);
    } else if (name == "--size") {
      arguments.size = static_cast<std::size_t>(value);
    } else if (name == "--seconds") {
      arguments.seconds = value;
    } else if (name == "--rate") {
      arguments.rate = value;
    } else if (name == "--life-ms") {
      arguments.life = std::chrono::milliseconds(static_cast<std::int64_t>(value));
    } else if (name == "--park") {
      arguments.park = static_cast<std::size_t>(value);
    } else {
      die(Error{Errc::invalid_argument, fmt::format("unknown option {}", name)});
    }
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  if (arguments.park > 0) {
    measure_restart(arguments);
  } else {
    measure_load(arguments);
  }
}
