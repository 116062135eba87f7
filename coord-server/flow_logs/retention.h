// How long flow logs are kept: so many days, and of each network so many bytes. What is too old or
// too much is removed a piece at a time, so that nothing else has to wait. Pure but for the store.
// One thread.
#pragma once

#include <optional>

#include "coord-server/store/flow_logs.h"

namespace aya::flow_logs {

class Retention {
 public:
  struct Limits {
    std::chrono::days age{30};
    std::uint64_t bytes = std::uint64_t{1} << 30;  // of each network
    friend bool operator==(const Limits&, const Limits&) = default;
  };
  static constexpr auto kLookEvery = std::chrono::minutes(1);
  static constexpr auto kNextPiece = std::chrono::milliseconds(200);

  Retention(store::FlowLogStore& storage, Limits limits) : storage_(storage), limits_(limits) {}

  // Removes a piece if one is due. The error is for the log, and is tried again.
  store::Stored<void> advance(WallTime now);
  std::optional<WallTime> next_due() const;

 private:
  store::FlowLogStore& storage_;
  Limits limits_;
  WallTime next_{};
};

}  // namespace aya::flow_logs
