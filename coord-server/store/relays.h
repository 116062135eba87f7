// What administrators say about relays, for all networks of the server: regions of their own, other
// servers' maps that are kept up to date, and which of all those count.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

struct RelayRegion {
  RegionId id = 0;
  std::string source;      // the URL of the map it is from; empty: entered by hand
  std::string definition;  // JSON of a region (control 6.9)
  friend bool operator==(const RelayRegion&, const RelayRegion&) = default;
};

// About a region, wherever its definition comes from.
struct RelayChoice {
  RegionId id = 0;
  bool off = false;  // nodes are not told of it
  double score = 1;  // what latency to it is multiplied by
  friend bool operator==(const RelayChoice&, const RelayChoice&) = default;
};

// A map elsewhere.
struct RelaySource {
  std::string url;
  std::optional<WallTime> fetched;  // when the regions kept from it were as they are
  std::string trouble;              // why that was not later; empty: nothing is wrong
  friend bool operator==(const RelaySource&, const RelaySource&) = default;
};

class RelayStore {
 public:
  virtual ~RelayStore() = default;

  virtual Stored<std::vector<RelayRegion>> relay_regions() = 0;
  virtual Stored<std::vector<RelayChoice>> relay_choices() = 0;
  virtual Stored<std::vector<RelaySource>> relay_sources() = 0;

  // Regions entered by hand, each in place of one of the same number.
  virtual Stored<void> put_relay_regions(
      const std::vector<RelayRegion>& regions, const AuditEntry& audit) = 0;
  virtual Stored<void> remove_relay_region(RegionId id, const AuditEntry& audit) = 0;
  virtual Stored<void> set_relay_choice(const RelayChoice& choice, const AuditEntry& audit) = 0;
  // Taken: it is there already.
  virtual Stored<void> add_relay_source(const RelaySource& source, const AuditEntry& audit) = 0;
  // With its regions.
  virtual Stored<void> remove_relay_source(const std::string& url, const AuditEntry& audit) = 0;
  // What became of fetching it. With `regions` those are its regions from now on.
  virtual Stored<void> note_relay_source(
      const RelaySource& source, const std::optional<std::vector<RelayRegion>>& regions) = 0;
};

}  // namespace aya::store
