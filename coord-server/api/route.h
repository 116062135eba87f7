// A row of the REST API's route table. The table itself is where the handlers are.
#pragma once

#include <span>
#include <string_view>

#include "coord-server/api/api_error.h"

namespace aya::api {

struct AdminContext;

using Handler = Answer<http::Response> (*)(const AdminContext&);

// What an endpoint takes and in what form it answers; for the document about the API.
struct Form {
  const char* answer = "application/json";
  const char* refusal = "Error";  // a schema of the document
  const char* body = "application/json";  // of POST, PUT and PATCH; several, between spaces
  const char* query = "";  // words it understands: "start! end! actor"; with "!" it must have them
};

struct Route {
  const char* method = "";
  const char* pattern = "";  // below /api/v2; "*" is one segment
  const char* scope = "";    // what the caller needs (interfaces 1.3): "dns:read"; empty is nothing
  Handler handler = nullptr;
  bool own_devices = false;  // members may, too, with devices that are theirs
  std::size_t most_body = std::size_t{1} << 20;
  Form form = {};
};

// The scope of what nobody has to be known for; such a handler checks what it gets by itself.
inline constexpr std::string_view kOpenToAll = "-";

using RouteTable = std::span<const Route>;

}  // namespace aya::api
