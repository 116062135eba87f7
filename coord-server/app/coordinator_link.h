// Joins the Coordinator to the loop: asks it on behalf of connections, carries its map frames to
// those that read them, and keeps its time.
//
// What a request changed goes out in the next turn of the loop, never from within a call: the
// answer has left by then, and requests that come together are told together.
#pragma once

#include <unordered_map>

#include "coord-server/app/desk.h"
#include "coord-server/serve/coordinator.h"
#include "proto/io/timer.h"
#include "proto/log/logger.h"

namespace aya::coord {

class CoordinatorLink final : public Desk {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    // No longer a node of ours.
    virtual void on_revoked(const NodePublicKey& node) = 0;
    // For relays_fetched(), later.
    virtual void fetch_relays(const std::string& url) = 0;
    // For posted(), later.
    virtual void post(const delivery::Post& message) = 0;
    // For document_fetched(), later.
    virtual void fetch_document(const federation::Fetch& document) = 0;
    // For mailed(), later.
    virtual void send(const mail::Outgoing& mail) = 0;
    virtual std::size_t relay_clients() const = 0;  // for status pages
  };

  // All outlive this.
  CoordinatorLink(io::Loop& loop, serve::Coordinator& core, Logger& log, Host& host);

  Answer ask(
      const http::Request& request, const MachinePublicKey& machine, MapReader& reader) override;
  ApiAnswer ask_api(
      const http::Request& request, const api::Entrance& entrance, Reply later,
      FeedReader* reader) override;
  void feed_closed(mapper::StreamId feed) override;
  std::size_t api_body_limit(const http::Request& head, const api::Entrance& entrance) override;
  pages::PageAnswer ask_page(const http::Request& request, const IpAddress& from) override;
  pages::PageAnswer go_on(const pages::Errand& errand, const pages::Done& done) override;

  void relays_fetched(const std::string& url, const relays::Fetched& got);
  void posted(const delivery::Sender& from, const delivery::Outcome& outcome);
  void document_fetched(const std::string& issuer, const federation::Fetched& got);
  void mailed(mail::MailId id, const mail::Attempt& attempt);

  void stream_closed(mapper::StreamId stream) override;
  void stream_blocked(mapper::StreamId stream, bool blocked) override;

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
  std::unordered_map<mapper::StreamId, FeedReader*> feeds_;
  std::unordered_map<mapper::StreamId, Reply> replies_;  // of the API, that come later
  serve::Coordinator::Effects effects_;  // collected since the last turn
  serve::Coordinator::Effects leaving_;  // being carried out
};

}  // namespace aya::coord
