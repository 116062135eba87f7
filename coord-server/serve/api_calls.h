// Requests of the API that wait for what a node says. A handler asks in the middle of a request, by
// NodeAsker; its caller is answered when the node has, or when the time for it is over.
//
// Pure. One thread.
#pragma once

#include "coord-server/api/node_asker.h"
#include "coord-server/serve/node_calls.h"

namespace aya::serve {

class ApiCalls final : public api::NodeAsker {
 public:
  static constexpr Duration kPatience = 10s;
  static constexpr std::size_t kMost = 64;  // at one time

  explicit ApiCalls(NodeCalls& calls) : calls_(calls) {}  // outlives this

  // Around the handling of one request: what it asks is asked now, and goes out by `out`.
  void begin(TimePoint now, mapper::MapStreams::Effects& out) {
    now_ = now;
    out_ = &out;
    asked_.reset();
  }
  bool ask(store::NodeId node, const http::Request& question) override;
  // True: something was asked, and the answer comes later under that number. `said` is what the
  // handler answered, whose headers are those of the answer.
  bool end(mapper::StreamId waiter, const http::Response& said);

  struct Answered {
    mapper::StreamId waiter;
    http::Response response;
  };
  // nullopt: it belongs to nobody here.
  std::optional<Answered> take(const NodeCalls::Answer& answer);

 private:
  struct Waiting {
    mapper::StreamId waiter;
    http::Headers headers;
  };

  NodeCalls& calls_;
  TimePoint now_{};
  mapper::MapStreams::Effects* out_ = nullptr;  // while a request is handled
  std::optional<CallId> asked_;
  std::map<CallId, Waiting> waiting_;
};

}  // namespace aya::serve
