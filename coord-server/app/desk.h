// Who answers what comes in by the server's connections: the coordinator (CoordinatorLink), or a
// script in its place where a test must say exactly what a client is told.
#pragma once

#include <functional>
#include <optional>

#include "coord-server/api/admin_routes.h"
#include "coord-server/pages/pages.h"
#include "coord-server/serve/machine_routes.h"
#include "proto/http/message.h"

namespace aya::coord {

class MapReader {
 public:
  virtual ~MapReader() = default;
  virtual void on_map_frame(mapper::StreamId stream, Bytes frame) = 0;
  virtual void on_map_end(mapper::StreamId stream) = 0;  // forgotten here: finish the response
  // To a request that was left waiting; forgotten here.
  virtual void on_answer(mapper::StreamId stream, const http::Response& response) = 0;
};

// Of a request of the API that is answered by a text without end.
class FeedReader {
 public:
  virtual ~FeedReader() = default;
  virtual void on_feed_text(mapper::StreamId feed, std::string_view text) = 0;
  virtual void on_feed_end(mapper::StreamId feed) = 0;  // forgotten here: finish the response
};

class Desk {
 public:
  struct Answer {
    http::Response response;
    std::optional<mapper::StreamId> stream;  // open: `reader` hears of it until it ends
    bool waiting = false;                    // the response comes later, by on_answer()
  };

  virtual ~Desk() = default;
  // `machine` has proven its key. Nothing is told to readers from within the call.
  virtual Answer ask(
      const http::Request& request, const MachinePublicKey& machine, MapReader& reader) = 0;
  using Reply = std::function<void(const http::Response&)>;
  struct ApiAnswer {
    // nullopt: it takes a while; `later` is told, in another turn of the loop.
    std::optional<http::Response> response;
    std::optional<mapper::StreamId> feed;  // `response` is its head; `reader` hears the rest
  };
  // Without a reader no answer is a feed.
  virtual ApiAnswer ask_api(
      const http::Request& request, const api::Entrance& entrance, Reply later,
      FeedReader* reader) = 0;
  virtual void feed_closed(mapper::StreamId feed) = 0;
  // How long the body of such a request may be, by its head.
  virtual std::size_t api_body_limit(
      const http::Request& head, const api::Entrance& entrance) = 0;
  virtual pages::PageAnswer ask_page(const http::Request& request, const IpAddress& from) = 0;
  // Goes on with an errand that is done.
  virtual pages::PageAnswer go_on(const pages::Errand& errand, const pages::Done& done) = 0;

  virtual void stream_closed(mapper::StreamId stream) = 0;
  virtual void stream_blocked(mapper::StreamId stream, bool blocked) = 0;
};

}  // namespace aya::coord
