// Machines that can count their traffic, and tell of it.
#pragma once

#include "proto/control/flow_report.h"
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {

template <class Base>
class FlowBench : public Base {
 protected:
  // Announces that it counts, on a new map stream or beside the one it has.
  void announce(Machine& m) {
    control::MapRequest request = this->map_request(m);
    control::set_counts_flows(*request.hostinfo, true);
    request.stream = !m.stream;
    request.omit_peers = m.stream.has_value();
    EXPECT_EQ(this->send_map(m, request), 200);
  }
  Machine& counting(const std::string& name) {
    Machine& m = this->machine(name);
    EXPECT_EQ(
        this->send_register(m, this->register_request(m, this->auth_key())).error, "");
    announce(m);
    return m;
  }
  void switch_logging(bool on) {
    this->api("PATCH", "/api/v2/tailnet/-/settings", {{"networkFlowLoggingOn", on}});
    EXPECT_EQ(this->reply.status, 200);
    this->advance(std::chrono::seconds(1));
  }
  static bool counts(const Machine& m) {
    return m.state.netmap.self.cap_map.contains(control::kFlowLogsCapability);
  }

  // A window of five seconds that ends now.
  control::FlowWindow window(std::uint64_t bytes = 1200) {
    control::FlowWindow out;
    out.start = this->wall - std::chrono::seconds(5);
    out.end = this->wall;
    out.mesh = {
        {6, *Endpoint::parse("100.64.0.11:40000"), *Endpoint::parse("100.64.0.12:5432"),
         {10, bytes, 8, 9000}}};
    return out;
  }
  MachineAnswer tell(
      const Machine& from, std::uint64_t first, std::vector<control::FlowWindow> windows) {
    control::FlowReport report{from.key, "a1", first, std::move(windows)};
    return this->send(from, control::kFlowReportPath, control::encode(report));
  }
  int told(const Machine& from, std::uint64_t first, std::vector<control::FlowWindow> windows) {
    return tell(from, first, std::move(windows)).response.status;
  }
};

}  // namespace aya::serve
