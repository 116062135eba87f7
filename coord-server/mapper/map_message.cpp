#include "coord-server/mapper/map_message.h"

#include "proto/control/json_text.h"

namespace aya::mapper {
namespace {

std::size_t size_of(const std::vector<PeerText>& texts) {
  std::size_t size = 32;  // name and brackets
  for (const PeerText& text : texts) size += text->size() + 1;
  return size;
}

// Adds a member to the object that `json` is.
void add_member(std::string_view name, const std::vector<PeerText>& texts, std::string& json) {
  if (texts.empty()) return;
  json.pop_back();
  if (json.back() != '{') json += ',';
  json.append("\"").append(name).append("\":[");
  for (const PeerText& text : texts) json.append(*text).append(",");
  json.back() = ']';
  json += '}';
}

}  // namespace

std::string MapMessage::to_json() const {
  std::string json = control::encode(rest);
  json.reserve(json.size() + size_of(peers) + size_of(peers_changed));
  add_member("Peers", peers, json);
  add_member("PeersChanged", peers_changed, json);
  return json;
}

}  // namespace aya::mapper
