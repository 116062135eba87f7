#include <chrono>
#include <set>
#include <thread>

#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

constexpr const char* kOneDay = "24h";
// A log is followed by asking again, as REST has no streams; looks overlap, because the time in a
// line is read before it is written.
constexpr auto kFollowEvery = std::chrono::milliseconds(500);
constexpr auto kOverlap = std::chrono::seconds(30);

// Numbers, true and false as such; everything else is a text.
Json value_from(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_number() || value.is_boolean() ? value : Json(text);
}

std::string shown(const Json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump());
}

// "alice", or what a program, a device or the socket calls itself.
std::string who(const Json& line) {
  const Json actor = line.value("actor", Json::object());
  for (const char* name : {"loginName", "id", "displayName", "type"}) {
    const std::string text = text_at(actor, name);
    if (!text.empty()) return printable(text);
  }
  return "-";
}

std::vector<std::string> audit_row(const Json& line) {
  const Json target = line.value("target", Json::object());
  std::string what = text_at(line, "action") + ' ' + text_at(target, "type");
  const std::string property = text_at(target, "property");
  if (!property.empty()) what += ' ' + property;
  std::string change;
  if (const Json before = line.value("old", Json()); !before.is_null()) change = shown(before);
  if (const Json after = line.value("new", Json()); !after.is_null()) {
    change += (change.empty() ? "" : " -> ") + shown(after);
  }
  return {text_at(line, "eventTime"), who(line), what, printable(text_at(target, "name")), change};
}

Result<Json, Failure> audit_lines(const Invocation& call, std::chrono::seconds since) {
  const WallTime now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string query = "start=" + http::percent_encode(to_rfc3339(now - since)) +
                      "&end=" + http::percent_encode(to_rfc3339(now));
  if (call.line.has("actor")) query += "&actor=" + http::percent_encode(call.line.get("actor"));
  auto reply = call.client.call("GET", "/tailnet/-/logging/configuration", "", query);
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "logs");
}

// One line each, as it is written, until somebody ends the program or the server.
Done follow_audit(const Invocation& call, Json lines) {
  std::set<std::string> shown;  // of the last look, which the next one overlaps
  for (;;) {
    std::set<std::string> now;
    for (const Json& line : lines) {
      std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (!shown.contains(text)) {
        std::string row;
        for (const std::string& cell : audit_row(line)) row += (row.empty() ? "" : "  ") + cell;
        print((call.json ? text : row) + '\n');
      }
      now.insert(std::move(text));
    }
    shown = std::move(now);
    std::this_thread::sleep_for(kFollowEvery);
    auto more = audit_lines(call, kOverlap);
    if (!more) return more.error();
    lines = std::move(*more);
  }
}

Done print_settings(const Invocation& call, const std::string& body) {
  const Json settings = parse_json(body);
  if (call.json) {
    print(json_text(settings));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"SETTING", "VALUE"}};
  for (const auto& [name, value] : settings.items()) rows.push_back({name, shown(value)});
  print(table(rows));
  return {};
}

}  // namespace

Done settings_show(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/settings");
  if (!reply) return reply.error();
  return print_settings(call, reply->body);
}

// The server ignores fields it does not know, so a mistyped one is found here.
Done settings_set(const Invocation& call) {
  const std::string& name = call.arguments[0];
  auto known = call.client.call("GET", "/tailnet/-/settings");
  if (!known) return known.error();
  if (!parse_json(known->body).contains(name)) {
    return Failure{
        Exit::Usage, "no setting \"" + printable(name) + "\"; `settings show` lists them"};
  }
  const Json wish = {{name, value_from(call.arguments[1])}};
  auto reply = call.client.call("PATCH", "/tailnet/-/settings", wish.dump());
  if (!reply) return reply.error();
  return print_settings(call, reply->body);
}

Done audit_command(const Invocation& call) {
  const auto since = parse_duration(call.line.get("since", kOneDay));
  if (!since) return Failure{Exit::Usage, "--since wants a duration as 30m, 24h, 90d or 2w"};
  auto lines = audit_lines(call, *since);
  if (!lines) return lines.error();
  if (call.line.has("f")) return follow_audit(call, *lines);
  if (call.json) {
    print(json_text(*lines));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"TIME", "WHO", "WHAT", "TARGET", "CHANGE"}};
  for (const Json& line : *lines) rows.push_back(audit_row(line));
  print(table(rows));
  return {};
}

}  // namespace aya::coord
