// A row of the REST API's route table. The table itself is where the handlers are.
#pragma once

#include <span>

#include "coord-server/api/api_error.h"

namespace aya::api {

struct AdminContext;

using Handler = Answer<http::Response> (*)(const AdminContext&);

struct Route {
  const char* method;
  const char* pattern;  // below /api/v2; "*" is one segment
  const char* scope;    // what the caller needs (interfaces 1.3): "dns:read"; empty is nothing
  Handler handler;
};

// Endpoints of the API that are known and not there (interfaces 1.13): 501 tells a tool that it
// asked for the right thing.
struct NotYet {
  const char* pattern;
  const char* what;  // "services are"
};

struct RouteTable {
  std::span<const Route> routes;
  std::span<const NotYet> not_yet;
};

}  // namespace aya::api
