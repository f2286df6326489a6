// Goal: what a hostile or clumsy client sends never gets more than its answer, its deadline and its
// share of memory. Method: a real server on loopback and a Unix socket, and clients that send raw
// bytes. Limits of time are short by configuration; the tests wait for what must happen, they never
// measure.
#include "console/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "console/raw_connection.h"

namespace mailweir::console {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    directory_ =
        std::filesystem::temp_directory_path() / ("mailweir-http-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    options_.listen = {parse_endpoint("127.0.0.1:0").value()};
    options_.socket = directory_ / "admin.sock";
    router_.add(Method::get, "/hello", Access::reader,
                [](const Request&, const Responder& respond) { respond(text("hello")); });
    router_.add(
        Method::get, "/large", Access::reader,
        [](const Request&, const Responder& respond) { respond(text(std::string(3 << 20, 'x'))); });
    router_.add(
        Method::get, "/who", Access::operator_only,
        [](const Request& request, const Responder& respond) { respond(text(request.actor)); });
    router_.add(
        Method::post, "/echo", Access::reader,
        [](const Request& request, const Responder& respond) {
          respond(text(request.content_type + "|" + request.body));
        },
        1000);
    router_.add(Method::get, "/later", Access::reader, [this](const Request&, Responder respond) {
      late_ =
          std::async(std::launch::async, [respond = std::move(respond)] { respond(text("late")); });
    });
    router_.add(Method::get, "/never", Access::reader,
                [this](const Request&, const Responder& respond) {
                  kept_.emplace(respond);
                  asked_.set_value();
                });
  }
  ~HttpServerTest() override {
    server_.reset();
    thread_.join();
    std::filesystem::remove_all(directory_);
  }

  static Response text(std::string body) {
    Response response;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
  }

  void start() {
    server_ = std::make_unique<HttpServer>(options_, thread_, router_);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().context;
  }
  void TearDown() override {
    if (server_) server_->stop();
  }

  std::uint16_t port() const { return server_->endpoints().at(0).port; }
  std::string exchange(std::string_view bytes) const {
    auto connection = RawConnection::to_port(port());
    connection.send(bytes);
    return connection.read_all();
  }
  std::string exchange_unix(std::string_view bytes) const {
    auto connection = RawConnection::to_socket(options_.socket);
    connection.send(bytes);
    return connection.read_all();
  }

  std::filesystem::path directory_;
  HttpServerOptions options_;
  Router router_;
  runtime::IoThread thread_{"http-test"};
  std::unique_ptr<HttpServer> server_;
  std::future<void> late_;
  std::optional<Responder> kept_;
  std::promise<void> asked_;
};

constexpr std::string_view get_hello =
    "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, AnswersOverTcpAndOverTheUnixSocket) {
  start();
  EXPECT_THAT(exchange(get_hello),
              testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 5\r\n"),
                             EndsWith("\r\n\r\nhello")));
  EXPECT_THAT(exchange_unix(get_hello), EndsWith("\r\n\r\nhello"));
}

TEST_F(HttpServerTest, TakesTheRequestInBytes) {
  start();
  auto connection = RawConnection::to_port(port());
  for (const char byte : get_hello) ASSERT_TRUE(connection.send(std::string_view(&byte, 1)));
  EXPECT_THAT(connection.read_all(), EndsWith("\r\n\r\nhello"));
}

TEST_F(HttpServerTest, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
  start();
  const std::string answers = exchange(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Type: Text/Plain; "
      "charset=x\r\n\r\none"
      "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n" +
      std::string(get_hello));
  const auto one = answers.find("text/plain|one");
  const auto none = answers.find("404 Not Found");
  ASSERT_NE(one, std::string::npos);
  ASSERT_NE(none, std::string::npos);
  EXPECT_LT(one, none);
  EXPECT_THAT(answers, EndsWith("hello"));
}

