// The daemon's configuration file (interfaces 3.11): tailscaled's "alpha0" fields, so that files
// written for it work, in JSON with comments and trailing commas. Field names match in any case.
//
//   {"version": "alpha0", "ServerURL": "https://mesh.example.org", "AuthKey": "file:/etc/key",
//    "AdvertiseRoutes": ["192.168.1.0/24"],  /* what is not named stays as it is */ }
//
// ServerCertPin is ours.
#pragma once

#include <string>
#include <string_view>

#include "proto/base/result.h"
#include "proto/local/prefs.h"

namespace aya::local {

struct ConfigFile {
  bool locked = true;    // settings are changed in the file alone
  std::string auth_key;  // "file:PATH": it is in that file
  MaskedPrefs edit;      // of the settings that are named
};

// The error is a sentence for a person. Unknown fields are refused: a typing error must not pass
// for a setting.
Result<ConfigFile, std::string> parse_config_file(std::string_view text);

}  // namespace aya::local
