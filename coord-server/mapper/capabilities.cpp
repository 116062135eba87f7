#include "coord-server/mapper/capabilities.h"

#include <nlohmann/json.hpp>

#include <array>

#include "proto/control/flow_report.h"

namespace aya::mapper {
namespace {

// For everyone.
constexpr std::array kSwitchedOn = {
    "https://tailscale.com/cap/file-sharing",
    "https://tailscale.com/cap/ssh",
    "magicdns-aaaa",
    // Choosing an exit node is offered, and may be left to the client.
    "suggest-exit-node-ui",
    "auto-exit-node",
    // A node that starts while this server is away still finds its peers.
    "cache-network-maps",
    // Its probes go to hosts of the hosted service, which are nothing to us.
    "disable-captive-portal-detection",
};

// A policy that says the first does not get the second.
struct Opposite {
  const char* says;
  const char* instead_of;
};
constexpr std::array kOpposites = {
    Opposite{"disable-cache-network-maps", "cache-network-maps"},
};

// A client that is told of the first and does not send its logs away turns itself off; the second
// promises signatures that nobody here makes (control 8.2). The third is up to the settings.
constexpr std::array kNever = {
    "https://tailscale.com/cap/data-plane-audit-logs",
    "https://tailscale.com/cap/tailnet-lock",
    control::kFlowLogsCapability,
};

using Json = nlohmann::json;

Json addresses_of(const store::Service& service) {
  return {service.ipv4.to_text(), service.ipv6.to_text()};
}

}  // namespace

control::CapMap self_capabilities(control::CapMap attributes) {
  control::CapMap caps = std::move(attributes);
  for (const char* name : kNever) caps.erase(name);
  for (const char* name : kSwitchedOn) caps.try_emplace(name);
  caps.try_emplace("default-auto-update", std::vector{control::RawJson{"false"}});
  for (const Opposite& opposite : kOpposites) {
    if (caps.contains(opposite.says)) caps.erase(opposite.instead_of);
  }
  return caps;
}

control::RawJson hosted_services(const std::vector<const store::Service*>& services) {
  Json out = Json::object();
  for (const store::Service* service : services) out[service->name] = addresses_of(*service);
  return {out.dump()};
}

control::RawJson service_details(const store::Service& service) {
  Json ports = Json::array();
  for (const std::string& port : service.ports) {
    // What is no port would make the whole unreadable to clients.
    if (port.find(':') != std::string::npos) ports.push_back(port);
  }
  return {Json{{"Name", service.name}, {"Addrs", addresses_of(service)}, {"Ports", ports}}.dump()};
}

}  // namespace aya::mapper
