// The routes about names.
#include <algorithm>
#include <array>

#include "daemon/localapi/call.h"

namespace aya::localapi {
namespace {

struct QueryType {
  std::string_view name;
  std::uint16_t number;
};

constexpr auto kQueryTypes = std::to_array<QueryType>({
    {"A", 1},
    {"NS", 2},
    {"CNAME", 5},
    {"SOA", 6},
    {"WKS", 11},
    {"PTR", 12},
    {"HINFO", 13},
    {"MINFO", 14},
    {"MX", 15},
    {"TXT", 16},
    {"AAAA", 28},
    {"SRV", 33},
    {"OPT", 41},
    {"SVCB", 64},
    {"HTTPS", 65},
    {"CAA", 257},
    {"ALL", 255},
});

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

void LocalApi::dns_config(const Call& call) {
  answer_map_part(call, host_.dns_config());
}

void LocalApi::dns_query(const Call& call) {
  std::uint16_t type = kQueryTypes.front().number;
  if (const std::string text = upper(call.query("type")); !text.empty()) {
    const auto known = std::ranges::find(kQueryTypes, text, &QueryType::name);
    if (known == kQueryTypes.end()) {
      return answer_text(call, 400, "unknown DNS message type: " + text);
    }
    type = known->number;
  }
  waiting_.insert(call.exchange);
  host_.dns_query(call.exchange, {.name = call.query("name"), .type = type});
}

void LocalApi::dns_query_done(
    ExchangeId exchange, const Result<local::DnsAnswer, DnsFailure>& outcome, LocalEffects& out) {
  if (waiting_.erase(exchange) == 0) return;
  if (outcome) {
    answer(exchange, http::Response::json(200, to_json_line(*outcome) + "\n"), out);
  } else {
    const int status = outcome.error().not_ready ? 503 : 500;
    answer(exchange, http::Response::text(status, outcome.error().text + "\n"), out);
  }
}

}  // namespace aya::localapi
