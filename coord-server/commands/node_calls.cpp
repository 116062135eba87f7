#include "coord-server/commands/node_calls.h"

#include <algorithm>

#include "coord-server/commands/table.h"

namespace aya::coord {

Result<Json, Failure> list_nodes(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/devices", "", "fields=all");
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "devices");
}

Result<Json, Failure> chosen_node(const Invocation& call) {
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  return select_node(*devices, call.arguments[0]);
}

std::string node_path(const Json& device) { return "/device/" + text_at(device, "nodeId"); }

std::string joined(const Json& texts) {
  std::string out;
  for (const Json& text : texts) {
    if (text.is_string()) out += (out.empty() ? "" : "  ") + printable(text.get<std::string>());
  }
  return out;
}

Json words_from(std::string_view text) {
  Json words = Json::array();
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) words.push_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

Json tags_from(std::string_view text) {
  Json tags = words_from(text);
  for (Json& tag : tags) {
    const std::string& said = tag.get_ref<const std::string&>();
    if (!said.starts_with("tag:")) tag = "tag:" + said;
  }
  return tags;
}

}  // namespace aya::coord
