// What `up` is going to do, worked out before anything is touched. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/settings.h"

namespace aya::cli {

struct UpOptions {
  std::string auth_key;  // as it goes to the server; empty: a person logs in
  bool reset = false;    // unmentioned settings return to their defaults
  bool force_reauth = false;
  bool any_flag = false;
  bool strict = false;
  // Where another login of this machine is at home: meant where no server is named.
  std::string usual_server, usual_server_cert;
};

struct UpPlan {
  local::Prefs next;
  bool login = false;  // replace all prefs and log in; false: edit the prefs of a known node
};

// Whether this node must log in before it can be up.
bool needs_login(const local::Status& status, const local::Prefs& prefs);

Result<UpPlan, Failure> plan_up(
    const UpOptions& options, const ChosenSettings& chosen, const local::Status& status,
    const local::Prefs& current);

}  // namespace aya::cli
