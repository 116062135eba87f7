#include "daemon/app/server_questions.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "daemon/os/hardware.h"

namespace aya::app {
namespace {

using Json = nlohmann::json;
using localapi::LocalHost;

http::Response json_of(const Json& json) {
  return http::Response::json(200, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

http::Response prefs(const LocalHost& host) {
  return http::Response::json(200, to_json_line(host.prefs()));
}

http::Response net_map(const LocalHost& host) {
  const std::string text = host.net_map().text;
  return http::Response::json(200, "{\"Current\":" + (text.empty() ? "null" : text) + '}');
}

http::Response health(const LocalHost& host) {
  Json warnings = Json::object();
  for (const local::HealthWarning& warning : host.health()) {
    warnings[warning.code] = {
        {"Severity", warning.severity}, {"Title", warning.title}, {"Text", warning.text}};
  }
  return json_of({{"Warnings", warnings}});
}

http::Response metrics(const LocalHost& host) {
  return http::Response::text(200, to_prometheus(host.metrics()));
}

http::Response identity(const LocalHost& host) {
  if (!host.prefs().posture_checking) return json_of({{"PostureDisabled", true}});
  const os::Hardware hardware = os::read_hardware();
  return json_of(
      {{"SerialNumbers", hardware.serial_numbers}, {"IfaceHardwareAddrs", hardware.addresses}});
}

struct Route {
  std::string_view path;
  http::Response (*answer)(const LocalHost&);
};
constexpr std::array kRoutes = {
    Route{"/debug/health", health},         Route{"/debug/metrics", metrics},
    Route{"/debug/netmap", net_map},        Route{"/debug/prefs", prefs},
    Route{"/posture/identity", identity},
};

}  // namespace

http::Response answer_server(const http::Request& question, const LocalHost& host) {
  const auto route = std::ranges::find(kRoutes, question.path(), &Route::path);
  if (route == kRoutes.end()) return http::Response::text(400, "unknown c2n path\n");
  if (question.method != "GET") return http::Response::text(405, "method not allowed\n");
  return route->answer(host);
}

}  // namespace aya::app
