// A coordinator without a mind: it tells clients what a script says, word for word, and tells the
// script what they ask. Lines of JSON both ways:
//
//   out  {"path": "/machine/map", "machine": "mkey:…", "stream": 3, "body": {…}}   "stream": a poll
//        {"closed": 3}                                                   the poll ended
//   in   {"answer": "/machine/register", "status": 200, "body": {…}}     from now on, for this path
//        {"frame": {…}, "to": 3}                                         one message of a map
//        stream
//        {"end": 3}
//
// What has no answer is answered by 200 {}.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "coord-server/app/desk.h"
#include "proto/control/map_frame.h"

namespace aya::netns {

class ScriptedDesk final : public coord::Desk {
 public:
  explicit ScriptedDesk(std::function<void(const std::string& line)> tell)
      : tell_(std::move(tell)) {}

  void take_line(const std::string& line);

  Answer ask(
      const http::Request& request, const MachinePublicKey& machine,
      coord::MapReader& reader) override;
  ApiAnswer ask_api(
      const http::Request&, const api::Entrance&, Reply, coord::FeedReader*) override {
    return {http::Response::text(404, "not found\n"), std::nullopt};
  }
  void feed_closed(mapper::StreamId) override {}
  std::size_t api_body_limit(const http::Request&, const api::Entrance&) override {
    return http::Limits().body;
  }
  pages::PageAnswer ask_page(const http::Request&, const IpAddress&) override {
    return http::Response::text(404, "not found\n");
  }
  pages::PageAnswer go_on(const pages::Errand& errand, const pages::Done& done) override {
    return errand.then(done, {});
  }
  void stream_closed(mapper::StreamId stream) override;
  void stream_blocked(mapper::StreamId, bool) override {}

 private:
  struct Poll {
    coord::MapReader* reader = nullptr;
    control::Compression compression = control::Compression::None;
  };
  struct Canned {
    int status = 200;
    std::string body = "{}";
  };

  std::function<void(const std::string&)> tell_;
  control::MapFrameEncoder encoder_;
  std::uint64_t last_stream_ = 0;
  std::map<mapper::StreamId, Poll> polls_;
  std::map<std::string, Canned> answers_;
};

}  // namespace aya::netns
