// How `up` comes by an auth key where it was given something else (interfaces 1.2, 3.3): the secret
// of an OAuth client, or a token by which the machine's surroundings vouch for it, for a federated
// identity of the network. Either is traded for access to the server's REST API, and that for a key
// for this one machine.
//
//   tskey-client-…?ephemeral=false&preauthorized=true&baseURL=https://mesh.example
//   k9Fed1CNTRL?ephemeral=false
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"
#include "proto/local/prefs.h"

namespace aya::cli {

struct JoinCredentials {
  std::string client_secret;
  std::string client_id, id_token;
  std::string audience;  // for which to ask the surroundings, where there is no token
};

// `auth_key` itself, unless it is a client's secret, or empty and there are credentials. `next`: as
// what the machine will join.
Result<std::string, Failure> key_to_join_with(
    Context& context, const std::string& auth_key, const JoinCredentials& credentials,
    const local::Prefs& next);

}  // namespace aya::cli
