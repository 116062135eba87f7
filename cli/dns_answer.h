// A DNS message as the daemon hands it out, read for a person: response code and answers. Names and
// texts in it are strangers': print them through printable().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/parse_error.h"
#include "proto/base/result.h"

namespace aya::cli {

struct DnsRecord {
  std::string name;  // ends in a dot
  std::uint32_t ttl = 0;
  std::string dns_class;  // "ClassINET", as the stock program names it
  std::string type;       // "TypeA"
  std::string body;       // the address, the name, the texts; others in hex
};

struct DnsAnswer {
  std::string code;  // "RCodeSuccess"
  std::vector<DnsRecord> answers;
};

Result<DnsAnswer, ParseError> parse_dns_answer(Bytes message);

// Types that can be asked for: "A", "AAAA", "PTR", ...
bool is_dns_type(std::string_view name);

}  // namespace aya::cli
