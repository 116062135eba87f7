// OAuth clients as keys of their own kind, and federated identities, which are clients too: they
// only prove themselves otherwise (interfaces 1.3, 1.7). For .cpp files only.
#pragma once

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {

Json client_json(const store::OAuthClient& client);

Answer<http::Response> create_client(
    const AdminContext& c, const Json& body, store::AccountId account);
Answer<http::Response> create_identity(
    const AdminContext& c, const Json& body, store::AccountId account);
// Replaces scopes, tags and description, and of an identity what it is known by.
Answer<http::Response> replace_client(
    const AdminContext& c, const Json& body, const store::OAuthClient& client);

// "", or words a person can type: what keys of every kind may be described by.
Answer<std::string> read_description(const Json& body);

}  // namespace aya::resources
