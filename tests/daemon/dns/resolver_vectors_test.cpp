// Every query of dns_resolver.json, answered byte for byte.
#include <gtest/gtest.h>

#include "daemon/dns/resolver.h"
#include "proto/base/hex.h"
#include "tests/support/test_vectors.h"

namespace aya::dns {
namespace {

using test::Json;

struct Configured {
  Resolver resolver;
  WallTime now;
};

Configured configured(const Json& test_case) {
  const Json& config = test_case.at("config");
  ResolverConfig out;
  for (const auto& [name, addresses] : config.at("hosts").items()) {
    auto& host = out.hosts[name];
    for (const Json& address : addresses) {
      host.push_back(IpAddress::parse(address.get<std::string>()).value());
    }
  }
  for (const Json& domain : config.at("local_domains")) out.local_domains.push_back(domain);
  for (const Json& host : config.at("subdomain_hosts")) out.subdomain_hosts.insert(host);
  Configured made;
  made.resolver.configure(std::move(out));
  made.now = WallTime(std::chrono::seconds(test_case.at("now_unix").get<std::int64_t>()));
  return made;
}

TEST(ResolverVectors, EveryQueryIsAnsweredByteForByte) {
  std::map<std::string, Configured> configs;
  for (const Json& test_case : test::vector_cases("wire", "dns_resolver.json", "config")) {
    configs[test_case.at("name").get<std::string>()] = configured(test_case);
  }
  for (const Json& test_case : test::vector_cases("wire", "dns_resolver.json", "query")) {
    SCOPED_TRACE(test_case.at("name").get<std::string>());
    const Configured& config = configs.at(test_case.at("config").get<std::string>());
    Buffer response;
    const Outcome outcome =
        config.resolver.answer(test::hex(test_case.at("query")), config.now, response);
    const bool expect_answer = test_case.at("result") == "answer";
    EXPECT_EQ(outcome == Outcome::Answered, expect_answer);
    if (expect_answer && outcome == Outcome::Answered) {
      EXPECT_EQ(to_hex(response), test_case.at("response").get<std::string>());
    }
  }
}

}  // namespace
}  // namespace aya::dns
