// The audit log: who changed what, and whether it still says what was written.
#include <chrono>
#include <set>
#include <thread>

#include "coord-server/commands/json.h"
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
  for (const char* name : {"actor", "target", "event"}) {
    if (!call.line.has(name)) continue;
    query += '&' + std::string(name) + '=' + http::percent_encode(call.line.get(name));
  }
  auto reply = call.client.call("GET", "/tailnet/-/logging/configuration", "", query);
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "logs");
}

// One line each, as it is written, until somebody ends the program or the server.
Done follow_audit(const Invocation& call, Json lines) {
  std::set<std::string> before;  // of the last look, which the next one overlaps
  for (;;) {
    std::set<std::string> now;
    for (const Json& line : lines) {
      std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
      if (!before.contains(text)) {
        std::string row;
        for (const std::string& cell : audit_row(line)) row += (row.empty() ? "" : "  ") + cell;
        print((call.json ? text : row) + '\n');
      }
      now.insert(std::move(text));
    }
    before = std::move(now);
    std::this_thread::sleep_for(kFollowEvery);
    auto more = audit_lines(call, kOverlap);
    if (!more) return more.error();
    lines = std::move(*more);
  }
}

// What a person is to make of a fault.
std::string fault_text(const Json& fault) {
  const std::string kind = text_at(fault, "kind"), line = "line " + text_at(fault, "line");
  if (kind == "changed") return line + " does not say what was written";
  if (kind == "cutOff") return "lines behind " + line + " are gone";
  return line + " does not follow the one before it: lines were removed, put in or moved";
}

// The whole log of one account. The server looks at it in pieces, and works on in between.
Result<Json, Failure> verify_account(const Invocation& call, const std::string& account) {
  Json out = {{"account", account}, {"lines", 0}, {"faults", Json::array()}};
  const std::string target =
      "/tailnet/" + http::percent_encode(account) + "/logging/configuration/verify";
  for (std::string query;;) {
    auto reply = call.client.call("GET", target, "", query);
    if (!reply) return reply.error();
    const Json piece = parse_json(reply->body);
    out["lines"] = out["lines"].get<std::int64_t>() + piece.value("lines", std::int64_t{0});
    out["hash"] = text_at(piece, "hash");
    for (const Json& fault : list_at(piece, "faults")) out["faults"].push_back(fault);
    const std::string next = text_at(piece, "nextCursor");
    if (next.empty()) break;
    query = "cursor=" + http::percent_encode(next);
  }
  out["holds"] = out["faults"].empty();
  return out;
}

Result<std::vector<std::string>, Failure> accounts_meant(const Invocation& call) {
  if (call.line.has("account")) return std::vector{call.line.get("account")};
  auto reply = call.client.call("GET", "/accounts");
  if (!reply) return reply.error();
  std::vector<std::string> out;
  for (const Json& account : list_at(parse_json(reply->body), "accounts")) {
    out.push_back(text_at(account, "name"));
  }
  return out;
}

}  // namespace

Done audit_list(const Invocation& call) {
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

Done audit_verify(const Invocation& call) {
  auto accounts = accounts_meant(call);
  if (!accounts) return accounts.error();
  Json all = Json::array();
  std::size_t broken = 0;
  for (const std::string& account : *accounts) {
    auto verified = verify_account(call, account);
    if (!verified) return verified.error();
    broken += verified->at("holds") ? 0 : 1;
    all.push_back(std::move(*verified));
  }
  if (call.json) print(json_text({{"holds", broken == 0}, {"accounts", all}}));
  for (const Json& one : call.json ? Json::array() : all) {
    const std::string name = printable(text_at(one, "account"));
    print(
        name + ": " + text_at(one, "lines") + " lines, the newest with hash " +
        text_at(one, "hash") + (one.at("holds") ? ", hold\n" : "\n"));
    for (const Json& fault : one.at("faults")) print("  " + fault_text(fault) + '\n');
  }
  if (broken == 0) return {};
  return Failure{
      Exit::Failed, "the audit log of " + std::to_string(broken) + " of " +
                        std::to_string(all.size()) + " networks is not what was written"};
}

}  // namespace aya::coord
