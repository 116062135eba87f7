// A home router that really maps ports, by whichever protocols it is told to speak, and a mapper on
// its network in virtual time. Faults are switches.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "daemon/portmap/port_mapper.h"
#include "proto/base/endian.h"
#include "tests/support/seeded_rng.h"

namespace aya::portmap {

class FakeGateway final : public Igd {
 public:
  bool pmp = false, pcp = false, upnp = false;
  PmpResult pmp_result = PmpResult::Success;
  PcpResult pcp_result = PcpResult::Success;
  IpAddress address = *IpAddress::parse("192.168.1.1");
  std::string outside = "203.0.113.9";
  std::uint32_t lifetime = 7200;
  TimePoint up_since{};

  std::string location = "http://192.168.1.1:5000/root.xml";
  std::string device = "InternetGatewayDevice:1";
  std::string service = "urn:schemas-upnp-org:service:WANIPConnection:1";
  std::string connection_status = "Connected";
  bool described = true;
  std::string seen_from = "192.168.1.7";
  std::string control_url = "http://192.168.1.1:5000/ctl";
  UpnpError add_error{};  // for every mapping
  UpnpError find_error{};
  bool permanent_only = false;    // 725 for a lease
  int conflicts = 0;              // how many more ports are somebody else's
  bool substitutes_port = false;  // maps to another internal port than asked, once

  struct Mapped {
    std::string client;
    std::uint16_t internal = 0;
    std::uint32_t lease = 0;
    Buffer nonce;
    std::string by;
  };
  std::map<std::uint16_t, Mapped> mapped;  // by external port
  std::vector<std::string> actions;        // UPnP calls, in order

  std::optional<Buffer> answer(Bytes datagram, TimePoint now) {
    if (datagram.size() == 2 || datagram.size() == 12) return answer_pmp(datagram, now);
    return answer_pcp(datagram, now);
  }

  std::string ssdp_answer() const {
    return "HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:" + device +
           "\r\nLocation: " + location + "\r\nServer: Fake/1\r\n\r\n";
  }

  // ---- Igd

  std::optional<Description> describe(const std::string& url) override {
    actions.push_back("describe " + url);
    if (!described) return std::nullopt;
    return Description{seen_from, {{service, control_url}}};
  }
  std::string status(const Service&) override {
    actions.push_back("status");
    return connection_status;
  }
  std::string external_address(const Service&) override {
    actions.push_back("address");
    return outside;
  }
  UpnpError add(const Service& by, const Mapping& mapping) override {
    actions.push_back("add");
    EXPECT_EQ(by.type, service);
    return put_down(mapping.external_port, mapping);
  }
  Added add_any(const Service&, const Mapping& mapping) override {
    actions.push_back("add_any");
    const auto port = static_cast<std::uint16_t>(mapping.external_port ^ 1);  // its own choice
    return {put_down(port, mapping), std::to_string(port)};
  }
  Found find(const Service&, std::uint16_t port) override {
    actions.push_back("find");
    const auto entry = mapped.find(port);
    if (find_error != UpnpError::None) return {find_error, {}, {}};
    if (entry == mapped.end()) return {UpnpError::NoSuchEntry, {}, {}};
    return {UpnpError::None, entry->second.client, std::to_string(entry->second.internal)};
  }
  void remove(const Service&, std::uint16_t port) override {
    actions.push_back("remove");
    mapped.erase(port);
  }

