// From whatever a machine calls itself to a DNS label, the first part of its name in the network
// (control T-18). Every host name gives a label, so that none can break the maps of others; the
// host name itself stays in the node's host info for people to see.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace aya::enroll {

// "Bob's Laptop.local" -> "bobs-laptop", "リビングの箱" -> "xn--u9j3g3dwdzb8213f", which people
// reach by typing the former. What DNS has no form for is left out: "📱" -> "node".
std::string label_from_host_name(std::string_view host_name);

// 1 to 63 of a-z, 0-9 and inner hyphens.
bool is_label(std::string_view text);

// The label itself, or with "-1", "-2", … behind it; shortened where that would be too long. The
// number goes behind what people read.
std::string unused_label(
    const std::string& wanted, const std::function<bool(std::string_view)>& is_taken);

// Whether a label is `wanted`, or one that unused_label() could have made of it.
bool is_label_for(std::string_view wanted, std::string_view label);

}  // namespace aya::enroll
