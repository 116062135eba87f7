// What nodes tell of their traffic (proto/control/flow_report.h), while the network's settings want
// to know: each machine for a node of its own, and not more often than the network can be kept up
// with. Pure but for the store. One thread.
#pragma once

#include <array>

#include "coord-server/api/rate_limit.h"
#include "coord-server/nodes/registry.h"
#include "proto/http/message.h"
#include "proto/keys/public_key.h"

namespace aya::serve {

class FlowReports {
 public:
  // Nodes of ours tell every 15 s, and faster for a while after they could not.
  static constexpr api::RateLimit::Rate kRate{0.2, 30};

  // Both outlive this.
  FlowReports(const nodes::Registry& registry, store::Store& storage)
      : registry_(registry), storage_(storage) {}

  http::Response take(
      const http::Request& request, const MachinePublicKey& machine, WallTime now);

  enum class End { Stored, Off, Bad, TooOften, Failed };
  static constexpr std::size_t kEnds = 5;
  static const char* to_text(End end);
  std::uint64_t count(End end) const { return ends_[static_cast<std::size_t>(end)]; }
  std::uint64_t windows() const { return windows_; }  // that are stored

 private:
  http::Response end(End how, int status, std::string_view text);

  const nodes::Registry& registry_;
  store::Store& storage_;
  api::RateLimit rate_{kRate};
  std::array<std::uint64_t, kEnds> ends_{};
  std::uint64_t windows_ = 0;
};

}  // namespace aya::serve
