// The device object of the REST API (interfaces 1.4). For .cpp files only.
#pragma once

#include <map>
#include <string>

#include "coord-server/nodes/registry.h"
#include "coord-server/api/json.h"
#include "proto/http/target.h"

namespace aya::resources {

using api::Answer;
using api::Json;

enum class DeviceFields { Default, All };

// What people call the regions of relays. One without a name is shown by its number.
using RegionNames = std::map<RegionId, std::string>;

Json routes_json(const std::vector<Prefix>& routes);

Json device_json(
    const nodes::Registry& registry, const nodes::Node& node, DeviceFields fields,
    const RegionNames& regions = {});

// One of another account, as `viewer` knows it: nothing of its inside.
Json external_device_json(
    const nodes::Registry& registry, const nodes::Node& node, store::AccountId viewer,
    DeviceFields fields);

// The filters of a list request: "<field>=<value>", all of which must hold. A list field holds when
// it contains the value; "name" also matches the first label alone.
Answer<bool> device_matches(
    const nodes::Registry& registry, const nodes::Node& node,
    const std::vector<http::QueryField>& filters);
// Refuses fields that devices do not have; the same for every device, so asked once.
Answer<void> check_filters(const std::vector<http::QueryField>& filters);

}  // namespace aya::resources
