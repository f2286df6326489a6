// Against a DNS server of our own on loopback that gives canned answers.
#include "runtime/unbound_resolver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <map>

namespace mailweir::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using std::string_literals::operator""s;

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_mx = 15;
constexpr std::uint16_t type_aaaa = 28;

std::string u16(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    wire.push_back(static_cast<char>(dot));
    wire.append(name.substr(0, dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return wire + '\0';
}

std::string mx(std::uint16_t preference, std::string_view host) {
  return u16(preference) + wire_name(host);
}

// Answers over UDP in a thread. A name not in the table is NXDOMAIN; a name without that type has
// no data.
class DnsServer {
 public:
  DnsServer() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~DnsServer() {
    ::shutdown(socket_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(socket_);
  }

  void add(const std::string& name, std::uint16_t type, std::string data) {
    records_[name].emplace_back(type, std::move(data));
  }
  void add_code(const std::string& name, char code) { codes_[name] = code; }
  void add_silence(const std::string& name) { codes_[name] = silent; }
  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  static constexpr char silent = 127;

  void serve() {
    std::array<char, 4096> buffer;
    while (true) {
      sockaddr_in client{};
      socklen_t client_length = sizeof client;
      const ssize_t length = ::recvfrom(socket_, buffer.data(), buffer.size(), 0,
                                        reinterpret_cast<sockaddr*>(&client), &client_length);
      if (length <= 12) return;
      const std::string reply = answer({buffer.data(), static_cast<std::size_t>(length)});
      if (reply.empty()) continue;
      ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&client),
               client_length);
    }
  }

  std::string answer(std::string_view query) const {
    std::string name;
    std::size_t at = 12;
    while (query[at] != 0) {
      const auto label = static_cast<std::size_t>(query[at]);
      if (!name.empty()) name.push_back('.');
      name.append(query.substr(at + 1, label));
      at += label + 1;
    }
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto type = static_cast<std::uint16_t>(query[at + 2]);
    const std::string_view question = query.substr(12, at + 5 - 12);

    const auto found = records_.find(name);
    const auto code = codes_.find(name);
    if (code != codes_.end() && code->second == silent) return {};
    char rcode = found == records_.end() ? 3 : 0;
    if (code != codes_.end()) rcode = code->second;
    std::string records;
    std::size_t count = 0;
    append_answers(name, type, records, count);
    std::string reply(query.substr(0, 2));
    reply.append({'\x81', static_cast<char>(0x80 | rcode)});
    reply.append(u16(1)).append(u16(count)).append(u16(0)).append(u16(0));
    return reply.append(question).append(records);
  }

  // Follows CNAMEs, as a recursive server does, but not for ever.
  void append_answers(std::string name, std::uint16_t type, std::string& out,
                      std::size_t& count) const {
    for (int depth = 0; depth < 20; ++depth) {
      const auto found = records_.find(name);
      if (found == records_.end()) return;
      std::string next;
      for (const auto& [record_type, data] : found->second) {
        if (record_type != type && record_type != type_cname) continue;
        const std::string rdata = record_type == type_cname ? wire_name(data) : data;
        out.append(wire_name(name)).append(u16(record_type)).append(u16(1)).append("\0\0\0\74"s);
        out.append(u16(rdata.size())).append(rdata);
        ++count;
        if (record_type == type_cname) next = data;
      }
      if (next.empty()) return;
      name = next;
    }
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::map<std::string, std::vector<std::pair<std::uint16_t, std::string>>> records_;
  std::map<std::string, char> codes_;
  std::thread thread_;
};

class UnboundResolverTest : public ::testing::Test {
 protected:
  ~UnboundResolverTest() override {
    if (resolver) resolver->stop();
    resolver.reset();
    thread.join();
  }

  void start(std::chrono::milliseconds query_time_max = std::chrono::seconds(20),
             std::size_t queries_max = UnboundOptions{}.queries_max) {
    server.start();
    UnboundOptions options;
    options.queries_max = queries_max;
    options.servers = {server.address()};
    options.query_time_max = query_time_max;
    auto created = UnboundResolver::create(std::move(options), thread);
    ASSERT_TRUE(created.has_value()) << created.error().context;
    resolver = std::move(*created);
  }

  std::variant<MxAnswer, DnsError> find_mx(const std::string& domain) {
    std::promise<std::variant<MxAnswer, DnsError>> promise;
    resolver->find_mx(domain, [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  std::variant<AddressAnswer, DnsError> find_addresses(const std::string& host,
                                                       bool want_ipv6 = true) {
    std::promise<std::variant<AddressAnswer, DnsError>> promise;
    resolver->find_addresses(host, want_ipv6,
                             [&](auto answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  template <class Answer>
  static DnsFailure failure_of(const Answer& answer) {
    const auto* error = std::get_if<DnsError>(&answer);
    EXPECT_NE(error, nullptr) << "there is an answer";
    return error != nullptr ? error->failure : DnsFailure::bogus;
  }

  IoThread thread{"resolver-test"};
  DnsServer server;
  std::unique_ptr<UnboundResolver> resolver;
};

TEST_F(UnboundResolverTest, FindsMxRecordsByPreference) {
  server.add("example.com", type_mx, mx(20, "MX2.example.com"));
  server.add("example.com", type_mx, mx(10, "mx1.example.com"));
  start();
  const auto answer = find_mx("example.com");
  ASSERT_TRUE(std::holds_alternative<MxAnswer>(answer)) << std::get<DnsError>(answer).detail;
  const auto& records = std::get<MxAnswer>(answer).records;
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].host, "mx1.example.com");
  EXPECT_EQ(records[1].host, "mx2.example.com");
  EXPECT_EQ(records[1].preference, 20);
  EXPECT_EQ(std::get<MxAnswer>(answer).time_to_live, std::chrono::seconds(60));
  EXPECT_FALSE(std::get<MxAnswer>(answer).is_secure);
}

TEST_F(UnboundResolverTest, FindsTheNullMx) {
  server.add("nomail.com", type_mx, mx(0, ""));
  start();
  const auto answer = find_mx("nomail.com");
  ASSERT_TRUE(std::holds_alternative<MxAnswer>(answer));
  ASSERT_EQ(std::get<MxAnswer>(answer).records.size(), 1u);
  EXPECT_EQ(std::get<MxAnswer>(answer).records[0].host, "");
}

TEST_F(UnboundResolverTest, KeepsItsLimitsAgainstLargeAnswers) {
  for (int i = 0; i < 70; ++i) {
    server.add("many.com", type_mx, mx(10, "h" + std::to_string(i) + ".com"));
    server.add("many.com", type_a, {1, 2, 3, static_cast<char>(i)});
  }
  start();
  EXPECT_EQ(std::get<MxAnswer>(find_mx("many.com")).records.size(), 50u);
  EXPECT_EQ(std::get<AddressAnswer>(find_addresses("many.com")).ipv4.size(), 50u);
}

TEST_F(UnboundResolverTest, ImpossibleHostsAreDropped) {
  server.add("odd.com", type_mx, mx(10, "10.0.0.1"));
  server.add("odd.com", type_mx, mx(20, "good.odd.com"));
  server.add("allodd.com", type_mx, mx(10, "a b.odd.com"));
  start();
  EXPECT_EQ(std::get<MxAnswer>(find_mx("odd.com")).records.size(), 1u);
  EXPECT_EQ(failure_of(find_mx("allodd.com")), DnsFailure::temporary);
}

TEST_F(UnboundResolverTest, TellsWhyThereIsNoAnswer) {
  server.add("onlya.com", type_a, "\1\2\3\4");
  server.add_code("broken.com", 2);
  server.add_code("refused.com", 5);
  start();
  EXPECT_EQ(failure_of(find_mx("onlya.com")), DnsFailure::no_data);
  EXPECT_EQ(failure_of(find_mx("nowhere.com")), DnsFailure::no_such_domain);
  EXPECT_EQ(failure_of(find_mx("broken.com")), DnsFailure::temporary);
  EXPECT_EQ(failure_of(find_mx("refused.com")), DnsFailure::temporary);
  EXPECT_EQ(failure_of(find_mx(std::string(70, 'a') + ".com")), DnsFailure::no_such_domain);
  const auto answer = find_mx("nowhere.com");
  EXPECT_THAT(std::get<DnsError>(answer).detail, HasSubstr("nowhere.com MX"));
}

TEST_F(UnboundResolverTest, FindsAddressesOfBothFamilies) {
  const std::string ipv6 = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s;
  server.add("dual.com", type_a, "\x05\x06\x07\x08");
  server.add("dual.com", type_aaaa, ipv6);
  server.add("six.com", type_aaaa, ipv6);
  server.add("none.com", type_mx, mx(10, "a.com"));
  start();
  const auto dual = std::get<AddressAnswer>(find_addresses("dual.com"));
  EXPECT_THAT(dual.ipv4, ElementsAre("5.6.7.8"));
  EXPECT_THAT(dual.ipv6, ElementsAre("2001:db8::1"));
  EXPECT_THAT(std::get<AddressAnswer>(find_addresses("dual.com", false)).ipv6, IsEmpty());
  EXPECT_THAT(std::get<AddressAnswer>(find_addresses("six.com")).ipv6, ElementsAre("2001:db8::1"));
  EXPECT_EQ(failure_of(find_addresses("six.com", false)), DnsFailure::no_data);
  EXPECT_EQ(failure_of(find_addresses("none.com")), DnsFailure::no_data);
  EXPECT_EQ(failure_of(find_addresses("nowhere.com")), DnsFailure::no_such_domain);
}

TEST_F(UnboundResolverTest, FollowsAliasesButNotForEver) {
  server.add("alias.com", type_cname, "next.com");
  server.add("next.com", type_cname, "real.com");
  server.add("real.com", type_a, "\x09\x09\x09\x09");
  server.add("loop.com", type_cname, "pool.com");
  server.add("pool.com", type_cname, "loop.com");
  start();
  EXPECT_THAT(std::get<AddressAnswer>(find_addresses("alias.com")).ipv4, ElementsAre("9.9.9.9"));
  EXPECT_TRUE(std::holds_alternative<DnsError>(find_addresses("loop.com")));
}

TEST_F(UnboundResolverTest, AsksConfiguredServersForReservedNamesToo) {
  server.add("lab.test", type_mx, mx(10, "mx.lab.test"));
  server.add("mx.lab.test", type_a, "\x0a\x00\x00\x01"s);
  start();
  ASSERT_TRUE(std::holds_alternative<MxAnswer>(find_mx("lab.test")));
  EXPECT_THAT(std::get<AddressAnswer>(find_addresses("mx.lab.test")).ipv4, ElementsAre("10.0.0.1"));
}

TEST_F(UnboundResolverTest, GivesUpOnAServerThatIsSilent) {
  server.add_silence("silent.com");
  start(std::chrono::milliseconds(50));
  const auto answer = find_mx("silent.com");
  EXPECT_EQ(failure_of(answer), DnsFailure::temporary);
  EXPECT_THAT(std::get<DnsError>(answer).detail, HasSubstr("no answer in time"));
}

TEST_F(UnboundResolverTest, StopAnswersWhatIsUnderWayAndWhatComesLater) {
  server.add_silence("silent.com");
  start();
  std::promise<DnsFailure> under_way;
  resolver->find_addresses("silent.com", true,
                           [&](const auto& answer) { under_way.set_value(failure_of(answer)); });
  thread.run([] {});  // the query has been asked
  resolver->stop();
  EXPECT_EQ(under_way.get_future().get(), DnsFailure::cancelled);
  EXPECT_EQ(failure_of(find_mx("later.com")), DnsFailure::cancelled);
}

TEST_F(UnboundResolverTest, StopAnswersWhatWaitsForItsTurn) {
  server.add_silence("silent.com");
  start(std::chrono::seconds(20), 1);
  std::vector<std::promise<DnsFailure>> promises(3);
  for (auto& promise : promises) {
    resolver->find_mx("silent.com",
                      [&promise](const auto& answer) { promise.set_value(failure_of(answer)); });
  }
  thread.run([] {});
  resolver->stop();
  for (auto& promise : promises) EXPECT_EQ(promise.get_future().get(), DnsFailure::cancelled);
}

class UnboundResolverLimitTest : public UnboundResolverTest,
                                 public ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(QueriesAtOnce, UnboundResolverLimitTest, ::testing::Values(1, 7, 10'000));

TEST_P(UnboundResolverLimitTest, ManyQueriesAtOnceAreEachAnsweredOnce) {
  for (int i = 0; i < 200; ++i) {
    server.add("d" + std::to_string(i) + ".com", type_mx,
               mx(10, "mx" + std::to_string(i) + ".com"));
  }
  start(std::chrono::seconds(20), GetParam());
  std::vector<std::promise<std::string>> promises(200);
  for (std::size_t i = 0; i < promises.size(); ++i) {
    resolver->find_mx("d" + std::to_string(i) + ".com", [&promise = promises[i]](auto answer) {
      const auto* found = std::get_if<MxAnswer>(&answer);
      promise.set_value(found != nullptr ? found->records[0].host
                                         : std::get<DnsError>(answer).detail);
    });
  }
  for (std::size_t i = 0; i < promises.size(); ++i) {
    EXPECT_EQ(promises[i].get_future().get(), "mx" + std::to_string(i) + ".com");
  }
}

TEST_F(UnboundResolverTest, RefusesServersThatAreNone) {
  for (const char* text : {"", "dns.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999",
                           "127.0.0.1:x", "[::1", "[::1]x", "1.2.3"}) {
    const auto created = UnboundResolver::create({.servers = {text}}, thread);
    ASSERT_FALSE(created.has_value()) << text;
    EXPECT_EQ(created.error().code, Errc::invalid_argument);
  }
}

TEST_F(UnboundResolverTest, TakesServersInEveryNotation) {
  for (const char* text :
       {"127.0.0.1", "127.0.0.1@53", "127.0.0.1:53", "::1", "::1@53", "[::1]", "[::1]:53"}) {
    auto created = UnboundResolver::create({.servers = {text}}, thread);
    ASSERT_TRUE(created.has_value()) << text;
    (*created)->stop();
  }
}

TEST_F(UnboundResolverTest, AMissingTrustAnchorIsAnError) {
  const auto created = UnboundResolver::create(
      {.servers = {"127.0.0.1"}, .trust_anchor_file = "/nonexistent/root.key"}, thread);
  ASSERT_FALSE(created.has_value());
  EXPECT_THAT(created.error().context, HasSubstr("/nonexistent/root.key"));
}

}  // namespace
}  // namespace mailweir::runtime
