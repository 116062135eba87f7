// The relays that nodes are told of, as administrators decide (relay_set.h says what of that
// counts), and the maps of other servers, which are fetched again every day.
//
// Nodes without a relay cannot find each other: whatever would leave none is refused.
//
//   directory.take_due(now)          URLs to be fetched now; what came of it goes to take_fetched()
//
// Changes go to the store first. Pure but for that. One thread.
#pragma once

#include <memory>

#include "coord-server/nodes/registry.h"
#include "coord-server/relays/relay_set.h"

namespace aya::relays {

using store::AuditEntry;
using store::RelayChoice;
using store::RelaySource;
using store::Stored;

// What came of fetching a map: its text.
struct NoMap {
  std::string why;
};
using Fetched = Result<std::string, NoMap>;

class RelayDirectory {
 public:
  static constexpr auto kFetchEvery = std::chrono::hours(24);
  static constexpr auto kFetchAgainAfter = std::chrono::minutes(10);  // where it failed
  static constexpr std::size_t kMostSources = 20;

  // All outlive the directory.
  static Stored<std::unique_ptr<RelayDirectory>> load(
      nodes::Registry& registry, store::Store& storage, const OwnRelay& own);

  const RelaySet& set() const { return set_; }
  // Grows when maps of nodes may be others than before.
  std::uint64_t version() const { return version_; }
  const std::map<std::string, RelaySource, std::less<>>& sources() const { return sources_; }

  // Why something would not do, as people are told.
  struct Refusal {
    bool conflict = false;  // with what there is; otherwise it makes no sense
    std::string why;
  };
  std::optional<Refusal> refuses_entering(const Regions& regions) const;
  std::optional<Refusal> refuses_removing(RegionId id) const;
  std::optional<Refusal> refuses_choice(const RelayChoice& choice) const;
  std::optional<Refusal> refuses_source(std::string_view url) const;
  std::optional<Refusal> refuses_removing_source(std::string_view url) const;

  // Of what is not refused.
  Stored<void> enter(const Regions& regions, const AuditEntry& audit);
  Stored<void> remove(RegionId id, const AuditEntry& audit);
  Stored<void> choose(const RelayChoice& choice, const AuditEntry& audit);
  Stored<void> add_source(const std::string& url, const AuditEntry& audit);
  Stored<void> remove_source(const std::string& url, const AuditEntry& audit);

  // Maps that are to be fetched, each until take_fetched() is told of it.
  std::vector<std::string> take_due(WallTime now);
  std::optional<WallTime> next_due() const;
  void fetch_soon(WallTime now);  // all of them
  // What no node may be told is no map: the one before stays.
  Stored<void> take_fetched(const std::string& url, const Fetched& got, WallTime now);

 private:
  RelayDirectory(nodes::Registry& registry, store::Store& storage, const OwnRelay& own)
      : registry_(registry), storage_(storage) {
    set_.own = own_region(own);
  }
  Stored<void> read();
  void changed();
  // The regions of a map that may be kept, or why none may.
  Result<Regions, std::string> regions_from(const std::string& url, const Fetched& got) const;

  nodes::Registry& registry_;
  store::Store& storage_;
  RelaySet set_;
  std::map<std::string, RelaySource, std::less<>> sources_;
  std::map<std::string, WallTime, std::less<>> due_;  // absent: being fetched
  std::uint64_t version_ = 1;
};

}  // namespace aya::relays
