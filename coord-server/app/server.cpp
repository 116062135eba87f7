#include "coord-server/app/server.h"

#include "coord-server/app/admin_socket.h"
#include "coord-server/app/issuer_documents.h"
#include "coord-server/app/metrics_door.h"
#include "coord-server/app/public_site.h"
#include "coord-server/app/relay_maps.h"
#include "coord-server/app/server_keys.h"
#include "coord-server/app/stun_link.h"
#include "coord-server/app/message_posts.h"
#include "coord-server/smtp/smtp_link.h"
#include "coord-server/store/sqlite_store.h"
#include "proto/base/version.h"

namespace aya::coord {
namespace {

std::string text_or_empty(const std::optional<IpAddress>& address) {
  return address ? address->to_text() : std::string();
}

StartError cannot_listen(
    const std::string& what, const std::string& at, const io::IoError& why,
    const std::string& file) {
  const std::string text = "cannot listen on " + what + ' ' + at + ": ";
  switch (why.kind) {
    case io::IoError::Kind::AddressInUse:
      return {text + "another program has that port; stop it, or choose another port in " + file};
    case io::IoError::Kind::Permission:
      return {
          text +
          "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE, or "
          "choose another port in " +
          file};
    default:
      return {text + why.detail + "; see " + file};
  }
}

api::ServerFacts facts_of(const Installation& installation, const TlsIdentity& tls) {
  api::ServerFacts facts;
  facts.version = kVersion;
  facts.server_url = installation.config.server_url;
  // A pin for people only where they dial TLS; relays are pinned whenever nobody vouches for them.
  if (installation.config.own_certificate() && installation.config.url.tls) {
    facts.certificate_pin = tls.pin();
    facts.certificate_file = installation.tls_files().certificate;
  }
  return facts;
}

relays::OwnRelay relay_of(const Config& config, const TlsIdentity& tls) {
  relays::OwnRelay relay;
  relay.host = config.url.host;
  relay.port = config.url.port;
  relay.ipv4 = text_or_empty(config.relay_ipv4);
  relay.ipv6 = text_or_empty(config.relay_ipv6);
  if (config.own_certificate()) relay.certificate_pin = tls.pin();
  relay.stun_port = config.stun_listen ? config.stun_listen->port : -1;
  return relay;
}

serve::PublicFacts public_facts_of(const Config& config, const ServerKeys& keys) {
  serve::PublicFacts facts;
  facts.noise_key = keys.noise.public_key();
  facts.host = config.url.host;
  for (const auto& address : {config.relay_ipv4, config.relay_ipv6}) {
    if (address) facts.addresses.push_back(address->to_text());
  }
  return facts;
}

}  // namespace

class Server::Impl final : public CoordinatorLink::Host, public relay_server::DerpHub::Admission {
 public:
  Impl(io::Loop& loop, Installation installation, Logger& log)
      : loop_(loop), installation_(std::move(installation)), log_(log) {}

  ~Impl() override {
    doors_.clear();
    site_.reset();
    if (relay_) relay_->announce_restart();
    if (!core_) return;
    if (auto saved = core_->save_all(); !saved) {
      log_.error("the last reports of nodes are lost", {{"why", saved.error().to_text()}});
    }
  }

  Result<void, StartError> start() {
    if (auto loaded = load(); !loaded) return loaded;
    auto admin = AdminSocket::open(loop_, installation_.places.socket, *link_);
    if (!admin) return admin_error(admin.error());
    admin_ = std::move(*admin);
    if (auto opened = open_doors(); !opened) return opened;
    if (auto opened = open_stun(); !opened) return opened;
    if (auto opened = open_metrics(); !opened) return opened;
    log_.info(
        "serving", {{"url", installation_.config.server_url},
                    {"listen", installation_.config.listen.to_text()},
                    {"version", kVersion}});
    return {};
  }

 private:
  // What needs no network.
  Result<void, StartError> load() {
    auto storage = store::open_sqlite_store(installation_.places.database());
    if (!storage) return database_error(storage.error());
    storage_ = std::move(*storage);
    auto keys = load_server_keys(*storage_, rng_);
    if (!keys) return database_error(keys.error());
    keys_ = std::move(*keys);
    auto tls = TlsIdentity::load(loop_, installation_.tls_files(), keys_.relay.public_key(), log_);
    if (!tls) return tls.error();
    tls_ = std::move(*tls);
    auto smtp = installation_.smtp_server();
    if (!smtp) return smtp.error();
    serve::Coordinator::Setup setup{
        facts_of(installation_, *tls_), relay_of(installation_.config, *tls_),
        installation_.config.oidc, [] { return TimePoint(std::chrono::steady_clock::now()); }, {}};
    setup.flow_logs = installation_.config.flow_logs;
    if (*smtp) {
      setup.mail_from = installation_.config.smtp->from();
      smtp_ = std::make_unique<smtp::SmtpLink>(
          loop_, std::move(**smtp), [this](mail::MailId id, const mail::Attempt& attempt) {
            link_->mailed(id, attempt);
          });
    }
    auto core = serve::Coordinator::make(
        *storage_, rng_, std::move(setup), loop_.now(), loop_.wall_now());
    if (!core) return database_error(core.error());
    core_ = std::move(*core);
    link_ = std::make_unique<CoordinatorLink>(loop_, *core_, log_, *this);
    relay_maps_ = std::make_unique<RelayMaps>(
        loop_, [this](const std::string& url, const relays::Fetched& map) {
          link_->relays_fetched(url, map);
        });
    message_posts_ = std::make_unique<MessagePosts>(
        loop_, installation_.config.webhooks_private,
        [this](const delivery::Sender& from, const delivery::Outcome& outcome) {
          link_->posted(from, outcome);
        });
    issuer_documents_ = std::make_unique<IssuerDocuments>(
        loop_, installation_.config.webhooks_private,
        [this](const std::string& issuer, const federation::Fetched& got) {
          link_->document_fetched(issuer, got);
        });
    relay_ = std::make_unique<RelayLink>(loop_, keys_.relay, *this, rng_, log_);
    const PublicSite::Parts parts{loop_, *link_, *relay_, *tls_, *storage_, rng_, keys_.noise};
    site_ = std::make_unique<PublicSite>(parts, public_facts_of(installation_.config, keys_));
    return {};
  }

