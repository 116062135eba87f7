// Joins the Coordinator to the loop: asks it on behalf of connections, carries its map frames to
// those that read them, and keeps its time.
//
// What a request changed goes out in the next turn of the loop, never from within a call: the
// answer has left by then, and requests that come together are told together.
#pragma once

#include <unordered_map>

#include "coord-server/serve/coordinator.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"

namespace aya::coord {

class MapReader {
 public:
  virtual ~MapReader() = default;
  virtual void on_map_frame(mapper::StreamId stream, Bytes frame) = 0;
  virtual void on_map_end(mapper::StreamId stream) = 0;  // forgotten here: finish the response
  // To a request that was left waiting; forgotten here.
  virtual void on_answer(mapper::StreamId stream, const http::Response& response) = 0;
};

class CoordinatorLink {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    // No longer a node of ours.
    virtual void on_revoked(const NodePublicKey& node) = 0;
    virtual std::size_t relay_clients() const = 0;  // for status pages
  };

  // All outlive this.
  CoordinatorLink(io::Loop& loop, serve::Coordinator& core, Logger& log, Host& host);

  struct Answer {
    http::Response response;
    std::optional<mapper::StreamId> stream;  // open: `reader` hears of it until it ends
    bool waiting = false;                    // the response comes later, by on_answer()
  };
  Answer ask(const http::Request& request, const MachinePublicKey& machine, MapReader& reader);
  http::Response ask_api(const http::Request& request, const api::Entrance& entrance);

  http::Response ask_page(const http::Request& request);

  void stream_closed(mapper::StreamId stream);
  void stream_blocked(mapper::StreamId stream, bool blocked);

 private:
  void settle();
  void wake() { timer_.arm(loop_.now()); }

  io::Loop& loop_;
  serve::Coordinator& core_;
  Logger& log_;
  Host& host_;
  io::Timer timer_;
  std::uint64_t last_stream_ = 0;
  std::unordered_map<mapper::StreamId, MapReader*> readers_;
  serve::Coordinator::Effects effects_;  // collected since the last turn
  serve::Coordinator::Effects leaving_;  // being carried out
};

}  // namespace aya::coord
