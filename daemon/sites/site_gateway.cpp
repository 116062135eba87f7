#include "daemon/sites/site_gateway.h"

#include <algorithm>

#include "daemon/sites/translate.h"
#include "proto/base/endian.h"

namespace aya::sites {
namespace {

using filter::Flow;
using filter::PacketView;

constexpr std::size_t kIcmpHeaderSize = 8;  // of an echo, and before what an error quotes

std::uint16_t echo_id(const PacketView& view) {
  return load_be<std::uint16_t>(view.transport.data() + 4);
}

// The packet that an ICMP error is about; a view without protocol where it cannot be read. Errors
// quote the beginning of a packet only: its length field is not to be trusted, so the quotation is
// read by hand.
struct Quotation {
  std::uint8_t protocol = filter::kUnknownProtocol;
  Endpoint source, destination;
};

std::optional<Quotation> quoted4(const PacketView& error) {
  const Bytes quoted = error.transport.subspan(kIcmpHeaderSize);
  if (quoted.size() < 20 || static_cast<unsigned>(quoted[0]) >> 4 != 4) return std::nullopt;
  const std::size_t header = (static_cast<std::size_t>(quoted[0]) & 0xf) * 4;
  if (header < 20 || quoted.size() < header + 8) return std::nullopt;
  Quotation out;
  out.protocol = static_cast<std::uint8_t>(quoted[9]);
  out.source.address = IpAddress::v4(quoted.subspan<12, 4>());
  out.destination.address = IpAddress::v4(quoted.subspan<16, 4>());
  const Bytes transport = quoted.subspan(header);
  if (out.protocol == filter::kIcmp4) {
    out.source.port = load_be<std::uint16_t>(transport.data() + 4);  // of the echo request
  } else {
    out.source.port = load_be<std::uint16_t>(transport.data());
    out.destination.port = load_be<std::uint16_t>(transport.data() + 2);
  }
  return out;
}

bool has_ports(std::uint8_t protocol) {
  return protocol == filter::kTcp || protocol == filter::kUdp;
}

}  // namespace

void SiteGateway::set_routes(std::span<const Prefix> own_routes) {
  routes_.clear();
  std::ranges::copy_if(own_routes, std::back_inserter(routes_), [](const Prefix& route) {
    return parse_site_prefix(route).has_value();
  });
  if (routes_.empty()) {
    flows_.reset();
  } else if (!flows_) {
    flows_.emplace(kFlows);
  }
}

bool SiteGateway::serves(const IpAddress& destination) const {
  return std::ranges::any_of(
      routes_, [&](const Prefix& route) { return route.contains(destination); });
}

bool SiteGateway::to_site(Packet& packet, const PacketView& view, const IpAddress* peer) {
  if (peer == nullptr) {
    ++counters_.no_ipv4;
    return false;
  }
  const auto target = parse_site_address(view.destination.address);
  if (!target) return false;

  // What an answer will carry; an error opens no flow.
  std::optional<Flow> answer;
  if (has_ports(view.protocol)) {
    answer = Flow{view.protocol, {target->inner, view.destination.port}, {*peer, view.source.port}};
  } else if (view.is_echo_request()) {
    answer = Flow{filter::kIcmp4, {target->inner, 0}, {*peer, echo_id(view)}};
  }
  const Via via{target->site, view.source.address};
  // An error of the peer quotes what we sent it: from the same machine, to the peer.
  const Ends ends{*peer, target->inner, *peer};
  if (!to_ipv4(packet, ends, mtu_)) {
    ++counters_.untranslatable;
    return false;
  }
  if (answer) flows_->remember(*answer) = via;
  ++counters_.to_site;
  return true;
}

SiteGateway::Answer SiteGateway::from_site(Packet& packet, const PacketView& view) {
  if (view.version != 4 || !flows_) return Answer::NotOurs;
  Ends ends;
  const Via* via = nullptr;
  if (has_ports(view.protocol)) {
    via = flows_->find({view.protocol, view.source, view.destination});
  } else if (view.is_echo_reply()) {
    via = flows_->find(
        {filter::kIcmp4, {view.source.address, 0}, {view.destination.address, echo_id(view)}});
  } else if (view.is_icmp_error()) {
    const auto quoted = quoted4(view);
    if (!quoted) return Answer::NotOurs;
    // The quoted packet went from the peer to the site: an answer would go the other way.
    via = flows_->find({quoted->protocol, quoted->destination, quoted->source});
    if (via != nullptr) ends.quoted_destination = to_ip({via->site, quoted->destination.address});
  }
  if (via == nullptr) return Answer::NotOurs;

  ends.source = to_ip({via->site, view.source.address});
  ends.destination = via->peer;
  if (!to_ipv6(packet, ends, mtu_)) {
    ++counters_.untranslatable;
    return Answer::Drop;
  }
  ++counters_.from_site;
  return Answer::Translated;
}

}  // namespace aya::sites
