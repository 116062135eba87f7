// The coordinator: every decision of the server in one object, without a socket or a clock. The
// program around it (coord-server/app) owns connections and pumps; a test owns it alone.
//
//   auto answer = coordinator.on_machine(request, machine, fresh, now, wall, effects);
//   auto answer = coordinator.on_api(request, entrance, now, wall);
//   ... send the answer, then:
//   coordinator.advance(now, wall, effects);      after every call, and at next_deadline()
//
// Answers leave before the news: what a request changed goes out to map streams in advance().
// One thread.
#pragma once

#include <memory>

#include "coord-server/pages/pages.h"
#include "coord-server/api/admin_routes.h"
#include "coord-server/federation/exchanges.h"
#include "coord-server/flow_logs/retention.h"
#include "coord-server/issuer/issuer.h"
#include "coord-server/relays/relay_directory.h"
#include "coord-server/serve/api_calls.h"
#include "coord-server/serve/carrier_health.h"
#include "coord-server/serve/change_feed.h"
#include "coord-server/serve/identity_questions.h"
#include "coord-server/serve/mail_trials.h"
#include "coord-server/serve/machine_routes.h"
#include "coord-server/serve/server_metrics.h"
#include "coord-server/serve/service_questions.h"

namespace aya::serve {

using api::Entrance;
using api::ServerFacts;

class Coordinator {
 public:
  struct Setup {
    ServerFacts facts;
    relays::OwnRelay relay;
    std::optional<oidc::Config> oidc;
    policy::Clock clock = nullptr;  // to see how long its own work takes
    std::optional<mail::Mailbox> mail_from;  // nullopt: no mail is sent
    flow_logs::Retention::Limits flow_logs = {};
  };

  struct Effects {
    mapper::MapStreams::Effects maps;
    struct LateAnswer {
      mapper::StreamId to;
      http::Response response;
    };
    std::vector<LateAnswer> answers;     // to requests that were left waiting
    ChangeFeed::Effects feeds;
    std::vector<NodePublicKey> revoked;  // no longer nodes of ours: close their relay connections
    std::vector<std::string> fetches;    // URLs of relay maps: take_relay_map() is told what came
    std::vector<delivery::Post> posts;   // take_post_result() is told what came of each
    std::vector<federation::Fetch> documents;  // take_document() is told what came
    std::vector<mail::Outgoing> mails;   // take_mail_result() is told what came of each
    std::vector<std::string> trouble;    // for the log: the disk would not take something
    void clear() {
      maps.clear();
      answers.clear();
      feeds.clear();
      revoked.clear();
      fetches.clear();
      posts.clear();
      documents.clear();
      mails.clear();
      trouble.clear();
    }
  };

  static constexpr Duration kSaveEvery = 1s;
  static constexpr Duration kRetrySaveAfter = 10s;

  // `storage` and `rng` outlive the coordinator.
  static store::Stored<std::unique_ptr<Coordinator>> make(
      store::Store& storage, Rng& rng, Setup setup, TimePoint now, WallTime wall);

  MachineAnswer on_machine(
      const http::Request& request, const MachinePublicKey& machine, mapper::StreamId fresh,
      TimePoint now, WallTime wall, Effects& out);
  struct ApiAnswer {
    // nullopt: a node, or another server, has to be asked first; the answer comes out of advance(),
    // under that number.
    std::optional<http::Response> response;
    // The response is only the head: what follows comes out of advance(), under that number.
    bool feed = false;
  };
  ApiAnswer on_api(
      const http::Request& request, const Entrance& entrance, mapper::StreamId fresh,
      bool takes_feed, TimePoint now, WallTime wall, Effects& out);
  // For callers who cannot wait, and are refused what would take a while or has no end.
  http::Response on_api(const http::Request& request, const Entrance& entrance, WallTime wall);

  std::size_t api_body_limit(const http::Request& head, const Entrance& entrance, WallTime wall) {
    return admin_routes_.body_limit(head, entrance, wall);
  }

  // A page, or an errand whose continuation belongs to this object.
  static bool owns_page(std::string_view path) {
    return pages::Pages::owns(path) || issuer::Issuer::owns(path);
  }
  pages::PageAnswer on_page(const http::Request& request, const IpAddress& from, WallTime wall) {
    if (issuer::Issuer::owns(request.path())) return issuer_.answer(request, wall);
    return pages_.answer(request, from, wall);
  }

  // What came of a fetch. The error is for the log.
  store::Stored<void> take_relay_map(
      const std::string& url, const relays::Fetched& got, WallTime wall) {
    return relays_->take_fetched(url, got, wall);
  }

  // What came of a message to another program.
  store::Stored<void> take_post_result(
      const delivery::Sender& from, const delivery::Outcome& outcome, WallTime wall);

  // What came of fetching a document of an issuer. The error is for the log.
  Result<void, federation::NoDocument> take_document(
      const std::string& issuer, const federation::Fetched& got, WallTime wall) {
    return exchanges_.take(issuer, got, wall);
  }

  // What came of a mail; the answer is for the log.
  mail::Outbox::Outcome take_mail_result(
      mail::MailId id, const mail::Attempt& attempt, WallTime wall, Effects& out);

  // The connection of a map stream or of a waiting request: it ended, or it takes no more for now.
  void stream_closed(mapper::StreamId id, TimePoint now) {
    streams_.close(id, now);
    logins_.forget(enroll::WaiterId{id.value});
    checks_.forget(ssh_check::WaiterId{id.value});
  }
  void stream_blocked(mapper::StreamId id, bool blocked, TimePoint now) {
    streams_.set_blocked(id, blocked, now);
  }

