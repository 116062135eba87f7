// Filter decides which packets pass between the tunnel and the host (control 6.7, 14).
//
//   in    from a peer to us: default deny. The destination must be ours; then replies, or a rule.
//   out   from us to a peer: everything well-formed passes, and UDP and SCTP flows are remembered.
//
// A fresh filter has no rules and no local addresses, so it refuses all that comes in. It does not
// look at whether a source address belongs to the peer that sent it: the tunnel has done so.
// An empty packet is a WireGuard keepalive and passes.
//
// Neither decision allocates, locks or logs. One thread.
#pragma once

#include <array>
#include <string_view>

#include "daemon/filter/flow_table.h"
#include "daemon/filter/packet_view.h"
#include "daemon/filter/rules.h"

namespace aya::filter {

enum class Reason : std::uint8_t {
  // accepted
  Empty,
  OutgoingOk,
  Fragment,   // a later fragment: without its first, which was judged, it is worth nothing
  IcmpReply,  // an echo reply or an error message
  IcmpOk,
  TcpNotSyn,  // belongs to a connection that a judged SYN opened, or is ignored by the host
  TcpOk,
  KnownFlow,
  RuleOk,  // UDP, SCTP
  TsmpOk,
  OtherProtocolOk,
  // dropped
  TooShort,
  UnknownProtocol,  // see PacketView
  Multicast,
  LinkLocal,
  DestinationNotOurs,
  ProtocolNotAllowed,  // a protocol without ports that no rule names
  NoRule,
};
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::NoRule) + 1;

std::string_view to_text(Reason reason);

struct Verdict {
  bool accept = false;
  Reason reason = Reason::NoRule;
};

class Filter {
 public:
  // Takes new rules. Known flows stay, except when shields go up: from then on only what the host
  // opens afterwards is answered. With shields up, `rules` are ignored.
  void set_rules(CompiledRules rules, bool shields_up);
  // Destinations that are ours: own addresses and the subnets routed here.
  void set_local(std::span<const Prefix> local);

  // A sender that may not open anything is treated as if shields were up.
  Verdict in(const PacketView& packet, bool may_open = true);
  Verdict out(const PacketView& packet);
  Verdict in(Bytes packet) { return in(PacketView::parse(packet)); }
  Verdict out(Bytes packet) { return out(PacketView::parse(packet)); }

  const CompiledRules& rules() const { return rules_; }
  bool shields_up() const { return shields_up_; }

  // Verdicts so far by reason.
  std::uint64_t count_in(Reason reason) const { return in_[static_cast<std::size_t>(reason)]; }
  std::uint64_t count_out(Reason reason) const { return out_[static_cast<std::size_t>(reason)]; }
  std::uint64_t count(Reason reason) const { return count_in(reason) + count_out(reason); }

 private:
  Verdict judge_in(const PacketView& packet, const CompiledRules& rules);
  Verdict judge_out(const PacketView& packet);
  bool is_local(const IpAddress& destination) const;

  CompiledRules rules_;
  CompiledRules no_rules_;  // for senders that may not open anything
  PrefixTable<bool> local_;
  FlowTable flows_;
  bool shields_up_ = false;
  std::array<std::uint64_t, kReasonCount> in_{}, out_{};
};

}  // namespace aya::filter
