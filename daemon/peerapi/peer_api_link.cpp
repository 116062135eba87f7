#include "daemon/peerapi/peer_api_link.h"

#include <algorithm>

namespace aya::peerapi {
namespace {

constexpr std::size_t kMaxHead = 8 * 1024;
constexpr std::size_t kMaxBody = 0xffff;  // a DNS message
constexpr unsigned kTries = 5;
constexpr std::uint16_t kFirstPort = 0x8000;

// The upper half of the ports, by the address (FNV-1a) and the number of the attempt.
std::uint16_t port_for(const IpAddress& address, unsigned attempt) {
  std::uint32_t hash = 2166136261u + attempt;
  for (const std::byte b : address.bytes())
    hash = (hash ^ static_cast<std::uint32_t>(b)) * 16777619u;
  return static_cast<std::uint16_t>(kFirstPort | ((hash >> 16 ^ hash) & 0x7fff));
}

}  // namespace

PeerApiLink::PeerApiLink(io::Loop& loop, Owner& owner) : loop_(loop), owner_(owner) {}
PeerApiLink::~PeerApiLink() = default;

void PeerApiLink::listen_on(const std::vector<IpAddress>& own) {
  std::erase_if(listeners_, [&](const auto& listener) {
    return std::ranges::find(own, listener.first) == own.end();
  });
  for (const IpAddress& address : own) {
    if (listeners_.contains(address)) continue;
    if (auto listener = listen(address)) listeners_.emplace(address, std::move(listener));
  }
}

std::unique_ptr<io::TcpListener> PeerApiLink::listen(const IpAddress& own) {
  for (unsigned attempt = 0; attempt <= kTries; ++attempt) {
    const std::uint16_t port = attempt == kTries ? 0 : port_for(own, attempt);
    auto listener = io::TcpListener::listen(
        loop_, {own, port}, [this](io::Connected connected) { accept(std::move(connected)); });
    if (listener) return *std::move(listener);
    if (listener.error().kind != io::IoError::Kind::AddressInUse) break;
  }
  return nullptr;
}

std::vector<Endpoint> PeerApiLink::listeners() const {
  std::vector<Endpoint> out;
  for (const auto& [address, listener] : listeners_) out.push_back(listener->local());
  return out;
}

void PeerApiLink::accept(io::Connected connected) {
  const IpAddress from = connected.remote.address;
  if (!owner_.who_is(from)) {
    ++counters_.strangers;
    return;  // closes it
  }
  if (clients_.size() >= kMaxConnections || per_peer_[from] >= kMaxPerPeer) {
    ++counters_.overload;
    return;
  }
  ++counters_.accepted;
  ++per_peer_[from];
  auto connection = std::make_unique<io::HttpConnection>(
      loop_, std::move(connected.stream), *this, http::Limits{.head = kMaxHead, .body = kMaxBody});
  const io::HttpConnection* key = connection.get();
  clients_.emplace(key, Client{std::move(connection), from});
}

void PeerApiLink::on_request(io::HttpConnection& connection, http::Request request) {
  const auto client = clients_.find(&connection);
  if (client == clients_.end()) return;
  // It may have left the network since it connected.
  const auto caller = owner_.who_is(client->second.address);
  if (!caller) return connection.respond(http::Response::text(403, "not a peer\n"));
  auto judged = judge(request, *caller, owner_.filtered_names());
  if (const auto* response = std::get_if<http::Response>(&judged)) {
    return connection.respond(*response);
  }
  ++counters_.questions;
  const std::uint64_t exchange = ++last_exchange_;
  client->second.exchange = exchange;
  owner_.resolve(
      std::get<DnsQuestion>(judged).query,
      [this, key = &connection, exchange, alive = std::weak_ptr<int>(alive_)](Bytes response) {
        if (alive.expired()) return;
        const auto waiting = clients_.find(key);
        if (waiting == clients_.end() || waiting->second.exchange != exchange) return;
        waiting->second.exchange = 0;
        waiting->second.connection->respond(answer_to(response));
      });
}

void PeerApiLink::on_closed(io::HttpConnection& connection) {
  const auto client = clients_.find(&connection);
  if (client == clients_.end()) return;
  const auto count = per_peer_.find(client->second.address);
  if (count != per_peer_.end() && --count->second == 0) per_peer_.erase(count);
  clients_.erase(client);
}

}  // namespace aya::peerapi
