// MapResolver answers from a table: the Resolver of tests and of worlds without a network.
//
// Fill it before use; then it is read-only, and queries may come from any thread. Answers arrive on
// the IoThread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/io_thread.h"
#include "runtime/resolver.h"

namespace mailweir::runtime {

class MapResolver final : public Resolver {
 public:
  explicit MapResolver(IoThread& thread) : thread_(thread) {}

  void add_mx(std::string domain, std::vector<MxRecord> records);
  // `address`: IPv4 or IPv6 text; several calls add up.
  void add_address(const std::string& host, std::string address);
  // Every query for this name fails so. A name never mentioned is `no_such_domain`.
  void fail(std::string name, DnsFailure failure);

  void find_mx(std::string domain,
               std::function<void(std::variant<MxAnswer, DnsError>)> done) override;
  void find_addresses(std::string host, bool want_ipv6,
                      std::function<void(std::variant<AddressAnswer, DnsError>)> done) override;

 private:
  DnsError missing(const std::string& name, bool is_known) const;

  IoThread& thread_;
  std::map<std::string, MxAnswer> mx_;
  std::map<std::string, AddressAnswer> addresses_;
  std::map<std::string, DnsFailure> failures_;
};

}  // namespace mailweir::runtime
