#include "daemon/filter/filter.h"

namespace aya::filter {
namespace {

constexpr std::size_t kSmallestPacket = 20;  // an IPv4 header

// A cloud's DNS and metadata server: the one link-local address people reach through a router.
constexpr IpAddress kCloudMetadata = IpAddress::v4(0xa9fea9fe);  // 169.254.169.254

constexpr Verdict accept(Reason reason) { return {true, reason}; }
constexpr Verdict drop(Reason reason) { return {false, reason}; }

// ::ffff:a.b.c.d counts as a.b.c.d where a kind of address is refused.
IpAddress unmapped(const IpAddress& address) {
  if (address.is_v4()) return address;
  return IpAddress::from_mapped_16(address.bytes().first<16>());
}

// What holds in both directions; nullopt: the direction decides.
std::optional<Verdict> judge_shape(const PacketView& packet) {
  if (packet.packet.empty()) return accept(Reason::Empty);
  if (packet.packet.size() < kSmallestPacket) return drop(Reason::TooShort);
  if (packet.protocol == kUnknownProtocol) return drop(Reason::UnknownProtocol);
  const IpAddress destination = unmapped(packet.destination.address);
  if (destination.is_multicast()) return drop(Reason::Multicast);
  if (destination.is_link_local_unicast() && packet.destination.address != kCloudMetadata) {
    return drop(Reason::LinkLocal);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(Reason reason) {
  switch (reason) {
    case Reason::Empty:
      return "empty";
    case Reason::OutgoingOk:
      return "outgoing";
    case Reason::Fragment:
      return "fragment";
    case Reason::IcmpReply:
      return "icmp-reply";
    case Reason::IcmpOk:
      return "icmp";
    case Reason::TcpNotSyn:
      return "tcp-not-syn";
    case Reason::TcpOk:
      return "tcp";
    case Reason::KnownFlow:
      return "known-flow";
    case Reason::RuleOk:
      return "rule";
    case Reason::TsmpOk:
      return "tsmp";
    case Reason::OtherProtocolOk:
      return "other-protocol";
    case Reason::TooShort:
      return "too-short";
    case Reason::UnknownProtocol:
      return "unknown-protocol";
    case Reason::Multicast:
      return "multicast";
    case Reason::LinkLocal:
      return "link-local";
    case Reason::DestinationNotOurs:
      return "destination-not-ours";
    case Reason::ProtocolNotAllowed:
      return "protocol-not-allowed";
    case Reason::NoRule:
      return "no-rule";
  }
  return "";
}

void Filter::set_rules(CompiledRules rules, bool shields_up) {
  if (shields_up && !shields_up_) flows_.clear();
  rules_ = shields_up ? CompiledRules() : std::move(rules);
  shields_up_ = shields_up;
}

void Filter::set_local(std::span<const Prefix> local) {
  local_.clear();
  for (const Prefix& prefix : local) local_.set(prefix, true);
}

Verdict Filter::in(const PacketView& packet, bool may_open) {
  const Verdict verdict = judge_in(packet, may_open ? rules_ : no_rules_);
  ++in_[static_cast<std::size_t>(verdict.reason)];
  return verdict;
}

Verdict Filter::out(const PacketView& packet) {
  const Verdict verdict = judge_out(packet);
  ++out_[static_cast<std::size_t>(verdict.reason)];
  return verdict;
}

Verdict Filter::judge_in(const PacketView& packet, const CompiledRules& rules) {
  if (const auto verdict = judge_shape(packet)) return *verdict;
  // A peer may address anything; we advertised only this much.
  if (!is_local(packet.destination.address)) return drop(Reason::DestinationNotOurs);
  switch (packet.protocol) {
    case kLaterFragment:
      return accept(Reason::Fragment);
    case kTcp:
      if (!packet.is_tcp_syn()) return accept(Reason::TcpNotSyn);
      return rules.allows_port(packet) ? accept(Reason::TcpOk) : drop(Reason::NoRule);
    case kUdp:
    case kSctp:
      if (flows_.find({packet.protocol, packet.source, packet.destination})) {
        return accept(Reason::KnownFlow);
      }
      return rules.allows_port(packet) ? accept(Reason::RuleOk) : drop(Reason::NoRule);
    case kTsmp:
      return accept(Reason::TsmpOk);
    default:
      break;
  }
  if (packet.protocol == (packet.version == 4 ? kIcmp4 : kIcmp6)) {
    if (packet.is_echo_reply() || packet.is_icmp_error()) return accept(Reason::IcmpReply);
    return rules.allows_some_port(packet) ? accept(Reason::IcmpOk) : drop(Reason::NoRule);
  }
  return rules.allows_portless(packet) ? accept(Reason::OtherProtocolOk)
                                       : drop(Reason::ProtocolNotAllowed);
}

Verdict Filter::judge_out(const PacketView& packet) {
  if (const auto verdict = judge_shape(packet)) return *verdict;
  if (packet.protocol == kLaterFragment) return accept(Reason::Fragment);
  if (packet.protocol == kUdp || packet.protocol == kSctp) {
    flows_.remember({packet.protocol, packet.destination, packet.source});
  }
  return accept(Reason::OutgoingOk);
}

bool Filter::is_local(const IpAddress& destination) const {
  return local_.find(destination) != nullptr;
}

}  // namespace aya::filter
