// The daemon's part that is about the node which carries this one's Internet traffic.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "daemon/app/daemon.h"
#include "daemon/app/map_meaning.h"
#include "daemon/coord/dial_plan.h"
#include "daemon/dns/dns_message.h"
#include "daemon/host_dns/resolv_conf.h"
#include "proto/http/target.h"
#include "proto/tls/certificate.h"

namespace aya::app {
namespace {

constexpr Duration kAnswersWithin = 1s;
// Apart from the pings of people and of the exit watch.
constexpr std::uint64_t kFirstQuestion = std::uint64_t{1} << 62;
constexpr std::size_t kQuestionsAtOnce = 32;
constexpr std::uint16_t kHttpsPort = 443;

// Those that this host's programs ask.
std::vector<Endpoint> host_resolvers() {
  std::ifstream file("/etc/resolv.conf");
  std::stringstream text;
  text << file.rdbuf();
  std::vector<Endpoint> out;
  for (const IpAddress& server : host_dns::parse_resolv_conf(text.str()).nameservers) {
    out.push_back({server, dns::kDnsPort});
  }
  return out;
}

std::optional<io::DialTarget> relay_target(const control::DerpMap& map, RegionId home) {
  if (!map.regions) return std::nullopt;
  const auto region = map.regions->find(home);
  if (region == map.regions->end()) return std::nullopt;
  for (const control::DerpNode& node : region->second.nodes) {
    if (node.stun_only || coord::is_private_host(node.host_name)) continue;
    io::DialTarget target;
    target.host = node.host_name;
    target.port = node.derp_port == 0 ? kHttpsPort : static_cast<std::uint16_t>(node.derp_port);
    if (const auto address = IpAddress::parse(node.ipv4)) target.addresses = {*address};
    return target;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Daemon::exit_node() const {
  if (mesh_ && map_state() != nullptr) return mesh_->exit_node();
  const std::string choice = local::exit_node_choice(prefs_);
  if (choice.empty()) return std::nullopt;
  return prefs_.exit_node_id.starts_with(local::kAutoExitNodePrefix) ? std::string()
                                                                     : prefs_.exit_node_id;
}

const control::Node* Daemon::exit_node_peer() const {
  const auto* state = map_state();
  const auto id = exit_node();
  return state == nullptr || !id ? nullptr : find_peer(state->netmap, *id);
}

// The settings name the node that was found for them, as front-ends expect: that of an address,
// which may be another node's one day, and the one that was chosen automatically.
void Daemon::keep_exit_choice() {
  const auto* state = map_state();
  if (state == nullptr) return;
  local::Prefs next = prefs_;
  const auto wish = exit_wish(state->netmap, prefs_);
  if (wish.kind == exit_node::Wish::Kind::Named && next.exit_node_id.empty() && !wish.id.empty()) {
    next.exit_node_id = wish.id;
    next.exit_node_ip.clear();
  }
  if (mesh_ && mesh_->exit_watch().is_auto() && wish.kind == exit_node::Wish::Kind::Auto) {
    const std::string id = mesh_->exit_node().value_or("");
    next.exit_node_id =
        id.empty() ? std::string(local::kAutoExitNodePrefix) + next.auto_exit_node : id;
  }
  if (next == prefs_) return;
  if (const auto problem = save(next)) {
    log_.error("the exit node could not be stored", {{"why", *problem}});
  }
  prefs_ = next;
  local::Notify change;
  change.prefs = prefs();
  local_->announce(change);
}

Result<local::ExitNodeSuggestion, std::string> Daemon::suggest_exit_node() const {
  const auto* state = map_state();
  if (state == nullptr || !mesh_ || mesh_->home() == 0) {
    return std::string("no preferred DERP, try again later");
  }
  const exit_node::Candidate* best = mesh_->exit_watch().suggestion();
  const control::Node* node = best == nullptr ? nullptr : find_peer(state->netmap, best->id);
  if (node == nullptr) return local::ExitNodeSuggestion{};
  local::ExitNodeSuggestion out{node->stable_id, node->name, std::nullopt};
  const auto at = node->hostinfo ? node->hostinfo->location() : std::nullopt;
  if (at) out.location = local_location(*at);
  return out;
}

// ---- who there is

local::ExitNodes Daemon::known_exit_nodes() const {
  local::ExitNodes out;
  out.previous = store_.state().previous_exit_node;
  const auto* state = map_state();
  if (state == nullptr) return out;
  if (const control::Node* node = exit_node_peer()) out.in_use = node->stable_id;
  for (const auto& [id, peer] : state->netmap.peers) {
    const bool approved = may_be_exit(peer);
    if (!approved && !wants_to_be_exit(peer)) continue;
    local::ExitNodeOffer& offer = out.offers.emplace_back();
    offer.id = peer.stable_id;
    offer.approved = approved;
    if (mesh_) offer.latency = mesh_->exit_watch().latency_of(peer.stable_id);
    const auto asked = exit_latency_.find(peer.stable_id);
    if (asked != exit_latency_.end()) offer.latency = asked->second;
  }
  return out;
}

void Daemon::exit_nodes(localapi::ExchangeId exchange, bool probe) {
  const auto* state = map_state();
  std::vector<std::pair<path::PingId, netmap::NodeId>> pings;
  if (probe && mesh_ && state != nullptr) {
    for (const auto& [id, peer] : state->netmap.peers) {
      if (!may_be_exit(peer) || !peer.online.value_or(true) || peer.disco_key.is_zero()) continue;
      if (pings.size() == kQuestionsAtOnce) break;
      pings.emplace_back(path::PingId{kFirstQuestion + ++last_exit_question_}, id);
      exit_questions_[pings.back().first] = {exchange, peer.stable_id};
    }
  }
  // Not from within the call that asks.
  auto& due = exit_answers_due_[exchange];
  due = std::make_unique<io::Timer>(loop_, [this, exchange] { answer_exit_nodes(exchange); });
  due->arm_in(pings.empty() ? Duration(0) : kAnswersWithin);
  for (const auto& [ping, node] : pings) mesh_->probe_peer(node, ping);
}

void Daemon::on_exit_answer(const PingOutcome& outcome) {
  const auto asked = exit_questions_.find(outcome.id);
  if (asked == exit_questions_.end()) return;
  const ExitQuestion question = std::move(asked->second);
  exit_questions_.erase(asked);
  if (outcome.via) {
    exit_latency_[question.node] = outcome.latency;
  } else {
    exit_latency_.erase(question.node);
  }
  const bool more = std::ranges::any_of(
      exit_questions_, [&](const auto& open) { return open.second.exchange == question.exchange; });
  const auto due = exit_answers_due_.find(question.exchange);
  if (!more && due != exit_answers_due_.end()) due->second->arm(loop_.now());
}

void Daemon::answer_exit_nodes(localapi::ExchangeId exchange) {
  std::erase_if(
      exit_questions_, [&](const auto& open) { return open.second.exchange == exchange; });
  const auto timer = exit_answers_due_.extract(exchange);  // lives to the end of its own call
  local_->later_done(exchange, local::to_json(known_exit_nodes()));
}

// ---- whether the Internet is there

// The server and its relay are what every node knows of the Internet. Where the server has a
// private address, the exit node could not reach it and would be wrong to.
InternetTargets Daemon::internet_targets() const {
  InternetTargets out;
  out.name = ".";
  if (const auto url = http::Url::parse(prefs_.control_url)) {
    const bool is_address = IpAddress::parse(url->host).has_value();
    if (!is_address) out.name = url->host;
    if (!coord::is_private_host(url->host)) out.server_url = prefs_.control_url;
  }
  out.resolvers = host_resolvers();
  const auto* state = map_state();
  if (mesh_ && state != nullptr && state->netmap.derp_map) {
    out.tcp = relay_target(*state->netmap.derp_map, mesh_->home());
  }
  return out;
}

void Daemon::check_internet(
    localapi::ExchangeId exchange, const localapi::InternetRequest& request) {
  InternetTargets targets = internet_targets();
  targets.tls = &roots_;
  targets.without = request.without;
  std::shared_ptr<tls::TlsClientContext> pinned;  // lives in the callback, as long as the check
  if (const auto pin = tls::parse_pin(prefs_.server_cert_pin)) {
    pinned = std::make_shared<tls::TlsClientContext>(tls::TlsTrust::pinned(*pin));
    targets.tls = pinned.get();
  }
  internet_checks_[exchange] = std::make_unique<InternetCheck>(
      loop_, pool_, rng_, std::move(targets), request.timeout,
      [this, exchange, pinned](local::InternetCheck result) {
        const auto check = internet_checks_.extract(exchange);  // lives to the end of its own call
        local_->later_done(exchange, local::to_json(result));
      });
}

}  // namespace aya::app
