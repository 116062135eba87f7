#include "proto/local/dns_answer.h"

#include "proto/base/base64.h"
#include "proto/local/json_fields.h"

namespace aya::local {

std::string to_json_line(const DnsAnswer& answer) {
  Json resolvers = Json::array();
  for (const std::string& resolver : answer.resolvers) resolvers.push_back({{"Addr", resolver}});
  return dump_line({{"Bytes", to_base64(answer.response)}, {"Resolvers", std::move(resolvers)}});
}

}  // namespace aya::local
