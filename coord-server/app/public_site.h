// What the port offers, path by path: the control protocol and the relay, which take a connection
// over; the REST API; and what anybody may ask.
#pragma once

#include <unordered_map>

#include "coord-server/app/desk.h"
#include "coord-server/app/errand_runner.h"
#include "coord-server/app/front_door.h"
#include "coord-server/app/noise_link.h"
#include "coord-server/app/relay_link.h"
#include "coord-server/app/tls_identity.h"
#include "coord-server/pages/pages.h"
#include "coord-server/serve/public_routes.h"

namespace aya::coord {

class PublicSite final : public FrontDoor::Site, private FeedReader {
 public:
  struct Parts {  // all outlive the site
    io::Loop& loop;
    Desk& core;
    RelayLink& relay;
    TlsIdentity& tls;
    store::Store& storage;
    Rng& rng;
    const MachinePrivateKey& noise_key;
  };

  PublicSite(const Parts& parts, serve::PublicFacts facts);
  ~PublicSite() override;

  tls::TlsServerContext& tls_context() override { return parts_.tls.current(); }
  FrontDoor::Handled on_request(
      io::HttpConnection& connection, http::Request request, const Endpoint& remote) override;
  std::size_t body_limit(
      const http::Request& head, std::size_t usual, const Endpoint& remote) override;
  http::Response refusal(const http::Request& head, http::HttpError error) override;
  void on_gone(io::HttpConnection& connection) override;

  std::size_t machines() const { return machines_.size(); }  // control connections

 private:
  FrontDoor::Handled to_control(io::HttpConnection& connection, const http::Request& request);
  FrontDoor::Handled to_relay(
      io::HttpConnection& connection, const http::Request& request, const Endpoint& remote);
  FrontDoor::Handled to_api(
      io::HttpConnection& connection, const http::Request& request, const Endpoint& remote);
  http::Response answer(const http::Request& request, const Endpoint& remote);
  void respond_to(std::uint64_t number, const http::Response& response);
  FrontDoor::Handled to_pages(
      io::HttpConnection& connection, const http::Request& request, const Endpoint& remote);
  void run(std::unique_ptr<pages::Errand> errand, std::uint64_t number);
  http::Response readiness();
  void on_feed_text(mapper::StreamId feed, std::string_view text) override;
  void on_feed_end(mapper::StreamId feed) override;

  Parts parts_;
  serve::PublicFacts facts_;
  std::unordered_map<NoiseLink*, std::unique_ptr<NoiseLink>> machines_;

  // Those who wait for what an errand brings, or for what a node says, by a number no other has had.
  std::unordered_map<io::HttpConnection*, std::uint64_t> waiting_;
  std::uint64_t last_errand_ = 0;
  std::unordered_map<io::HttpConnection*, mapper::StreamId> feeds_;
  // A reader that is further behind fetches everything anew.
  static constexpr std::size_t kSlowFeed = 256 * 1024;
  ErrandRunner errands_;

  // Looking is a write to the disk, and anybody may ask.
  static constexpr Duration kReadinessLasts = 2s;
  std::optional<TimePoint> readiness_until_;
  std::optional<store::StoreError> not_ready_;
};

}  // namespace aya::coord
