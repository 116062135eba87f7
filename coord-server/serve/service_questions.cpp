#include "coord-server/serve/service_questions.h"

#include "coord-server/api/json.h"
#include "coord-server/enroll/node_label.h"

namespace aya::serve {
namespace {

using api::Json;

http::Request services_question() {
  http::Request out;
  out.method = "GET";
  out.target = "/vip-services";
  out.headers.add("Host", "c2n");
  return out;
}

// The services it would take connections for now; one that is set up and drained is not among them.
std::optional<std::set<std::string>> offers_in(const http::Response& response) {
  if (response.status != 200) return std::nullopt;
  const Json said = Json::parse(as_text(response.body), nullptr, false);
  if (!said.is_object()) return std::nullopt;
  std::set<std::string> out;
  const auto list = said.find("VIPServices");
  if (list == said.end() || !list->is_array()) return out;
  for (const Json& one : *list) {
    if (!one.is_object() || out.size() == ServiceQuestions::kMostServices) continue;
    const auto name = one.find("Name"), active = one.find("Active");
    if (name == one.end() || !name->is_string()) continue;
    if (active == one.end() || !active->is_boolean() || !active->get<bool>()) continue;
    const std::string& text = name->get_ref<const std::string&>();
    if (enroll::is_label(nodes::label_of_service(text))) out.insert(text);
  }
  return out;
}

}  // namespace

bool ServiceQuestions::wants_to_know(const nodes::Node& node) const {
  const auto known = known_.find(node.id());
  const std::string& hash = node.record.live.hostinfo.services_hash;
  if (known != known_.end()) return known->second != hash;
  return !hash.empty() || !node.hosting.empty();
}

// Whoever changed may have to be asked.
void ServiceQuestions::look_around() {
  const nodes::Version since = std::exchange(seen_, registry_.version());
  if (since == seen_) return;
  for (const auto& [account, record] : registry_.accounts()) {
    for (const nodes::Node* node : registry_.changes_since(account, since).changed) {
      if (wants_to_know(*node)) open_.try_emplace(node->id());
    }
  }
  std::erase_if(known_, [&](const auto& one) { return registry_.find(one.first) == nullptr; });
}

store::Stored<void> ServiceQuestions::advance(TimePoint now, mapper::MapStreams::Effects& out) {
  look_around();
  for (auto at = open_.begin(); at != open_.end();) {
    const nodes::Node* node = registry_.find(at->first);
    Open& open = at->second;
    // Whoever is away is asked when it is back: that changes it.
    if (node == nullptr || (!open.asked && (!node->connected() || !wants_to_know(*node)))) {
      at = open_.erase(at);
      continue;
    }
    ++at;
    if (open.asked || open.next > now) continue;
    open.next = now + kAskAgain;
    open.hash = node->record.live.hostinfo.services_hash;
    if (!open.hash.empty()) {
      open.asked = calls_.ask(node->id(), services_question(), kPatience, now, out);
      continue;
    }
    if (auto stored = registry_.set_offers(node->id(), {}); !stored) return stored;
    known_[node->id()].clear();
    open_.erase(node->id());
  }
  return {};
}

store::Stored<void> ServiceQuestions::note(const NodeCalls::Answer& answer, TimePoint now) {
  const auto at = open_.find(answer.node);
  if (at == open_.end() || at->second.asked != answer.call) return {};
  Open& open = at->second;
  open.asked.reset();
  open.next = now + kAskAgain;
  const auto offers = answer.response ? offers_in(*answer.response) : std::nullopt;
  if (!offers) return {};
  if (auto stored = registry_.set_offers(answer.node, *offers); !stored) return stored;
  known_[answer.node] = open.hash;
  open.next = now;  // it may have changed its mind meanwhile
  return {};
}

std::optional<TimePoint> ServiceQuestions::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, open] : open_) {
    if (!open.asked) next = earlier(next, open.next);
  }
  return next;
}

}  // namespace aya::serve
