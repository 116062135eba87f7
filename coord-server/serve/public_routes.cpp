#include "coord-server/serve/public_routes.h"

#include "coord-server/relay_server/relay_http.h"
#include "coord-server/api/json.h"
#include "proto/base/parse_number.h"
#include "proto/base/version.h"
#include "proto/control/capability_version.h"
#include "proto/control/json_text.h"
#include "proto/control/register.h"
#include "proto/http/target.h"

namespace aya::serve {
namespace {

http::Response key_answer(const http::Request& request, const PublicFacts& facts) {
  const std::string version = http::query_value(request.query(), "v").value_or("");
  if (parse_number<int>(version).value_or(0) <= 0) {
    return http::Response::text(400, "the parameter v must be a capability version\n");
  }
  control::OverTlsKeys keys;
  keys.public_key = facts.noise_key;
  return http::Response::json(200, control::encode(keys));
}

// Clients whose own DNS is broken ask relays they know by address. We know one name: ours.
http::Response bootstrap_dns(const http::Request& request, const PublicFacts& facts) {
  const auto name = http::query_value(request.query(), "q");
  api::Json out = api::Json::object();
  const bool wanted = !name || name->empty() || *name == facts.host;
  if (wanted && !facts.addresses.empty()) out[facts.host] = facts.addresses;
  return http::Response::json(200, api::text_of(out));
}

// How a node learns where its traffic leaves (interfaces 3.5). Nothing between may remember it.
http::Response own_address(const IpAddress& caller) {
  http::Response response = http::Response::text(200, caller.to_text() + "\n");
  response.headers.set("Cache-Control", "no-store");
  return response;
}

std::optional<http::Response> relay_answer(const http::Request& request) {
  relay_server::RelayRequest asked;
  asked.method = request.method;
  asked.path = request.path();
  asked.challenge = request.headers.get("X-Tailscale-Challenge");
  auto answer = relay_server::answer_plain(asked);
  if (!answer) return std::nullopt;
  http::Response response;
  response.status = answer->status;
  for (const auto& [name, value] : answer->headers) response.headers.add(name, value);
  append(response.body, as_bytes(answer->body));
  return response;
}

}  // namespace

std::optional<AdmissionQuestion> admission_question(const http::Request& request) {
  if (request.method != "POST" || request.path() != "/verify") return std::nullopt;
  const api::Json body = api::Json::parse(as_text(request.body), nullptr, false);
  if (!body.is_object()) return std::nullopt;
  const auto text = [&](const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto node = NodePublicKey::parse(text("NodePublic"));
  if (!node) return std::nullopt;
  return AdmissionQuestion{*node, IpAddress::parse(text("Source")).value_or(IpAddress())};
}

http::Response admission_answer(bool allowed) {
  return http::Response::json(200, api::text_of({{"Allow", allowed}}));
}

std::optional<http::Response> answer_public(
    const http::Request& request, const IpAddress& caller, const PublicFacts& facts) {
  const std::string_view path = request.path();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (auto relay = relay_answer(request)) return relay;
  if (!reads) return std::nullopt;
  if (path == "/key") return key_answer(request, facts);
  if (path == "/healthz" || path == "/health") {
    return http::Response::json(200, R"({"status":"ok"})");
  }
  if (path == "/version") {
    return http::Response::json(
        200, api::text_of({{"version", kVersion}, {"capver", control::kOurCapabilityVersion}}));
  }
  if (path == "/whatismyip") return own_address(caller);
  if (path == "/bootstrap-dns") return bootstrap_dns(request, facts);
  if (path == "/") {
    return http::Response::text(200, "This is an Ayatori coordination server.\n");
  }
  return std::nullopt;
}

}  // namespace aya::serve