  void feed_closed(mapper::StreamId id) { feed_.close(id); }

  void advance(TimePoint now, WallTime wall, Effects& out);
  std::optional<TimePoint> next_deadline(TimePoint now, WallTime wall) const;
  // What is only in memory goes to disk; before the program ends.
  store::Stored<void> save_all() { return registry_->flush(); }

  // May this key use the relay?
  bool is_node(const NodePublicKey& key) const { return registry_->find(key) != nullptr; }
  // What Prometheus reads. Walks every device: for once in a few seconds.
  std::string metrics(const OutsideFigures& outside, WallTime wall) const;
  // How long the last request of the API took, by the caller's clock.
  void note_api_time(Duration took) { admin_routes_.tally().took(took); }
  void set_relay_clients(std::size_t count) { setup_.facts.gauges.relay_clients = count; }

  nodes::Registry& registry() { return *registry_; }
  const mapper::MapStreams& streams() const { return streams_; }

 private:
  // What is read from the store before anything is joined.
  struct Loaded {
    std::unique_ptr<nodes::Registry> registry;
    std::unique_ptr<sharing::Sharing> sharing;
    std::unique_ptr<relays::RelayDirectory> relays;
    std::unique_ptr<webhooks::Webhooks> webhooks;
    std::unique_ptr<log_streams::LogStreams> log_streams;
    std::unique_ptr<device_posture::Integrations> posture;
    std::unique_ptr<people::Invitations> invitations;
    std::unique_ptr<people::Contacts> contacts;
    crypto::Key32 login_secret;
  };
  static store::Stored<Loaded> load(
      store::Store& storage, Rng& rng, const relays::OwnRelay& relay, WallTime wall);
  Coordinator(store::Store& storage, Loaded loaded, Rng& rng, Setup setup);
  void expect_back(TimePoint now);
  void note_edits(TimePoint now);
  void note_edits_told(TimePoint now);
  void note_answers(TimePoint now, WallTime wall, Effects& out);
  void note_presence(TimePoint now, WallTime wall, Effects& out);
  store::AuditEntry entry_about(const nodes::Node& node, std::string action, WallTime wall) const;
  void keep_up_with_shares(WallTime wall, Effects& out);
  void end_graces(WallTime wall, Effects& out);
  void end_attributes(WallTime wall, Effects& out);
  void tell_webhooks(WallTime wall, Effects& out);
  void send_logs(WallTime wall, Effects& out);
  void prune_flows(WallTime wall, Effects& out);
  void send_mails(WallTime wall, Effects& out);
  void save_when_due(TimePoint now, Effects& out);
  void let_go_of_removed(Effects& out);
  void approve_by_policy(WallTime wall, Effects& out);
  store::Stored<void> approve_routes_of(const nodes::Node& node, WallTime wall);
  store::Stored<void> approve_services_of(const nodes::Node& node, WallTime wall);
  void answer_logins(TimePoint now, WallTime wall, Effects& out);
  void answer_checks(WallTime wall, Effects& out);
  void answer_exchanges(Effects& out);

  store::Store& storage_;
  Setup setup_;
  std::unique_ptr<nodes::Registry> registry_;
  nodes::Presence presence_;
  std::unique_ptr<sharing::Sharing> sharing_;
  policy::Policy policy_;
  std::unique_ptr<relays::RelayDirectory> relays_;
  std::unique_ptr<webhooks::Webhooks> webhooks_;
  std::unique_ptr<log_streams::LogStreams> log_streams_;
  std::unique_ptr<device_posture::Integrations> posture_;
  std::unique_ptr<people::Invitations> invitations_;
  std::unique_ptr<people::Contacts> contacts_;
  mail::Outbox outbox_;
  MailTrials mail_trials_;
  mapper::MapBuilder builder_;
  mapper::MapStreams streams_;
  NodeCalls calls_;
  CarrierHealth health_;
  ApiCalls api_calls_;
  ChangeFeed feed_;
  federation::Exchanges exchanges_;
  IdentityQuestions identities_;
  ServiceQuestions services_;
  enroll::Logins logins_;
  enroll::Enrollment enrollment_;
  ssh_check::SshChecks checks_;
  issuer::Issuer issuer_;
  FlowReports flow_reports_;
  flow_logs::Retention flow_retention_;
  MachineRoutes machine_routes_;
  api::AdminRoutes admin_routes_;
  pages::Pages pages_;
  struct AddressEdit {
    nodes::Version version = 0;  // of the registry, with it
    TimePoint at{};
  };
  std::vector<AddressEdit> edits_;  // that not everybody has been told of; in order
  nodes::Version edits_told_ = 0;
  Histogram edit_times_;
  nodes::Presence::Effects presence_effects_;
  std::optional<TimePoint> save_at_;
  nodes::Version approved_up_to_ = 0;
  // Not before: the disk would not take it.
  std::optional<WallTime> end_graces_at_, end_attributes_at_, share_again_at_, tell_again_at_,
      send_again_at_;
};

// A new server's first account and its owner. The domain is "<account>.<base domain>".
store::Stored<void> create_first_account(
    store::Store& storage, const std::string& account, const std::string& base_domain,
    const std::string& owner, WallTime now);

}  // namespace aya::serve
