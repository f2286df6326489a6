#include "runtime/map_resolver.h"

#include <utility>

namespace mailweir::runtime {
namespace {

constexpr Duration table_time_to_live = std::chrono::minutes(5);

}  // namespace

void MapResolver::add_mx(std::string domain, std::vector<MxRecord> records) {
  mx_[std::move(domain)] = MxAnswer{std::move(records), table_time_to_live, false};
}

void MapResolver::add_address(const std::string& host, std::string address) {
  AddressAnswer& answer = addresses_[host];
  answer.time_to_live = table_time_to_live;
  auto& family = address.find(':') == std::string::npos ? answer.ipv4 : answer.ipv6;
  family.push_back(std::move(address));
}

void MapResolver::fail(std::string name, DnsFailure failure) {
  failures_[std::move(name)] = failure;
}

DnsError MapResolver::missing(const std::string& name, bool is_known) const {
  if (const auto failure = failures_.find(name); failure != failures_.end()) {
    return {failure->second, name + ": fails by arrangement"};
  }
  if (is_known) return {DnsFailure::no_data, name + ": no record of that type in the table"};
  return {DnsFailure::no_such_domain, name + ": not in the table"};
}

void MapResolver::find_mx(std::string domain,
                          std::function<void(std::variant<MxAnswer, DnsError>)> done) {
  thread_.post([this, domain = std::move(domain), done = std::move(done)] {
    const auto found = mx_.find(domain);
    if (found == mx_.end() || failures_.contains(domain)) {
      done(missing(domain, addresses_.contains(domain)));
    } else {
      done(found->second);
    }
  });
}

void MapResolver::find_addresses(std::string host, bool want_ipv6,
                                 std::function<void(std::variant<AddressAnswer, DnsError>)> done) {
  thread_.post([this, host = std::move(host), want_ipv6, done = std::move(done)] {
    const auto found = addresses_.find(host);
    const bool is_known = found != addresses_.end() || mx_.contains(host);
    if (found == addresses_.end() || failures_.contains(host)) {
      done(missing(host, is_known));
      return;
    }
    AddressAnswer answer = found->second;
    if (!want_ipv6) answer.ipv6.clear();
    if (answer.ipv4.empty() && answer.ipv6.empty()) {
      done(missing(host, is_known));
    } else {
      done(std::move(answer));
    }
  });
}

}  // namespace mailweir::runtime
