#include "daemon/app/logins.h"

#include <algorithm>
#include <tuple>

#include "proto/base/hex.h"
#include "proto/local/prefs.h"

namespace aya::app {
namespace {

using state::LoginState;
using state::NodeState;

LoginState& in_use(NodeState& state) { return state; }

local::Prefs prefs_of(const LoginState& login) {
  const auto prefs = local::parse_prefs(login.prefs);
  return prefs ? *prefs : local::Prefs{};
}

std::vector<LoginState>::iterator find_other(NodeState& state, const std::string& id) {
  return std::ranges::find(state.others, id, &LoginState::name_key);
}

LoginState fresh_login(const NodeState& state, Rng& rng) {
  LoginState fresh;
  fresh.machine_key = MachinePrivateKey::generate(rng);
  local::Prefs prefs;
  prefs.operator_user = prefs_of(state).operator_user;
  fresh.prefs = local::to_json_line(prefs);
  return fresh;
}

void put_aside(NodeState& state) {
  if (!state.name_key.empty()) state.others.push_back(in_use(state));
}

}  // namespace

local::LoginProfile describe(const LoginState& login) {
  local::LoginProfile out;
  if (login.name_key.empty()) return out;
  out.id = login.name_key;
  out.name = prefs_of(login).profile_name;
  if (out.name.empty()) out.name = login.profile.login_name;
  out.magic_dns_name = login.network.magic_dns_suffix;
  out.domain_name = login.network.domain;
  out.user = {
      login.profile.user_id, login.profile.login_name, login.profile.display_name,
      login.profile.picture_url};
  out.node_id = login.node_id;
  out.control_url = login.control_url;
  out.created = parse_rfc3339(login.created);
  return out;
}

std::vector<local::LoginProfile> list_logins(const NodeState& state) {
  std::vector<local::LoginProfile> out;
  if (!state.name_key.empty()) out.push_back(describe(state));
  for (const LoginState& other : state.others) out.push_back(describe(other));
  std::ranges::sort(out, {}, [](const auto& p) { return std::tie(p.name, p.id); });
  return out;
}

void keep_login(NodeState& state, WallTime now, Rng& rng) {
  if (!state.name_key.empty()) return;
  do {
    state.name_key = to_hex(rng.array<2>());
  } while (find_other(state, state.name_key) != state.others.end());
  state.created = to_rfc3339(now);
}

void begin_login(NodeState& state, Rng& rng) {
  LoginState fresh = fresh_login(state, rng);
  put_aside(state);
  in_use(state) = std::move(fresh);
}

bool enter_login(NodeState& state, const std::string& id) {
  const auto wanted = find_other(state, id);
  if (wanted == state.others.end()) return state.name_key == id;
  LoginState next = std::move(*wanted);
  state.others.erase(wanted);
  put_aside(state);
  in_use(state) = std::move(next);
  return true;
}

void remove_login(NodeState& state, const std::string& id, Rng& rng) {
  if (state.name_key == id) {
    in_use(state) = fresh_login(state, rng);
  } else if (const auto other = find_other(state, id); other != state.others.end()) {
    state.others.erase(other);
  }
}

}  // namespace aya::app
