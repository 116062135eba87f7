#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/base/version.h"

namespace aya::coord {

Done status_command(const Invocation& call) {
  auto reply = call.client.call("GET", "/status");
  if (!reply) return reply.error();
  const Json status = parse_json(reply->body);
  if (call.json) {
    print(json_text(status));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {
      {"Server", text_at(status, "serverUrl")},
      {"Version", text_at(status, "version")},
      {"Users", text_at(status, "users")},
      {"Devices", text_at(status, "devices") + ", connected: " + text_at(status, "connected")},
      {"Relay clients", text_at(status, "relayClients")}};
  const std::string pin = text_at(status, "certificatePin");
  if (!pin.empty()) rows.push_back({"Certificate", pin});
  print(table(rows));
  return {};
}

Done version_command(const Invocation& call) {
  print(
      call.json ? json_text({{"version", std::string(kVersion)}})
                : "ayatori-coord " + std::string(kVersion) + '\n');
  return {};
}

}  // namespace aya::coord
