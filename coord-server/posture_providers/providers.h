// Services that look after machines (interfaces 1.13): what is needed to ask each of them, and of
// which attributes of a device it speaks. How one is asked is in conversation.h. Pure.
#pragma once

#include <string>
#include <string_view>

#include "coord-server/store/posture_integrations.h"

namespace aya::posture_providers {

using store::PostureAccess;

bool is_provider(std::string_view name);
std::string provider_names();  // "falcon, fleet, …", for people

// What is missing, unsuitable or too much for this provider; empty: nothing.
std::string fault_in(std::string_view provider, const PostureAccess& access);

// Is this ("intune:complianceState") an attribute that only this provider sets?
bool speaks_of(std::string_view provider, std::string_view attribute);

}  // namespace aya::posture_providers
