// The policy in force and its checks, as the verbs about policies begin. For .cpp files only, as it
// hands out the API's JSON.
#pragma once

#include "coord-server/commands/json.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

struct PolicyText {
  std::string text;  // with its comments
  std::string etag;
};

Result<PolicyText, Failure> policy_in_force(const Invocation& call);
Result<Json, Failure> policy_versions(const Invocation& call);

// A refusal is the failure. Otherwise what might be a mistake, a line each.
Result<std::vector<std::string>, Failure> check_policy(
    const Invocation& call, const std::string& text);
// Puts it in force, if `etag` (unless empty) still is what it was read with.
Done send_policy(const Invocation& call, const std::string& text, const std::string& etag);

}  // namespace aya::coord
