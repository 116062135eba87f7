// Which relays there are and which of them count. Four may have a say about a region; the first of
// these wins: the policy of a network, for that network alone; what an administrator entered; this
// server's own relay, region 900; maps of other servers. Any region may be turned off, and any may
// be made to look nearer or farther than it is.
//
// A plain value: to see what a change would do, change a copy.
#pragma once

#include <string>
#include <vector>

#include "coord-server/relays/own_relay.h"
#include "coord-server/relays/relay_text.h"
#include "coord-server/store/relays.h"

namespace aya::relays {

struct RelaySet {
  control::DerpRegion own;
  Regions by_hand;
  std::map<std::string, Regions, std::less<>> fetched;  // by URL
  std::map<RegionId, store::RelayChoice> choices;

  // All there are, also those that do not count.
  struct Entry {
    control::DerpRegion region;
    std::string source;     // a URL, or empty
    bool built_in = false;  // this server's own
    bool hidden = false;    // by one of the same number with more say
    bool off = false;
    double score = 1;
  };
  std::vector<Entry> entries() const;  // by number, those with more say first
  store::RelayChoice choice(RegionId id) const;
  bool has_relay() const;

  // What a node of a network is told whose policy says `overlay` about relays.
  control::DerpMap map_with(const Overlay& overlay) const;

 private:
  Regions in_force() const;
};

}  // namespace aya::relays
