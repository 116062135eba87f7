// The policy rules of the overlay, for both families (os-integration 1.3). Private to daemon/os.
//
//   base+10, +20, +30   the daemon's own packets (marks.h): main, default, else unreachable; what
//                       carries the tunnel never falls into the tunnel
//   base+50             all else asks our table before the host's
//
// The base is 5400, and 1300 where mwan3 has its rules at 1001..3000: they would be asked first.
#pragma once

#include "daemon/os/marks.h"
#include "daemon/os/netlink.h"

namespace aya::os {

// A rule as the kernel lists it.
struct ListedRule {
  std::uint8_t family = 0;
  std::uint32_t preference = 0;
  std::uint32_t table = 0;
  std::uint8_t action = 0;
  std::uint32_t mark = 0, mask = 0;
  std::uint8_t protocol = 0;  // 0 on kernels that do not keep it

  bool is_ours() const;
  bool is_mwan3() const;
};
ListedRule read_rule(const NetlinkView& entry);

// An error with code EOPNOTSUPP: a kernel without policy routing.
Result<std::vector<ListedRule>, OsError> list_rules(NetlinkSocket& netlink);

// Adds the rules that are missing, and takes away those of ours that stand elsewhere or twice.
// How many were missing.
Result<unsigned, OsError> put_rules(NetlinkSocket& netlink, const BypassMark& mark);

Result<void, OsError> remove_rules(NetlinkSocket& netlink);

}  // namespace aya::os
