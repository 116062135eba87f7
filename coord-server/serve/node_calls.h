// Questions of the server to its nodes (control 4.5): an HTTP request rides on a node's map stream
// and is answered there by the node's own small server; the whole response comes back as the body
// of a POST, to an address that was made up for it and is good once.
//
// Pure. One thread.
#pragma once

#include <map>

#include "coord-server/mapper/map_streams.h"
#include "proto/base/rng.h"
#include "proto/http/message.h"
#include "proto/keys/public_key.h"

namespace aya::serve {

using CallId = std::string;  // nobody can guess one

class NodeCalls {
 public:
  struct Answer {
    CallId call;
    store::NodeId node;
    std::optional<http::Response> response;  // nullopt: not in time, or not readable
  };

  // All outlive this.
  NodeCalls(const nodes::Registry& registry, mapper::MapStreams& streams, Rng& rng)
      : registry_(registry), streams_(streams), rng_(rng) {}

  // nullopt: the node has no stream that takes anything now.
  std::optional<CallId> ask(
      store::NodeId node, const http::Request& question, Duration patience, TimePoint now,
      mapper::MapStreams::Effects& out);
  // Takes what came to the path of a call from the machine that was asked. False: no such call.
  bool take(std::string_view path, const MachinePublicKey& machine, Bytes body);

  // Answers and time-outs since the last call.
  std::vector<Answer> take_answers(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

  static constexpr std::string_view kPath = "/machine/c2n/";

 private:
  struct Call {
    store::NodeId node;
    TimePoint until;
  };

  const nodes::Registry& registry_;
  mapper::MapStreams& streams_;
  Rng& rng_;
  std::map<CallId, Call> calls_;  // few: no index by time
  std::vector<Answer> answers_;
};

}  // namespace aya::serve
