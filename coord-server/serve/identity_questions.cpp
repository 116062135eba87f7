#include "coord-server/serve/identity_questions.h"

#include <algorithm>

#include "coord-server/api/json.h"

namespace aya::serve {
namespace {

using api::Json;

constexpr std::size_t kMostTexts = 32;
constexpr std::size_t kLongestText = 100;

std::vector<std::string> texts_at(const Json& object, const char* name) {
  std::vector<std::string> out;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return out;
  for (const Json& text : *found) {
    if (!text.is_string() || out.size() == kMostTexts) continue;
    out.push_back(text.get<std::string>().substr(0, kLongestText));
  }
  return out;
}

std::optional<nodes::HardwareIdentity> identity_from(const http::Response& response) {
  if (response.status != 200) return std::nullopt;
  const Json said = Json::parse(as_text(response.body), nullptr, false);
  if (!said.is_object()) return std::nullopt;
  nodes::HardwareIdentity out;
  const auto disabled = said.find("PostureDisabled");
  out.disabled = disabled != said.end() && disabled->is_boolean() && disabled->get<bool>();
  if (out.disabled) return out;
  out.serial_numbers = texts_at(said, "SerialNumbers");
  out.hardware_addresses = texts_at(said, "IfaceHardwareAddrs");
  return out;
}

http::Request question() {
  http::Request out;
  out.method = "GET";
  out.target = "/posture/identity?hwaddrs=true";
  out.headers.add("Host", "c2n");
  return out;
}

}  // namespace

void IdentityQuestions::advance(TimePoint now, mapper::MapStreams::Effects& out) {
  if (look_at_ && *look_at_ > now) return;
  std::map<store::NodeId, Turn> seen;
  bool wanted = false;
  std::size_t under_way = 0;
  for (const auto& [account, record] : registry_.accounts()) {
    for (const store::NodeId id : registry_.nodes_of(account)) {
      if (!record.settings.posture_identity) {
        registry_.set_hardware(id, std::nullopt);
        continue;
      }
      wanted = true;
      const auto stream = streams_.stream_of(id);
      if (!stream) continue;
      const auto known = turns_.find(id);
      const bool same = known != turns_.end() && known->second.stream == *stream;
      Turn& turn = seen[id] = same ? std::move(known->second) : Turn{*stream};
      if (!turn.asked && turn.next <= now && under_way < kMostAtOnce) {
        turn.asked = calls_.ask(id, question(), kPatience, now, out);
      }
      if (turn.asked) ++under_way;
    }
  }
  turns_ = std::move(seen);
  look_at_.reset();
  if (wanted) look_at_ = now + kLookEvery;
}

void IdentityQuestions::note(const NodeCalls::Answer& answer, TimePoint now) {
  const auto found = turns_.find(answer.node);
  if (found == turns_.end() || found->second.asked != answer.call) return;
  Turn& turn = found->second;
  turn.asked.reset();
  auto identity = answer.response ? identity_from(*answer.response) : std::nullopt;
  turn.next = now + (identity && !identity->disabled ? kAskEvery : kAskAgain);
  if (identity) registry_.set_hardware(answer.node, std::move(identity));
}

}  // namespace aya::serve
