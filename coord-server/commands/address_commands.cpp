// `node ip`: everything about addresses that one does to devices.
#include <fstream>
#include <iterator>

#include "coord-server/commands/address_file.h"
#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {
namespace {

struct Asked {
  std::string path;
  Json wish = Json::object();
};

Failure misuse(std::string text) { return {Exit::Usage, "node ip: " + std::move(text)}; }

// Nothing is changed by accident: exactly one of the five ways must be meant.
Done check_way(const Invocation& call) {
  int ways = call.arguments.size() == 2 ? 1 : 0;
  for (const char* way : {"swap", "file", "undo", "from-pool"}) ways += call.line.has(way) ? 1 : 0;
  if (ways > 1) return misuse("give one of ADDRESS, --swap, --file, --undo, --from-pool");
  if (call.line.has("file") != call.arguments.empty()) {
    return misuse(
        call.line.has("file") ? "--file says which devices; give no other" : "which device?");
  }
  if (ways == 0) return misuse("which address? ADDRESS, --swap M, --undo or --from-pool");
  return {};
}

const char* family_of(const std::string& address) {
  return address.find(':') == std::string::npos ? "ipv4" : "ipv6";
}

Result<std::string, Failure> contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure{Exit::Failed, "cannot read " + path};
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<Asked, Failure> ask_for_plan(const Invocation& call) {
  const std::string path = call.line.get("file");
  auto text = contents_of(path);
  if (!text) return text.error();
  auto lines = parse_address_file(*text);
  if (!lines) return Failure{lines.error().code, path + ", " + lines.error().text};
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  Asked asked{"/tailnet/-/device-ips"};
  Json& assignments = asked.wish["assignments"] = Json::array();
  for (const PlanLine& line : *lines) {
    auto device = select_node(*devices, line.node);
    if (!device) {
      return Failure{
          device.error().code,
          path + ", line " + std::to_string(line.number) + ": " + device.error().text};
    }
    assignments.push_back(
        {{"nodeId", text_at(*device, "nodeId")}, {family_of(line.address), line.address}});
  }
  return asked;
}

Result<Asked, Failure> ask_for_one(const Invocation& call) {
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  auto device = select_node(*devices, call.arguments[0]);
  if (!device) return device.error();
  Asked asked{node_path(*device) + "/ip"};
  if (call.line.has("undo")) {
    asked.path += "/undo";
  } else if (call.line.has("from-pool")) {
    asked.wish["fromPool"] = true;
  } else if (call.line.has("swap")) {
    auto other = select_node(*devices, call.line.get("swap"));
    if (!other) return other.error();
    asked.wish["swapWith"] = text_at(*other, "nodeId");
  } else {
    asked.wish[family_of(call.arguments[1])] = call.arguments[1];
  }
  return asked;
}

std::string label_from(const std::string& name) {
  return printable(name.substr(0, name.find('.')));
}

// "web1 has 100.80.0.1 (was 100.64.0.3)", and under it what breaks.
std::string told(const Json& reply) {
  const bool dry = flag_at(reply, "dryRun");
  std::string text;
  for (const Json& change : list_at(reply, "changes")) {
    text += label_from(text_at(change, "name")) + (dry ? " would have " : " has ") +
            text_at(change, "new") + (dry ? " (has " : " (was ") + text_at(change, "old") + ")\n";
  }
  if (text.empty()) return "nothing to change\n";
  for (const Json& broken : list_at(reply, "breaks")) {
    text += "  " + printable(text_at(broken, "text")) + '\n';
  }
  return text;
}

}  // namespace

Done node_address(const Invocation& call) {
  if (auto good = check_way(call); !good) return good;
  auto asked = call.line.has("file") ? ask_for_plan(call) : ask_for_one(call);
  if (!asked) return asked.error();
  if (call.line.has("grace")) {
    const auto grace = parse_duration(call.line.get("grace"));
    if (!grace) return misuse("--grace wants a duration as 30m, 24h or 7d");
    asked->wish["graceSeconds"] = grace->count();
  }
  std::string query = "report=true";
  if (call.line.has("force")) query += "&force=true";
  if (call.line.has("dry-run")) query += "&dryRun=true";
  auto reply = call.client.call("POST", asked->path, asked->wish.dump(), query);
  if (!reply) {
    // What the API calls a query is an option here.
    Failure failure = reply.error();
    for (std::size_t at; (at = failure.text.find("?force=true")) != std::string::npos;) {
      failure.text.replace(at, std::string_view("?force=true").size(), "--force");
    }
    return failure;
  }
  const Json body = parse_json(reply->body);
  if (call.json) {
    print(json_text(body));
    return {};
  }
  print(told(body));
  return {};
}

}  // namespace aya::coord
