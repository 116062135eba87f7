// What a query for the list of devices may say: how much of each is shown, and the fields by which
// it can be filtered (interfaces 1.4). Words, as api::Form has them.
#pragma once

namespace aya::resources {

inline constexpr const char* kDeviceQuery =
    "fields addresses advertisedRoutes authorized blocksIncomingConnections clientVersion "
    "connectedToControl created enabledRoutes expires hostname id isEphemeral isExternal "
    "keyExpiryDisabled lastSeen machineKey multipleConnections name nodeId nodeKey os "
    "sshEnabled tags tailnetLockError tailnetLockKey updateAvailable user";

}  // namespace aya::resources
