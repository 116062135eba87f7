// Connections into the network through the daemon: what `nc` and a ProxyCommand of ssh use.
#include <algorithm>

#include "daemon/localapi/call.h"
#include "proto/base/parse_number.h"
#include "proto/http/upgrade.h"

namespace aya::localapi {
namespace {

constexpr std::string_view kProtocol = "ts-dial";

struct Network {
  std::string_view name;
  std::optional<bool> v4;
};
constexpr Network kNetworks[] = {
    {"", std::nullopt}, {"tcp", std::nullopt}, {"tcp4", true}, {"tcp6", false}};

}  // namespace

// Anyone may: every program on this host can connect to what is dialled here.
void LocalApi::dial(const Call& call) {
  const http::Headers& headers = call.request.headers;
  if (headers.get("Upgrade") != kProtocol) return answer_text(call, 400, "bad ts-dial upgrade");
  DialRequest wanted;
  wanted.host = headers.get("Dial-Host");
  const std::string_view port = headers.get("Dial-Port");
  if (wanted.host.empty() || port.empty()) {
    return answer_text(call, 400, "missing Dial-Host or Dial-Port header");
  }
  const auto number = parse_number<std::uint16_t>(port);
  if (!number || *number == 0) return answer_text(call, 400, "Dial-Port must be 1 to 65535");
  wanted.port = *number;
  const std::string_view name = headers.get("Dial-Network");
  const auto* network = std::ranges::find(kNetworks, name, &Network::name);
  if (network == std::end(kNetworks)) {
    return answer_text(call, 400, "Dial-Network must be tcp, tcp4 or tcp6");
  }
  wanted.v4 = network->v4;
  waiting_.insert(call.exchange);
  host_.dial(call.exchange, wanted);
}

void LocalApi::dial_done(ExchangeId exchange, const DialOutcome& outcome, LocalEffects& out) {
  if (waiting_.erase(exchange) == 0) return;
  switch (outcome.kind) {
    case DialOutcome::Kind::Connected:
      out.pipes.push_back({exchange, http::switching_to(kProtocol)});
      return;
    case DialOutcome::Kind::Elsewhere: {
      http::Response self;
      self.headers.set("Dial-Self", "true");
      self.headers.set("Dial-Addr", outcome.text);
      return answer(exchange, std::move(self), out);
    }
    case DialOutcome::Kind::Failed:
      return answer(
          exchange, http::Response::text(502, "dial failure: " + outcome.text + "\n"), out);
  }
}

}  // namespace aya::localapi
