#include "daemon/peerapi/peer_api.h"

#include <algorithm>
#include <optional>

#include "daemon/dns/dns_message.h"
#include "proto/base/base64.h"
#include "proto/http/target.h"
#include "proto/netaddr/endpoint.h"

namespace aya::peerapi {
namespace {

constexpr std::string_view kMessageType = "application/dns-message";
constexpr std::string_view kDnsPath = "/dns-query";

// A page in a browser of the peer can be made to send requests here; it cannot leave these fields
// out, and it does not know our address by another name.
bool comes_from_a_web_page(const http::Request& request, const Caller& caller) {
  if (request.headers.has("Origin") || request.headers.has("Referer")) return true;
  const std::string_view host = request.headers.get("Host");
  if (host == "peer") return false;
  const auto at = Endpoint::parse(host);
  return !at ||
         std::ranges::find(caller.we_are_known_by, at->address) == caller.we_are_known_by.end();
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

http::Response greeting(const Caller& caller) {
  std::string page = "<!DOCTYPE html><meta charset=\"utf-8\"><title>Ayatori</title><h1>Hello, " +
                     escaped(caller.user_name) + " (" + caller.address.to_text() +
                     ")</h1><p>This is an Ayatori node. Yours is " + escaped(caller.node_name) +
                     ".</p>";
  if (caller.is_own) page += "<p>You own both.</p>";
  http::Response out = http::Response::text(200, page + "\n");
  out.headers.set("Content-Type", "text/html; charset=utf-8");
  out.headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  out.headers.set("X-Content-Type-Options", "nosniff");
  return out;
}

http::Response refusal(int status, std::string_view text) {
  return http::Response::text(status, std::string(text) + "\n");
}

std::variant<http::Response, DnsQuestion> read_question(const http::Request& request) {
  if (request.method == "POST") {
    if (request.headers.get("Content-Type") != kMessageType) {
      return refusal(400, "the body must be application/dns-message");
    }
    return DnsQuestion{request.body};
  }
  if (request.method != "GET") return refusal(400, "use GET or POST");
  const auto text = http::query_value(request.query(), "dns");
  if (!text || text->empty()) return refusal(400, "the parameter 'dns' is missing");
  auto query = parse_base64url(*text);
  if (!query) return refusal(400, "the parameter 'dns' is not base64url");
  return DnsQuestion{*std::move(query)};
}

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

std::variant<http::Response, DnsQuestion> judge(
    const http::Request& request, const Caller& caller,
    const std::vector<std::string>& filtered_names) {
  if (comes_from_a_web_page(request, caller)) return refusal(403, "invalid peerapi request");
  if (request.path() == "/") return greeting(caller);
  if (request.path() != kDnsPath) return refusal(404, "unsupported peerapi path");
  if (!caller.may_resolve) return refusal(403, "DNS access denied");
  auto read = read_question(request);
  const auto* question = std::get_if<DnsQuestion>(&read);
  if (question == nullptr) return read;
  const auto parsed = dns::parse_query(question->query);
  if (!parsed) return refusal(400, "not a DNS query");
  if (is_filtered(parsed->question.name, filtered_names)) {
    return answer_to(dns::error_response(question->query, *parsed, dns::Rcode::Refused));
  }
  return read;
}

http::Response answer_to(Bytes dns_response) {
  http::Response out;
  out.headers.set("Content-Type", kMessageType);
  out.body.assign(dns_response.begin(), dns_response.end());
  return out;
}

bool is_filtered(std::string_view name, const std::vector<std::string>& filtered_names) {
  const std::string asked = dns::to_lower(without_final_dot(name));
  return std::ranges::any_of(filtered_names, [&](const std::string& entry) {
    const std::string filtered = dns::to_lower(without_final_dot(entry));
    if (filtered.empty()) return false;
    if (!filtered.starts_with('.')) return asked == filtered;
    return asked.size() > filtered.size() && asked.ends_with(filtered);
  });
}

}  // namespace aya::peerapi
