#include "coord-server/mapper/map_message.h"

#include "proto/control/json_text.h"

namespace aya::mapper {
namespace {

std::size_t size_of(const std::vector<PeerText>& texts) {
  std::size_t size = 32;  // name and brackets
  for (const PeerText& text : texts) size += text->size() + 1;
  return size;
}

// Begins a member of the object that `json` is.
void begin_member(std::string_view name, std::string& json) {
  json.pop_back();
  if (json.back() != '{') json += ',';
  json.append("\"").append(name).append("\":");
}

void add_member(std::string_view name, const std::vector<PeerText>& texts, std::string& json) {
  if (texts.empty()) return;
  begin_member(name, json);
  json += '[';
  for (const PeerText& text : texts) json.append(*text).append(",");
  json.back() = ']';
  json += '}';
}

}  // namespace

std::string MapMessage::to_json() const {
  std::string json = control::encode(rest);
  json.reserve(json.size() + size_of(peers) + size_of(peers_changed) + filters.size() + 32);
  add_member("Peers", peers, json);
  add_member("PeersChanged", peers_changed, json);
  if (!filters.empty()) {
    begin_member("PacketFilters", json);
    json.append(filters).append("}");
  }
  return json;
}

}  // namespace aya::mapper
