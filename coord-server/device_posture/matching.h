// Which attributes a node gets from a provider: those of the host whose serial number it has
// (interfaces 1.13). Pure.
//
// Nodes say which machine they are when they connect, and that is kept in memory. So the serial
// number by which a node was matched is kept with its attributes, as their comment: after a restart
// of the server a node that is away is still the machine it was.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/nodes/registry.h"
#include "coord-server/posture_providers/conversation.h"

namespace aya::device_posture {

// As the registry takes them: an absent attribute is taken away.
using Changes = std::map<std::string, std::optional<store::NodeAttribute>>;

// By which this node can be matched, in the order it said them. None: it does not say, or nobody
// has asked it.
std::vector<std::string> serials_of(const nodes::Node& node, std::string_view provider);

struct Match {
  bool possible = false;  // it has a serial number
  bool found = false;     // that the provider knows
  Changes changes;        // of its attributes; without those that are so already
};
// `wanted`: may nodes of this account be asked which machines they are?
Match match(
    const nodes::Node& node, std::string_view provider,
    const posture_providers::Report& report, bool wanted);

// What is left of a provider when there is none any more.
Changes without(const nodes::Node& node, std::string_view provider);

}  // namespace aya::device_posture
