// Every packet of packet_filter.json against the filter. Where ours is stricter on purpose, the
// rule that says so is written out here (strictly_refused), and the strict verdict is asserted.
#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/filter/filter.h"
#include "tests/daemon/filter/filter_rules_json.h"

namespace aya::filter {
namespace {

using test::Json;

std::string reference_reason(Verdict verdict, const PacketView& packet) {
  switch (verdict.reason) {
    case Reason::Empty:
      return "empty";
    case Reason::OutgoingOk:
      return "ok out";
    case Reason::Fragment:
      return "fragment";
    case Reason::IcmpReply:
      return "icmp response ok";
    case Reason::IcmpOk:
      return "icmp ok";
    case Reason::TcpNotSyn:
      return "tcp non-syn";
    case Reason::TcpOk:
      return "tcp ok";
    case Reason::KnownFlow:
      return "cached";
    case Reason::RuleOk:
      return "ok";
    case Reason::TsmpOk:
      return "tsmp ok";
    case Reason::OtherProtocolOk:
      return "other-portless ok";
    case Reason::TooShort:
      return "too_short";
    case Reason::UnknownProtocol:
      return "unknown_protocol";
    case Reason::Multicast:
      return "multicast";
    case Reason::LinkLocal:
      return "link_local_unicast";
    case Reason::DestinationNotOurs:
      return "destination not allowed";
    case Reason::ProtocolNotAllowed:
      return "unknown-protocol-" + std::to_string(packet.protocol);
    case Reason::NoRule:
      return "no rules matched";
  }
  return "?";
}

unsigned byte_at(Bytes packet, std::size_t index) {
  return index < packet.size() ? static_cast<unsigned>(packet[index]) : 0;
}

bool any_prefix_contains(const Json& prefixes, const IpAddress& address) {
  for (const Json& text : prefixes) {
    if (Prefix::parse(text.get<std::string>())->contains(address)) return true;
  }
  return false;
}

// Ours drops what the reference accepts; these are the kinds, and the names say why.
bool has_impossible_header_length(Bytes packet) {
  return packet.size() >= 20 && byte_at(packet, 0) >> 4 == 4 && (byte_at(packet, 0) & 0xf) < 5;
}
bool is_timestamp_or_mask_reply(Bytes packet) {  // the reference takes ICMP type 18 for an error
  return byte_at(packet, 0) == 0x45 && byte_at(packet, 9) == 1 && byte_at(packet, 20) == 18;
}
bool is_tsmp_in_fragment(Bytes packet) {
  return byte_at(packet, 0) >> 4 == 6 && byte_at(packet, 6) == 44 && byte_at(packet, 40) == 99;
}
// The transport header would lie behind the end that the length field tells.
bool has_header_beyond_its_length(Bytes packet) {
  const bool v4 = byte_at(packet, 0) >> 4 == 4;
  const std::size_t told = v4 ? byte_at(packet, 2) << 8 | byte_at(packet, 3)
                              : 40 + (byte_at(packet, 4) << 8 | byte_at(packet, 5));
  return told < packet.size() && PacketView::parse(packet).protocol == kUnknownProtocol;
}
bool is_later_fragment_to_others(const PacketView& packet, const Json& local) {
  return packet.protocol == kLaterFragment &&
         !any_prefix_contains(local, packet.destination.address);
}
bool has_zone_in_sources(const Json& rules) {
  for (const Json& rule : rules) {
    for (const Json& source : rule.value("SrcIPs", Json::array())) {
      if (source.get<std::string>().find('%') != std::string::npos) return true;
    }
  }
  return false;
}
bool has_capability_sources(const Json& rules) {
  return rules.dump().find("\"cap:") != std::string::npos;
}

bool strictly_refused(const PacketView& packet, const Json& rules, const Json& local, bool in) {
  const Bytes raw = packet.packet;
  return has_impossible_header_length(raw) || has_header_beyond_its_length(raw) ||
         is_tsmp_in_fragment(raw) ||
         (in && (is_timestamp_or_mask_reply(raw) || is_later_fragment_to_others(packet, local) ||
                 has_zone_in_sources(rules) ||
                 // The reference lets a "cap:" source ping any local address; ours, those granted.
                 (has_capability_sources(rules) &&
                  (packet.protocol == kIcmp4 || packet.protocol == kIcmp6))));
}
// The one kind the other way round: ICMPv4 type 12 is an error message (RFC 792).
bool is_parameter_problem(const PacketView& packet) {
  return packet.protocol == kIcmp4 && packet.version == 4 && packet.transport.size() >= 8 &&
         byte_at(packet.transport, 0) == 12;
}

CapabilityHolders holders_of(const Json& test_case) {
  CapabilityHolders holders;
  const Json node_caps = test_case.value("node_caps", Json::object());
  for (const auto& [address, names] : node_caps.items()) {
    for (const Json& name : names) {
      holders[name.get<std::string>()].push_back(IpAddress::parse(address).value());
    }
  }
  return holders;
}

std::vector<Prefix> prefixes_of(const Json& texts) {
  std::vector<Prefix> out;
  for (const Json& text : texts) out.push_back(Prefix::parse(text.get<std::string>()).value());
  return out;
}

void expect_parsed(const Json& parsed, const PacketView& packet) {
  EXPECT_EQ(packet.version, parsed.at("ver").get<int>());
  EXPECT_EQ(packet.protocol, parsed.at("proto").get<int>());
  EXPECT_EQ(packet.protocol != kUnknownProtocol, parsed.contains("src"));
  if (!parsed.contains("src")) return;
  EXPECT_EQ(packet.source.to_text(), parsed.at("src").get<std::string>());
  EXPECT_EQ(packet.destination.to_text(), parsed.at("dst").get<std::string>());
}

class Replay {
 public:
  explicit Replay(const Json& test_case)
      : case_(test_case), rules_(test_case.at("rules")), holders_(holders_of(test_case)) {
    filter_.set_local(prefixes_of(case_.at("local")));
    install(case_.value("shields_up", false));
  }

