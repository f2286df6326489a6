// For tests: a receiving mail server on 127.0.0.1 that answers as told, and keeps what it took.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "delivery/scripted_server.h"

namespace mailweir::relay::testing {

class TestReceiver {
 public:
  // What ended in a 250 of ours.
  struct Mail {
    std::string sender;
    std::vector<std::string> recipients;
    std::string content;
  };

  TestReceiver();
  ~TestReceiver();  // lets go of whom it holds

  std::uint16_t port() const { return server_.port(); }

  // The n-th RCPT for `address` gets the n-th reply, further ones the last; without any: 250.
  void answer(const std::string& address, std::vector<std::string> replies);
  // From now on final dots wait, until release().
  void hold();
  void release();

  // Waits until that many messages came, twenty seconds at most, and returns all there are.
  std::vector<Mail> wait_for(std::size_t count);
  // Waits until that many final dots are held.
  void wait_for_held(std::size_t count);
  std::vector<Mail> mail() const;
  // How often `address` was delivered to.
  std::size_t deliveries_to(const std::string& address) const;
  std::size_t deliveries_of(const std::string& text) const;  // content that contains it
  std::size_t recipients_asked(const std::string& address) const;

 private:
  void converse(delivery::testing::Peer& peer);
  std::string answer_recipient(const std::string& address);
  bool take(Mail mail);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<std::string>> replies_;
  std::map<std::string, std::size_t> asked_;
  std::vector<Mail> mail_;
  bool holds_ = false;
  bool is_ending_ = false;
  std::size_t held_ = 0;
  delivery::testing::ScriptedServer server_;  // last: its threads use all above
};

}  // namespace mailweir::relay::testing
