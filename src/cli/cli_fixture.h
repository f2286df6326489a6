// For tests: the command line from its words to its output, against the real HTTP server over a
// Unix socket, with a fake AdminPort behind it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "console/admin_api.h"
#include "console/fake_admin_port.h"
#include "console/http_server.h"

namespace mailweir::cli {

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    socket_ = std::filesystem::temp_directory_path() /
              ("mailweir-cli-" + std::to_string(::getpid()) + ".sock");
    console::add_admin_routes(router_, port_);
    server_ = std::make_unique<console::HttpServer>(
        console::HttpServerOptions{.listen = {}, .socket = socket_, .host_names = {}}, thread_,
        router_);
    const auto started = server_->start();
    EXPECT_TRUE(started) << started.error().context;
    program_.version = "0.1.0";
    program_.check_config = [this](const std::string& file) {
      checked_ = file;
      return report_;
    };
    program_.find_socket = [this](const std::string&) { return socket_; };
    program_.commands.push_back({"serve", "run the server", [this](const Invocation& invocation) {
                                   invocation_ = invocation;
                                   return 42;
                                 }});
  }
  ~CliTest() override {
    server_->stop();
    thread_.join();
  }

  int run(std::vector<std::string> arguments) {
    out_.clear();
    err_.clear();
    std::vector<const char*> argv = {"mailweir"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const Environment environment{
        .variable = [this](const char* name) -> std::optional<std::string> {
          const auto found = variables_.find(name);
          return found == variables_.end() ? std::nullopt : std::optional(found->second);
        },
        .out = [this](std::string_view text) { out_ += text; },
        .err = [this](std::string_view text) { err_ += text; },
        .read = [this](const std::string& file) -> Result<std::string> {
          if (file != "-") return fail(Errc::io, "cannot read " + file);
          return input_;
        },
        .read_line = [this] { return typed_; },
        .out_is_terminal = out_is_terminal_,
        .in_is_terminal = in_is_terminal_};
    return cli::run(static_cast<int>(argv.size()), argv.data(), program_, environment);
  }

  std::string socket_;
  console::FakeAdminPort port_;
  console::Router router_;
  runtime::IoThread thread_{"cli-test"};
  std::unique_ptr<console::HttpServer> server_;
  Program program_;
  std::map<std::string, std::string> variables_;
  ConfigReport report_;
  std::string checked_;
  Invocation invocation_;
  std::string input_;
  std::string typed_;
  bool out_is_terminal_ = false;
  bool in_is_terminal_ = false;
  std::string out_;
  std::string err_;
};

}  // namespace mailweir::cli
