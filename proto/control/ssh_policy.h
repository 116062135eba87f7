// Who may log in by SSH, as whom (control 6.10). The first rule that matches wins.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/time.h"
#include "proto/control/json_text.h"
#include "proto/netaddr/endpoint.h"

namespace aya::control {

struct SshPrincipal {  // one of them
  std::string node, node_ip, user_login;
  bool any = false;
  friend bool operator==(const SshPrincipal&, const SshPrincipal&) = default;
};

struct SshRecorderFailureAction {
  std::string reject_session_with_message, terminate_session_with_message, notify_url;
  friend bool operator==(const SshRecorderFailureAction&, const SshRecorderFailureAction&) =
      default;
};

struct SshAction {
  std::string message;
  bool reject = false, accept = false;
  std::int64_t session_duration = 0;  // nanoseconds; 0: no limit
  bool allow_agent_forwarding = false;
  std::string hold_and_delegate;  // URL
  bool allow_local_port_forwarding = false, allow_remote_port_forwarding = false;
  std::vector<Endpoint> recorders;
  std::optional<SshRecorderFailureAction> on_recording_failure;
  friend bool operator==(const SshAction&, const SshAction&) = default;
};

struct SshRule {
  std::optional<WallTime> rule_expires;
  std::vector<SshPrincipal> principals;
  std::map<std::string, std::string> ssh_users;  // requested to local; "*" any, "=" same name
  std::optional<SshAction> action;
  std::vector<std::string> accept_env;
  friend bool operator==(const SshRule&, const SshRule&) = default;
};

struct SshPolicy {
  std::vector<SshRule> rules;
  friend bool operator==(const SshPolicy&, const SshPolicy&) = default;
};

}  // namespace aya::control
