// A plan as text for `nft -f -`. A script is one transaction: it takes effect as a whole or not at
// all. Pure.
//
//   table inet ayatori, replaced as a whole when rules change; when only addresses or ports do,
//   elements are added to its sets and deleted from them, and that costs what changed.
//
//   guard     prerouting, before connection tracking: who is not the tunnel may neither reach our
//             overlay addresses nor send as one of our peers (1.5)
//   mark_in   prerouting: answers to our own sockets carry their mark, so that a strict rp_filter
//             looks for their sender on the uplink (1.6). UDP by port, without connection tracking
//   mark_out  output: TCP connections of ours are remembered as marked
//   input     the daemon's own filter has decided already
//   transit   the same for what passes through; towards the tunnel perhaps answers only
//   clamp     no TCP segment larger than the way it goes
//   masq      what leaves the tunnel here leaves under this host's address
#pragma once

#include <optional>
#include <string>

#include "daemon/firewall/plan.h"

namespace aya::firewall {

// The whole table, in place of whatever stood there. `plan.mode` is not Off. `note` goes into the
// table's comment: version and process id.
std::string nft_table(const Plan& plan, std::string_view note);

// Elements only; nullopt: the rules differ, the table is to be replaced. Empty: nothing differs.
std::optional<std::string> nft_change(const Plan& have, const Plan& want);

// Right whether or not it stands there. In NoDivert mode rules of the administrator may jump to our
// chains from chains of his own in our table: those stay, and ours are emptied.
std::string nft_removal();
bool nft_owns_chain(std::string_view name);  // of our table
std::string nft_emptying();

std::string nft_kill_switch(const KillSwitch& wanted);
std::string nft_kill_switch_removal();

}  // namespace aya::firewall
