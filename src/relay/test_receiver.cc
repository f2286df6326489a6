#include "relay/test_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace mailweir::relay::testing {
namespace {

constexpr auto patience = std::chrono::seconds(20);

std::string path_in(const std::string& line) {
  const std::size_t begin = line.find('<') + 1;
  return line.substr(begin, line.find('>') - begin);
}

}  // namespace

TestReceiver::TestReceiver()
    : server_({[this](delivery::testing::Peer& peer) { converse(peer); }}) {}

TestReceiver::~TestReceiver() {
  const std::lock_guard lock(mutex_);
  is_ending_ = true;
  changed_.notify_all();
}

void TestReceiver::converse(delivery::testing::Peer& peer) {
  peer.greet("PIPELINING,8BITMIME,ENHANCEDSTATUSCODES");
  Mail mail;
  for (std::string line = peer.hear(); !line.empty(); line = peer.hear()) {
    if (line.starts_with("MAIL")) {
      mail = {.sender = path_in(line), .recipients = {}, .content = {}};
      peer.say("250 2.1.0 ok\r\n");
    } else if (line.starts_with("RCPT")) {
      const std::string reply = answer_recipient(path_in(line));
      if (reply.starts_with('2')) mail.recipients.push_back(path_in(line));
      peer.say(reply + "\r\n");
    } else if (line.starts_with("DATA")) {
      if (mail.recipients.empty()) {
        peer.say("554 5.5.1 no valid recipients\r\n");
        continue;
      }
      peer.say("354 go\r\n");
      mail.content = peer.hear_content();
      if (mail.content.empty() || !take(std::exchange(mail, {}))) return;
      peer.say("250 2.0.0 taken\r\n");
    } else if (line.starts_with("QUIT")) {
      peer.say("221 2.0.0 bye\r\n");
      return;
    } else {
      peer.say("250 2.0.0 ok\r\n");
    }
  }
}

std::string TestReceiver::answer_recipient(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const std::size_t nth = asked_[address]++;
  const auto found = replies_.find(address);
  if (found == replies_.end()) return "250 2.1.5 ok";
  return found->second[std::min(nth, found->second.size() - 1)];
}

bool TestReceiver::take(Mail mail) {
  std::unique_lock lock(mutex_);
  if (holds_) {
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !holds_ || is_ending_; });
    --held_;
  }
  if (is_ending_) return false;
  mail_.push_back(std::move(mail));
  changed_.notify_all();
  return true;
}

void TestReceiver::answer(const std::string& address, std::vector<std::string> replies) {
  const std::lock_guard lock(mutex_);
  replies_[address] = std::move(replies);
  asked_[address] = 0;
}

void TestReceiver::hold() {
  const std::lock_guard lock(mutex_);
  holds_ = true;
}

void TestReceiver::release() {
  const std::lock_guard lock(mutex_);
  holds_ = false;
  changed_.notify_all();
}

std::vector<TestReceiver::Mail> TestReceiver::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return mail_.size() >= count; }))
      << mail_.size() << " of " << count << " messages came";
  std::vector<Mail> mail = mail_;
  mail.resize(std::max(mail.size(), count));  // so that a failing test does not crash
  return mail;
}

void TestReceiver::wait_for_held(std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, patience, [&] { return held_ >= count; }))
      << held_ << " of " << count << " messages are held";
}

std::vector<TestReceiver::Mail> TestReceiver::mail() const {
  const std::lock_guard lock(mutex_);
  return mail_;
}

std::size_t TestReceiver::deliveries_to(const std::string& address) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Mail& mail : mail_)
    count += static_cast<std::size_t>(std::ranges::count(mail.recipients, address));
  return count;
}

std::size_t TestReceiver::deliveries_of(const std::string& text) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      mail_, [&](const Mail& mail) { return mail.content.find(text) != std::string::npos; }));
}

std::size_t TestReceiver::recipients_asked(const std::string& address) const {
  const std::lock_guard lock(mutex_);
  const auto found = asked_.find(address);
  return found == asked_.end() ? 0 : found->second;
}

}  // namespace mailweir::relay::testing
