// Flow logs: who talked with whom, and how much.
#include <chrono>
#include <functional>
#include <set>
#include <thread>

#include "coord-server/commands/flow_summary.h"
#include "coord-server/commands/node_calls.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

constexpr const char* kUsualTime = "24h";
// What is asked for at once. A busy network may have more in that time than the server gives.
constexpr Duration kPiece = std::chrono::hours(1);
constexpr Duration kShortestPiece = std::chrono::seconds(30);
constexpr int kTooMuch = 400;
// Nodes tell every quarter of a minute, and later what they could not.
constexpr auto kLookEvery = std::chrono::seconds(2);
constexpr auto kLateness = std::chrono::minutes(10);

WallTime clock_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

// Shows every window that began within that time, in order.
Done each_window(
    const Invocation& call, const std::string& node, WallTime from, WallTime to,
    const std::function<void(Json window)>& show) {
  Duration piece = kPiece;
  while (from < to) {
    const WallTime end = std::min<WallTime>(from + piece, to);
    std::string query = "start=" + http::percent_encode(to_rfc3339(from)) +
                        "&end=" + http::percent_encode(to_rfc3339(end));
    if (!node.empty()) query += "&node=" + http::percent_encode(node);
    auto reply = call.client.call("GET", "/tailnet/-/logging/network", "", query);
    if (!reply && reply.error().status == kTooMuch && piece > kShortestPiece) {
      piece /= 2;
      continue;
    }
    if (!reply) return reply.error();
    for (Json& window : list_at(parse_json(reply->body), "logs")) show(std::move(window));
    from = end;
  }
  return {};
}

void print_window(const Invocation& call, const Json& window, const FlowNames& names) {
  if (call.json) {
    print(window.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n');
    return;
  }
  FlowSums sums(names);
  sums.add(window);
  for (const FlowSum& sum : sums.most_first()) {
    print(
        text_at(window, "start") + "  " + sum.node + "  " + sum.with + "  " + sum.what +
        "  sent " + size_text(sum.sent) + "  received " + size_text(sum.received) + '\n');
  }
}

// Each window as it comes, until somebody ends the program or the server. A node has one at a time.
Done follow_flows(const Invocation& call, const std::string& node, WallTime from) {
  std::set<std::pair<std::string, std::string>> before;  // of the last look
  for (;;) {
    auto devices = list_nodes(call);
    if (!devices) return devices.error();
    const FlowNames names(*devices);
    std::set<std::pair<std::string, std::string>> now;
    const auto show = [&](const Json& window) {
      std::pair key(text_at(window, "nodeId"), text_at(window, "start"));
      if (!before.contains(key)) print_window(call, window, names);
      now.insert(std::move(key));
    };
    if (auto shown = each_window(call, node, from, clock_now(), show); !shown) return shown;
    before = std::move(now);
    std::this_thread::sleep_for(kLookEvery);
    from = clock_now() - kLateness;
  }
}

}  // namespace

Done flow_list(const Invocation& call) {
  const auto since = parse_duration(call.line.get("since", kUsualTime));
  if (!since) return Failure{Exit::Usage, "--since wants a duration as 30m, 24h, 90d or 2w"};
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  std::string node;
  if (call.line.has("node")) {
    auto chosen = select_node(*devices, call.line.get("node"));
    if (!chosen) return chosen.error();
    node = text_at(*chosen, "nodeId");
  }
  const WallTime now = clock_now(), from = now - *since;
  if (call.line.has("f")) return follow_flows(call, node, from);
  if (call.json) {
    Json windows = Json::array();
    const auto keep = [&](Json window) { windows.push_back(std::move(window)); };
    if (auto read = each_window(call, node, from, now, keep); !read) return read;
    print(json_text(windows));
    return {};
  }
  const FlowNames names(*devices);
  FlowSums sums(names);
  const auto add = [&](const Json& window) { sums.add(window); };
  if (auto read = each_window(call, node, from, now, add); !read) return read;
  std::vector<std::vector<std::string>> rows = {{"NODE", "WITH", "WHAT", "SENT", "RECEIVED"}};
  for (const FlowSum& sum : sums.most_first()) {
    rows.push_back(
        {sum.node, sum.with, sum.what, size_text(sum.sent), size_text(sum.received)});
  }
  print(table(rows));
  return {};
}

}  // namespace aya::coord
