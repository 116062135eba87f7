// The body of POST start (interfaces 4.2): new prefs, and perhaps a key to log in with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/local/prefs.h"

namespace aya::local {

struct StartRequest {
  std::optional<Prefs> update_prefs;  // replaces all prefs
  std::string auth_key;
};

std::string to_json(const StartRequest& request);
// The error is a sentence for a person.
Result<StartRequest, std::string> parse_start_request(std::string_view json);

}  // namespace aya::local