  // "Every address" means of the families this machine has.
  template <class Door, class Open>
  Result<void, StartError> open_at(
      const ListenAt& at, std::vector<std::unique_ptr<Door>>& doors, Open open) {
    for (const Endpoint& endpoint : at.endpoints()) {
      auto door = open(endpoint);
      if (door) {
        doors.push_back(std::move(*door));
        continue;
      }
      const bool other_family_will_do =
          !at.address && !doors.empty() && door.error().kind != io::IoError::Kind::AddressInUse;
      if (other_family_will_do) continue;
      return cannot_listen("TCP", at.to_text(), door.error(), installation_.places.config);
    }
    return {};
  }

  Result<void, StartError> open_doors() {
    return open_at(installation_.config.listen, doors_, [this](const Endpoint& endpoint) {
      return FrontDoor::open(loop_, endpoint, *site_);
    });
  }

  Result<void, StartError> open_metrics() {
    const auto& at = installation_.config.metrics_listen;
    if (!at) return {};
    return open_at(*at, metrics_doors_, [this](const Endpoint& endpoint) {
      return MetricsDoor::open(loop_, endpoint, [this] { return metrics(); });
    });
  }

  Result<void, StartError> open_stun() {
    const auto& at = installation_.config.stun_listen;
    if (!at) return {};
    auto stun = StunLink::open(loop_, *at, rng_);
    if (!stun) {
      return cannot_listen("UDP", at->to_text(), stun.error(), installation_.places.config);
    }
    stun_ = std::move(*stun);
    return {};
  }

  std::string metrics() {
    const relay_server::RelayCounters& relayed = relay_->counters();
    serve::OutsideFigures outside;
    outside.relay_clients = relay_->connections();
    outside.relay_bytes_in = relayed.bytes_received;
    outside.relay_bytes_out = relayed.bytes_sent;
    for (const auto& kinds : relayed.drops) {
      for (const std::uint64_t count : kinds) outside.relay_packets_dropped += count;
    }
    return core_->metrics(outside, loop_.wall_now());
  }

  StartError database_error(const store::StoreError& why) const {
    return {installation_.places.database() + ": " + why.to_text()};
  }

  StartError admin_error(const io::IoError& why) const {
    if (why.kind == io::IoError::Kind::AddressInUse) {
      return {"a server is running in " + installation_.places.state + " already"};
    }
    return {"cannot make " + installation_.places.socket + ": " + why.detail};
  }

  void on_revoked(const NodePublicKey& node) override { relay_->close_key(node); }
  void fetch_relays(const std::string& url) override { relay_maps_->fetch(url); }
  void post(const delivery::Post& message) override { message_posts_->post(message); }
  void fetch_document(const federation::Fetch& document) override {
    issuer_documents_->fetch(document);
  }
  void send(const mail::Outgoing& mail) override { smtp_->send(mail); }
  std::size_t relay_clients() const override { return relay_->connections(); }

  bool admits(const NodePublicKey& node, const IpAddress&) override { return core_->is_node(node); }

  io::Loop& loop_;
  Installation installation_;
  Logger& log_;
  SystemRng rng_;
  std::unique_ptr<store::Store> storage_;
  ServerKeys keys_;
  std::unique_ptr<TlsIdentity> tls_;
  std::unique_ptr<serve::Coordinator> core_;
  std::unique_ptr<CoordinatorLink> link_;
  std::unique_ptr<RelayMaps> relay_maps_;
  std::unique_ptr<MessagePosts> message_posts_;
  std::unique_ptr<IssuerDocuments> issuer_documents_;
  std::unique_ptr<smtp::SmtpLink> smtp_;  // where mail is sent
  std::unique_ptr<RelayLink> relay_;
  std::unique_ptr<PublicSite> site_;
  std::unique_ptr<AdminSocket> admin_;
  std::unique_ptr<StunLink> stun_;
  std::vector<std::unique_ptr<FrontDoor>> doors_;
  std::vector<std::unique_ptr<MetricsDoor>> metrics_doors_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>, StartError> Server::start(
    io::Loop& loop, Installation installation, Logger& log) {
  auto impl = std::make_unique<Impl>(loop, std::move(installation), log);
  if (auto started = impl->start(); !started) return started.error();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace aya::coord