TEST_F(HttpServerTest, AnswersHeadWithoutBody) {
  start();
  EXPECT_THAT(exchange("HEAD /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              testing::AllOf(HasSubstr("Content-Length: 5\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(HttpServerTest, ClosesAfterAnHttp10Request) {
  start();
  EXPECT_THAT(exchange("GET /hello HTTP/1.0\r\nHost: localhost\r\n\r\n"),
              testing::AllOf(HasSubstr("Connection: close"), EndsWith("hello")));
}

TEST_F(HttpServerTest, SendsLargeAnswersWhole) {
  start();
  const std::string answer =
      exchange("GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, std::size_t{3} << 20);
}

TEST_F(HttpServerTest, WaitsForAHandlerThatAnswersFromAnotherThread) {
  start();
  EXPECT_THAT(exchange("GET /later HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              EndsWith("late"));
}

TEST_F(HttpServerTest, TakesChunkedBodiesAndExpectContinue) {
  start();
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                       "chunked\r\nConnection: close\r\n\r\n"
                       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              EndsWith("|abcde"));
  auto connection = RawConnection::to_port(port());
  connection.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: "
      "100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(connection.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
  connection.send("ok");
  EXPECT_THAT(connection.read_all(), EndsWith("|ok"));
}

TEST_F(HttpServerTest, RefusesForeignHostsOverTcpButNotOverTheUnixSocket) {
  start();
  constexpr std::string_view rebound =
      "GET /hello HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(exchange(rebound), StartsWith("HTTP/1.1 421 "));
  EXPECT_THAT(exchange_unix(rebound), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, RefusesMissingAndDoubleHosts) {
  start();
  EXPECT_THAT(exchange("GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(exchange("GET /hello HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(
      exchange(
          "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
      StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, GivesOperatorRoutesOverTheUnixSocketOnlyAndKnowsWhoAsks) {
  start();
  constexpr std::string_view who =
      "GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  EXPECT_THAT(exchange(who), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(exchange_unix(who), EndsWith("uid " + std::to_string(::getuid())));
}

TEST_F(HttpServerTest, RefusesWhatIsNoHttp) {
  start();
  for (const char* bad :
       {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET\r\n\r\n", "GET /hello\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost localhost\r\n\r\n",
        "GET hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: "
        "2\r\n\r\nab",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    EXPECT_THAT(exchange(bad), StartsWith("HTTP/1.1 400 ")) << bad;
  }
  EXPECT_THAT(exchange("GET /hello HTTP/1.1\nHost: localhost\n\n"), StartsWith("HTTP/1.1 505 "));
  EXPECT_THAT(exchange("GET /hello HTTP/2.0\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 505 "));
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                       "gzip\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 501 "));
  EXPECT_THAT(
      exchange(
          "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nConnection: close\r\n\r\n"),
      StartsWith("HTTP/1.1 417 "));
}

TEST_F(HttpServerTest, BoundsTheHeader) {
  start();
  const std::string large(9000, 'a');
  EXPECT_THAT(exchange("GET /" + large + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(exchange("GET /hello HTTP/1.1\r\nHost: localhost\r\nX: " + large + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  const std::string half(5000, 'a');
  EXPECT_THAT(
      exchange("GET /hello?" + half +
               " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: " + half + "\r\n\r\n"),
      StartsWith("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, BoundsTheBodyByTheRoute) {
  start();
  // Refused by the announced length, before the body is taken.
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  std::string chunks =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 11; ++i) chunks += "64\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_THAT(exchange(chunks + "0\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                       "1000\r\nConnection: close\r\n\r\n" +
                       std::string(1000, 'x')),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, EndsASlowHeaderWithAnAnswerAndASilentConnectionWithout) {
  options_.header_time = 50ms;
  start();
  EXPECT_THAT(exchange("GET /hello HTTP/1.1\r\nHost: lo"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(exchange(""), "");
}

TEST_F(HttpServerTest, EndsAHeaderThatDripsOnForEver) {
  options_.header_time = 50ms;
  start();
  auto connection = RawConnection::to_port(port());
  connection.send("GET /hello HTTP/1.1\r\n");
  const std::jthread dripping([&connection](const std::stop_token& stop) {
    while (!stop.stop_requested() && connection.send("X: y\r\n")) std::this_thread::yield();
  });
  // Either the answer arrives, or the reset that follows it; what counts is that the server lets
  // go.
  const std::string answer = connection.read_all();
  EXPECT_THAT(answer, Not(HasSubstr("200 OK")));
}

TEST_F(HttpServerTest, EndsASlowBody) {
  options_.body_time = 50ms;
  start();
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"),
              StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, EndsAnIdleConnectionAfterItsRequests) {
  options_.idle_time = 50ms;
  start();
  EXPECT_THAT(exchange("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"), EndsWith("hello"));
}

TEST_F(HttpServerTest, EndsAClientThatTakesNothing) {
  options_.idle_time = 50ms;
  start();
  auto connection = RawConnection::to_port(port());
  // More than all buffers between us hold; the answers are never read.
  while (connection.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    std::this_thread::yield();
}

TEST_F(HttpServerTest, RefusesConnectionsOverTheLimitButServesTheUnixSocket) {
  options_.connections_max = 1;
  start();
  auto first = RawConnection::to_port(port());
  first.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(first.read_until("hello"), EndsWith("hello"));
  auto second = RawConnection::to_port(port());
  EXPECT_THAT(second.read_all(), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(exchange_unix(get_hello), EndsWith("hello"));
}

TEST_F(HttpServerTest, StopsWhileAHandlerHasNotAnswered) {
  start();
  auto connection = RawConnection::to_port(port());
  connection.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
  asked_.get_future().wait();
  server_->stop();
  EXPECT_EQ(connection.read_all(), "");
  (*kept_)(text("to nobody"));
}

TEST_F(HttpServerTest, SocketFileIsPrivateAndGoesWithTheServer) {
  start();
  struct stat status{};
  ASSERT_EQ(::stat(options_.socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  server_->stop();
  EXPECT_FALSE(std::filesystem::exists(options_.socket));
}

TEST_F(HttpServerTest, ReplacesASocketFileNobodyAnswersBehind) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, options_.socket.c_str(), options_.socket.size() + 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  start();
  EXPECT_THAT(exchange_unix(get_hello), EndsWith("hello"));
}

TEST_F(HttpServerTest, LeavesAnotherServersSocketAlone) {
  start();
  HttpServerOptions options;
  options.socket = options_.socket;
  HttpServer second(options, thread_, router_);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::refused);
  EXPECT_THAT(exchange_unix(get_hello), EndsWith("hello"));
}

TEST_F(HttpServerTest, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(options_.socket) << "precious";
  HttpServer server(options_, thread_, router_);
  const auto started = server.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::refused);
  EXPECT_EQ(std::filesystem::file_size(options_.socket), 8U);
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  start();
  HttpServerOptions options;
  options.listen = server_->endpoints();
  HttpServer second(options, thread_, router_);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().context,
              testing::AllOf(HasSubstr(to_string(server_->endpoints()[0])), HasSubstr("in use")));
  HttpServerOptions long_path;
  long_path.socket = std::string(200, 'x');
  EXPECT_EQ(HttpServer(long_path, thread_, router_).start().error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace mailweir::console