 private:
  std::uint32_t epoch(TimePoint now) const {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now - up_since).count());
  }

  std::uint16_t grant(std::uint16_t wish, Mapped mapping) {
    std::uint16_t port = wish;
    for (const auto& [external, other] : mapped) {
      if (other.internal == mapping.internal && other.by == mapping.by) port = external;
    }
    if (port == 0) port = next_port_++;
    mapped[port] = std::move(mapping);
    return port;
  }

  std::optional<Buffer> answer_pmp(Bytes datagram, TimePoint now) {
    if (!pmp) return std::nullopt;
    const bool map = datagram.size() == 12;
    Buffer out(map ? 16 : 12);
    out[1] = std::byte{map ? std::uint8_t{0x81} : std::uint8_t{0x80}};
    store_be(out.data() + 2, static_cast<std::uint16_t>(pmp_result));
    store_be(out.data() + 4, epoch(now));
    if (!map) {
      copy_bytes(MutableBytes(out).subspan(8), IpAddress::parse(outside)->bytes());
      return out;
    }
    if (pmp_result != PmpResult::Success) return out;
    const auto internal = load_be<std::uint16_t>(datagram.data() + 4);
    const auto wish = load_be<std::uint16_t>(datagram.data() + 6);
    const auto asked = load_be<std::uint32_t>(datagram.data() + 8);
    if (asked == 0) {
      std::erase_if(mapped, [&](const auto& each) { return each.second.internal == internal; });
    }
    const auto granted = std::min(asked, lifetime);
    store_be(out.data() + 8, internal);
    if (asked != 0) store_be(out.data() + 10, grant(wish, {"", internal, granted, {}, "pmp"}));
    store_be(out.data() + 12, granted);
    return out;
  }

  // As strict as RFC 6887 allows: only the holder of the nonce touches a mapping.
  std::optional<Buffer> answer_pcp(Bytes datagram, TimePoint now) {
    if (!pcp) return std::nullopt;
    Buffer out(datagram.begin(), datagram.end());
    out[1] |= std::byte{0x80};
    out[3] = static_cast<std::byte>(pcp_result);
    for (int i = 12; i < 24; ++i) out[static_cast<std::size_t>(i)] = {};
    store_be(out.data() + 8, epoch(now));
    if (datagram.size() != 60 || pcp_result != PcpResult::Success) return out;
    const auto internal = load_be<std::uint16_t>(datagram.data() + 40);
    const auto asked = load_be<std::uint32_t>(datagram.data() + 4);
    const Buffer nonce(datagram.begin() + 24, datagram.begin() + 36);
    for (const auto& [port, other] : mapped) {
      if (other.internal == internal && other.nonce != nonce) {
        out[3] = static_cast<std::byte>(PcpResult::NotAuthorized);
        return out;
      }
    }
    if (asked == 0) {
      std::erase_if(mapped, [&](const auto& each) { return each.second.internal == internal; });
      return out;
    }
    const auto granted = std::min(asked, lifetime);
    store_be(out.data() + 4, granted);
    store_be(
        out.data() + 42,
        grant(load_be<std::uint16_t>(datagram.data() + 42), {"", internal, granted, nonce, "pcp"}));
    copy_bytes(MutableBytes(out).subspan(44), IpAddress::parse(outside)->to_mapped_16());
    return out;
  }

  UpnpError put_down(std::uint16_t port, const Mapping& mapping) {
    EXPECT_GE(mapping.external_port, 1024);
    if (add_error != UpnpError::None) return add_error;
    if (permanent_only && mapping.lease.count() != 0) return UpnpError::OnlyPermanentLeases;
    if (conflicts > 0) {
      --conflicts;
      return UpnpError::Conflict;
    }
    const bool wrong = std::exchange(substitutes_port, false);
    mapped[port] = {
        mapping.internal.address.to_text(),
        wrong ? port : mapping.internal.port,
        mapping.lease.count(),
        {},
        "upnp"};
    return UpnpError::None;
  }

  std::uint16_t next_port_ = 51000;
};

struct PortmapBench {
  PortmapBench() {
    mapper.set_network(network, now, effects);
    mapper.set_local_port(41641, now, effects);
    effects.clear();
  }

  // Carries datagrams and tasks to the gateway and back, a millisecond for each.
  void exchange() {
    while (!effects.send.empty() || effects.ask_upnp || !effects.give_back.empty()) {
      auto out = std::exchange(effects, {});
      changed += out.changed;
      probed += out.probed;
      for (const auto& datagram : out.send) deliver(datagram);
      for (const UpnpHold& hold : out.give_back) give_back(hold, gateway);
      if (out.ask_upnp) tasks.push_back(*out.ask_upnp);
      if (!out.ask_upnp || !gateway_reachable) continue;
      const auto answer = map_by_upnp(*out.ask_upnp, gateway, rng);
      now += 1ms;
      mapper.on_upnp(answer, now, effects);
    }
    changed += std::exchange(effects.changed, false);
    probed += std::exchange(effects.probed, false);
  }

  void deliver(const PortMapper::Datagram& datagram) {
    sent.push_back(datagram.to);
    if (!gateway_reachable) return;
    if (datagram.to.port == kSsdpPort) {
      if (gateway.upnp) {
        const std::string text = gateway.ssdp_answer();
        mapper.receive({gateway.address, 40000}, as_bytes(text), now, effects);
      }
      return;
    }
    EXPECT_EQ(datagram.to, (Endpoint{gateway.address, kGatewayPort}));
    if (const auto answer = gateway.answer(datagram.bytes, now)) {
      mapper.receive({gateway.address, kGatewayPort}, *answer, now, effects);
    }
  }

  void pass(Duration time) {
    exchange();
    const TimePoint end = now + time;
    while (mapper.next_deadline() && *mapper.next_deadline() <= end) {
      now = std::max(now, *mapper.next_deadline());
      mapper.advance(now, effects);
      exchange();
    }
    now = std::max(now, end);
  }

  // One attempt, to its end.
  void want() {
    mapper.want(now, effects);
    pass(6s);
  }
  std::string external() const {
    const auto at = mapper.external(now);
    return at ? at->to_text() : "none";
  }

  test::SeededRng rng;
  TimePoint now{10000s};
  FakeGateway gateway;
  bool gateway_reachable = true;
  PortMapper::Network network{gateway.address, *IpAddress::parse("192.168.1.7")};
  PortMapper::Effects effects;
  PortMapper mapper{rng};
  int changed = 0, probed = 0;
  std::vector<Endpoint> sent;
  std::vector<UpnpTask> tasks;
};

}  // namespace aya::portmap
