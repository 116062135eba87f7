// What a federated identity is known by, in bodies of requests and answers (interfaces 1.7). For
// .cpp files only.
#pragma once

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {

// Of the client `public_id`, for whom the audience stands that the body does not name.
Answer<store::Federation> read_federation(
    const Json& body, const store::Account& account, const std::string& public_id);

// Its members, added to those of a key.
void show_federation(const store::Federation& federation, Json& key);

}  // namespace aya::resources
