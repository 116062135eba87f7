// The logins of a machine (interfaces 3.6, `switch`): which are kept, which is in use, and what
// they are called. Pure functions over what is remembered; the daemon carries out what follows.
#pragma once

#include <string>
#include <vector>

#include "daemon/state/node_state.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/local/login_profile.h"

namespace aya::app {

local::LoginProfile describe(const state::LoginState& login);
// Those that once succeeded, by name.
std::vector<local::LoginProfile> list_logins(const state::NodeState& state);

// The login in use has succeeded: from now on it has an id and stays.
void keep_login(state::NodeState& state, WallTime now, Rng& rng);

// Puts the login in use aside, if it has an id, and begins a new one. It starts with the default
// settings; whoever may operate the daemon still may.
void begin_login(state::NodeState& state, Rng& rng);
// False: there is no such login. The one in use is put aside like before.
bool enter_login(state::NodeState& state, const std::string& id);
// The login in use becomes a new one; another is dropped.
void remove_login(state::NodeState& state, const std::string& id, Rng& rng);

}  // namespace aya::app
