#include "daemon/app/dialler.h"

#include <algorithm>
#include <utility>

#include "daemon/app/map_meaning.h"
#include "daemon/app/status_view.h"

namespace aya::app {
namespace {

using localapi::DialOutcome;

constexpr Duration kPatience = 30s;

// As programs in Go call it, which is what the other side of the interface was written for.
std::string reason(const io::IoError& error) {
  switch (error.kind) {
    case io::IoError::Kind::Refused:
      return "connect: connection refused";
    case io::IoError::Kind::Unreachable:
      return "connect: no route to host";
    case io::IoError::Kind::TimedOut:
      return "i/o timeout";
    case io::IoError::Kind::Reset:
      return "connect: connection reset by peer";
    default:
      return error.detail;
  }
}

std::string host_and_port(const localapi::DialRequest& request) {
  const auto address = IpAddress::parse(request.host);
  if (address) return Endpoint{*address, request.port}.to_text();
  return request.host + ":" + std::to_string(request.port);
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::vector<IpAddress> addresses_of_name(const netmap::Netmap& map, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto is_meant = [name](const control::Node& node) {
    std::string_view whole = node.name;
    if (whole.ends_with('.')) whole.remove_suffix(1);
    if (whole.empty()) return false;
    return same_name(whole, name) || same_name(whole.substr(0, whole.find('.')), name);
  };
  if (is_meant(map.self)) return addresses_of(map.self);
  for (const auto& [id, peer] : map.peers) {
    if (is_meant(peer)) return addresses_of(peer);
  }
  return {};
}

bool lies_in_network(const Dialler::Network& network, const IpAddress& address) {
  if (network.map == nullptr || network.routing == nullptr) return false;
  if (find_node(*network.map, address) != nullptr) return true;
  const auto covers = [&address](const Prefix& prefix) { return prefix.contains(address); };
  if (std::ranges::any_of(network.routing->throws, covers)) return false;
  return std::ranges::any_of(network.routing->peers, [&](const auto& peer) {
    return std::ranges::any_of(
        peer.second, [&](const Prefix& prefix) { return prefix.length > 0 && covers(prefix); });
  });
}

Dialler::Dialler(io::Loop& loop, Look look, Done done)
    : loop_(loop), look_(std::move(look)), done_(std::move(done)) {}
Dialler::~Dialler() = default;

void Dialler::dial(localapi::ExchangeId exchange, const localapi::DialRequest& request) {
  Attempt& attempt = attempts_[exchange];
  attempt.request = request;
  const Network network = look_();
  auto known = network.map == nullptr ? std::vector<IpAddress>{}
                                      : addresses_of_name(*network.map, request.host);
  // A literal comes back as it is, and like every answer from the loop.
  const std::string host = known.empty() ? request.host : known.front().to_text();
  attempt.lookup = std::make_unique<io::NameLookup>(
      loop_, host, [this, exchange, known](io::NameLookup::Answer found) {
        if (!found) {
          const std::string asked = attempts_.at(exchange).request.host;
          return finish(
              exchange,
              {DialOutcome::Kind::Failed, "dial tcp: lookup " + asked + ": no such host"});
        }
        on_addresses(exchange, known.empty() ? *std::move(found) : known);
      });
}

void Dialler::on_addresses(localapi::ExchangeId exchange, std::vector<IpAddress> addresses) {
  Attempt& attempt = attempts_.at(exchange);
  const localapi::DialRequest& request = attempt.request;
  if (request.v4) {
    std::erase_if(addresses, [&](const IpAddress& at) { return at.is_v4() != *request.v4; });
  }
  if (addresses.empty()) {
    return finish(
        exchange, {DialOutcome::Kind::Failed,
                   "dial tcp: " + request.host + " has no address of this family"});
  }
  const Endpoint elsewhere{addresses.front(), request.port};
  const Network network = look_();
  std::erase_if(
      addresses, [&](const IpAddress& address) { return !lies_in_network(network, address); });
  if (addresses.empty()) {
    return finish(exchange, {DialOutcome::Kind::Elsewhere, elsewhere.to_text()});
  }
  std::vector<Endpoint> candidates;
  for (const IpAddress& address : addresses) candidates.push_back({address, request.port});
  // Through the host's own routing, as any program would.
  attempt.connect = std::make_unique<io::TcpConnect>(
      loop_, std::move(candidates), io::SocketOptions{}, kPatience,
      [this, exchange](Result<io::Connected, io::IoError> outcome) {
        on_connected(exchange, std::move(outcome));
      });
}

void Dialler::on_connected(
    localapi::ExchangeId exchange, Result<io::Connected, io::IoError> outcome) {
  if (outcome) {
    return finish(exchange, {DialOutcome::Kind::Connected, ""}, std::move(outcome->stream));
  }
  const std::string where = host_and_port(attempts_.at(exchange).request);
  finish(
      exchange,
      {DialOutcome::Kind::Failed, "dial tcp " + where + ": " + reason(outcome.error())});
}

void Dialler::finish(
    localapi::ExchangeId exchange, const localapi::DialOutcome& outcome,
    std::unique_ptr<io::ByteStream> stream) {
  const DialOutcome said = outcome;
  attempts_.erase(exchange);  // and the callback this is in
  done_(exchange, said, std::move(stream));
}

}  // namespace aya::app