  void run() {
    for (const Json& step : case_.at("steps")) {
      if (step.contains("set_filter")) {
        rules_ = step["set_filter"].is_null() ? Json::array() : step["set_filter"];
        install(step.value("shields_up", false));
      } else {
        judge(step);
      }
    }
  }
  std::ptrdiff_t problems() const { return problems_; }
  bool refused() const { return refused_; }
  int packets() const { return packets_; }
  int stricter() const { return stricter_; }

 private:
  void install(bool shields_up) {
    CompiledRules compiled = compile(test::filter_rules(rules_), holders_);
    // Protocol numbers that cannot be are reported by us and passed over by the reference.
    problems_ = std::ranges::count_if(compiled.problems(), [](const RuleProblem& problem) {
      return !problem.text.starts_with("protocol:");
    });
    refused_ = compiled.refused();
    filter_.set_rules(std::move(compiled), shields_up);
  }

  void judge(const Json& step) {
    ++packets_;
    const Buffer raw = test::hex(step.at("packet"));
    const PacketView packet = PacketView::parse(raw);
    const bool in = step.at("dir") == "in";
    const Verdict verdict = in ? filter_.in(packet) : filter_.out(packet);
    const bool reference_accepts = step.at("verdict") == "accept";
    SCOPED_TRACE(step.at("packet").get<std::string>() + " " + step.value("note", ""));
    if (reference_accepts && !verdict.accept) {
      EXPECT_TRUE(strictly_refused(packet, rules_, case_.at("local"), in))
          << "reference: " << step.at("reason") << ", ours: " << to_text(verdict.reason);
      ++stricter_;
      return;
    }
    if (!reference_accepts && verdict.accept && is_parameter_problem(packet)) {
      EXPECT_EQ(verdict.reason, Reason::IcmpReply);
      return;
    }
    if (!reference_accepts && !verdict.accept &&
        (has_impossible_header_length(raw) || has_header_beyond_its_length(raw))) {
      return;  // dropped by both, for different reasons
    }
    EXPECT_EQ(verdict.accept, reference_accepts);
    EXPECT_EQ(reference_reason(verdict, packet), step.at("reason").get<std::string>());
    expect_parsed(step.at("parsed"), packet);
  }

  const Json& case_;
  Json rules_;
  CapabilityHolders holders_;
  std::ptrdiff_t problems_ = 0;
  bool refused_ = false;
  Filter filter_;
  int packets_ = 0;
  int stricter_ = 0;
};

TEST(PacketFilterVectors, EveryPacketGetsItsVerdict) {
  int packets = 0, stricter = 0;
  for (const Json& test_case : test::vector_cases("wire", "packet_filter.json", "packets")) {
    SCOPED_TRACE(test_case.at("name").get<std::string>());
    Replay replay(test_case);
    if (test_case.contains("rules_error")) {
      EXPECT_GT(replay.problems(), 0) << test_case["rules_error"];
      EXPECT_EQ(replay.refused(), !test_case.value("rules_usable", true));
    } else if (!has_zone_in_sources(test_case.at("rules"))) {
      EXPECT_EQ(replay.problems(), 0);
    }
    replay.run();
    packets += replay.packets();
    stricter += replay.stricter();
  }
  std::printf(
      "%d packets judged, %d of them more strictly than the reference\n", packets, stricter);
}

TEST(PacketFilterVectors, EveryCapabilityIsGranted) {
  for (const Json& test_case : test::vector_cases("wire", "packet_filter.json", "caps")) {
    SCOPED_TRACE(test_case.at("name").get<std::string>());
    const CompiledRules rules =
        compile(test::filter_rules(test_case.at("rules")), holders_of(test_case));
    const auto granted = rules.capabilities(
        IpAddress::parse(test_case.at("src").get<std::string>()).value(),
        IpAddress::parse(test_case.at("dst").get<std::string>()).value());
    Json got = Json::object();
    for (const auto& [name, values] : granted) {
      got[name] = nullptr;
      for (const control::RawJson& value : values) got[name].push_back(Json::parse(value.text));
    }
    EXPECT_EQ(got, test_case.at("caps"));
  }
}

}  // namespace
}  // namespace aya::filter
