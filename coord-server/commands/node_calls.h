// Calls to the server that several verbs about nodes begin with. For .cpp files only, as it hands
// out the API's JSON.
#pragma once

#include "coord-server/commands/node_selector.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

// Every device of the account, with all fields.
Result<Json, Failure> list_nodes(const Invocation& call);
// The one that the first argument names.
Result<Json, Failure> chosen_node(const Invocation& call);

// "/device/nAbc…CNTRL", for AdminClient::call.
std::string node_path(const Json& device);

// The texts of a list, fit for a terminal, with two blanks between them.
std::string joined(const Json& texts);

// "a,b" as a list of texts.
Json words_from(std::string_view text);
// "tag:a,b" as a list of tags; the prefix may be left out.
Json tags_from(std::string_view text);

}  // namespace aya::coord
