// The Server is the composition of a running Mailweir: it makes the parts, introduces them to each
// other, and ends them in order.
//
// The only room that names concrete adapters. start() and stop() are called on the main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/load_config.h"

namespace mailweir::server {

struct ServerOptions {
  std::string config_file;  // empty: the embedded defaults
};

class Server {
 public:
  // Starts everything and accepts mail when it returns; the queue of an earlier run is being
  // restored meanwhile. The error says what is missing and how to provide it; nothing is left
  // running then.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, config::Loaded loaded);
  ~Server();  // stop() must have been called

  // What a person wants to know at the start: where it listens, where its data is, what to try.
  std::string banner() const;

  // Reads the configuration again; on an error the old one stays. The lines say what changed, or
  // what is wrong.
  Result<std::vector<std::string>> reload(const std::string& actor);

  // Refuses new mail, lets transactions finish, commits what is owed, closes. Nothing is delivered
  // twice for it.
  void stop(const std::string& reason);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::server
