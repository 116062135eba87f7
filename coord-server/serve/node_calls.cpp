#include "coord-server/serve/node_calls.h"

#include "proto/base/hex.h"
#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"

namespace aya::serve {
namespace {

// Clients carry the answer over the control connection whatever the host; the scheme must be this.
constexpr std::string_view kOrigin = "https://control.invalid";

std::optional<http::Response> parse_response(Bytes body) {
  http::ResponseParser parser;
  if (!parser.feed(body)) return std::nullopt;
  if (!parser.complete() && !parser.end_of_input()) return std::nullopt;
  return parser.take();
}

}  // namespace

std::optional<CallId> NodeCalls::ask(
    store::NodeId node, const http::Request& question, Duration patience, TimePoint now,
    mapper::MapStreams::Effects& out) {
  const CallId id = to_hex(rng_.array<16>());
  control::PingRequest ping;
  ping.url = std::string(kOrigin).append(kPath).append(id);
  ping.url_is_noise = true;
  ping.types = "c2n";
  http::write_request(question, ping.payload);
  if (!streams_.ask(node, ping, now, out)) return std::nullopt;
  calls_.emplace(id, Call{node, now + patience});
  return id;
}

bool NodeCalls::take(std::string_view path, const MachinePublicKey& machine, Bytes body) {
  if (!path.starts_with(kPath)) return false;
  const auto call = calls_.find(CallId(path.substr(kPath.size())));
  if (call == calls_.end()) return false;
  const nodes::Node* node = registry_.find(call->second.node);
  if (node == nullptr || node->record.machine != machine) return false;
  answers_.push_back({call->first, call->second.node, parse_response(body)});
  calls_.erase(call);
  return true;
}

std::vector<NodeCalls::Answer> NodeCalls::take_answers(TimePoint now) {
  for (auto call = calls_.begin(); call != calls_.end();) {
    if (call->second.until > now) {
      ++call;
      continue;
    }
    answers_.push_back({call->first, call->second.node, std::nullopt});
    call = calls_.erase(call);
  }
  return std::exchange(answers_, {});
}

std::optional<TimePoint> NodeCalls::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, call] : calls_) next = earlier(next, call.until);
  return next;
}

}  // namespace aya::serve
