// A plan as text for `iptables-restore --noflush`, for hosts without nft and for those whose rules
// are iptables-legacy's. One text per family; each table in it is taken over as a whole. Pure.
//
// The chains are those of nft_script.h under the names ayatori-guard, -mark-in, -mark-out, -input,
// -transit, -clamp and -masq, reached by one commented jump each. Differences: peers are a chain of
// one rule each, entered only by packets from the ranges that peers have; and since a packet's
// origin is not known when it leaves, it gets a mark on its way through (Marks::forwarded).
//
// `saved` is what stands there now: jumps are found again by comment, and never put twice.
#pragma once

#include <optional>
#include <string>

#include "daemon/firewall/iptables_save.h"
#include "daemon/firewall/plan.h"

namespace aya::firewall {

enum class Family : bool { V4, V6 };

// `plan.mode` is not Off.
std::string iptables_tables(const Plan& plan, Family family, const SavedTables& saved);

// Peers only; nullopt: more than that differs, all is to be written again. Empty: nothing differs.
std::optional<std::string> iptables_change(const Plan& have, const Plan& want, Family family);

// Whether everything iptables_tables() writes stands there: chains with their number of rules, and
// the jumps to them.
bool iptables_intact(const Plan& plan, Family family, const SavedTables& saved);

// All of ours but the kill switch. A chain that somebody else's rule jumps to is emptied only.
// Empty: nothing of ours is there.
std::string iptables_removal(const SavedTables& saved);

std::string iptables_kill_switch(const KillSwitch& wanted, Family family, const SavedTables& saved);
std::string iptables_kill_switch_removal(const SavedTables& saved);
bool iptables_is_armed(const SavedTables& saved);

}  // namespace aya::firewall
