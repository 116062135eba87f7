// The REST API under /api/v2 (interfaces 1): routing, identity, and the rules that hold for every
// endpoint. The handlers behind it are pure functions of request, identity, time and stores.
//
// The command line speaks the same API over a unix socket (interfaces 2); the only difference is
// where the identity comes from.
#pragma once

#include <string>

#include "coord-server/device_posture/integrations.h"
#include "coord-server/enroll/enrollment.h"
#include "coord-server/log_streams/log_streams.h"
#include "coord-server/people/contacts.h"
#include "coord-server/people/invitations.h"
#include "coord-server/people/people.h"
#include "coord-server/api/caller.h"
#include "coord-server/api/change_watcher.h"
#include "coord-server/api/mail_waiter.h"
#include "coord-server/api/node_asker.h"
#include "coord-server/api/rate_limit.h"
#include "coord-server/api/repeated_requests.h"
#include "coord-server/api/request_tally.h"
#include "coord-server/api/route.h"
#include "coord-server/api/token_exchanger.h"
#include "coord-server/relays/relay_directory.h"
#include "coord-server/sharing/sharing.h"
#include "coord-server/webhooks/webhooks.h"

namespace aya::api {

// What the program knows about itself, for status pages and ready-made command lines.
struct ServerFacts {
  std::string version;
  std::string server_url;        // "https://coord.example"
  std::string certificate_pin;   // "sha256-raw:…" of a certificate made here, else empty
  std::string certificate_file;  // where that certificate is kept, for other clients

  struct Gauges {
    std::size_t map_streams = 0;
    std::size_t relay_clients = 0;
  };
  Gauges gauges;  // kept current by the owner
};

// Where a request came in.
struct Entrance {
  bool admin_socket = false;  // the system has proven who is there, and that one may do all
  std::string who;            // "uid 0"; for the audit log
  std::string source = {};    // the address it came from
};

// What requests are about; all of it outlives whoever holds this.
struct AdminParts {
  nodes::Registry& registry;
  store::Store& storage;
  enroll::Enrollment& enrollment;
  sharing::Sharing& sharing;
  relays::RelayDirectory& relays;
  webhooks::Webhooks& webhooks;
  log_streams::LogStreams& log_streams;
  device_posture::Integrations& posture;
  people::Invitations& invitations;
  people::Contacts& contacts;
  mail::Outbox& outbox;
  MailWaiter& mail_waiter;
  const nodes::TagOwners& tag_owners;
  NodeAsker& asker;
  ChangeWatcher& watcher;
  TokenExchanger& exchanger;
};

class AdminRoutes {
 public:
  // All outlive this.
  AdminRoutes(RouteTable table, const AdminParts& parts, Rng& rng, const ServerFacts& facts)
      : table_(table),
        parts_(parts),
        auth_keys_(parts.storage, rng),
        tokens_(parts.storage, parts.registry, rng),
        people_(parts.registry, parts.storage, rng),
        rng_(rng),
        facts_(facts) {}

  static bool owns(std::string_view path) { return path == "/api" || path.starts_with("/api/"); }

  // Every answer, errors included, is JSON.
  http::Response answer(const http::Request& request, const Entrance& entrance, WallTime now);
  // What has been asked; the owner adds how long the last request took.
  RequestTally& tally() { return tally_; }
  const RequestTally& tally() const { return tally_; }

  // How long the body may be of a request with this head. What needs more than others is open to
  // known callers only.
  std::size_t body_limit(const http::Request& head, const Entrance& entrance, WallTime now);

 private:
  // 20 requests a second by each credential; strangers and those who trade secrets much fewer.
  static constexpr RateLimit::Rate kKnown{20, 100};
  static constexpr RateLimit::Rate kUnknown{1, 30};

  struct Found {
    const Route* route = nullptr;   // nullptr: no such path, or not by this method
    std::vector<std::string> wild;  // what stood for "*"
    std::string allowed;            // methods that would do
  };
  Found find(const http::Request& request) const;
  Answer<http::Response> dispatch(
      const Found& found, const http::Request& request, const Entrance& entrance,
      const std::string& id, WallTime now);
  Answer<http::Response> run(
      const Route& route, const http::Request& request, std::span<const std::string> wild,
      const Caller& caller, WallTime now);
  Answer<Caller> identify(const http::Request& request, const Entrance& entrance, WallTime now);

  RouteTable table_;
  AdminParts parts_;
  enroll::AuthKeys auth_keys_;
  ApiTokens tokens_;
  people::People people_;
  Rng& rng_;
  const ServerFacts& facts_;
  RateLimit known_{kKnown};
  RateLimit unknown_{kUnknown};
  RepeatedRequests repeated_;
  RequestTally tally_;
};

}  // namespace aya::api
