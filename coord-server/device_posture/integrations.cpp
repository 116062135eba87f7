#include "coord-server/device_posture/integrations.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "coord-server/enroll/credential_text.h"

namespace aya::device_posture {
namespace {

using Json = nlohmann::json;
using posture_providers::Conversation;

// Written by us, or by the store.
Json json_of(const std::string& value) { return Json::parse(value, nullptr, false); }

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Stored<std::unique_ptr<Integrations>> Integrations::load(
    nodes::Registry& registry, store::Store& storage, Rng& rng) {
  std::unique_ptr<Integrations> out(new Integrations(registry, storage, rng));
  auto rows = storage.posture_integrations();
  if (!rows) return rows.error();
  for (PostureIntegration& row : *rows) out->entries_[row.id].integration = std::move(row);
  return out;
}

Integrations::Entry* Integrations::find_entry(PostureIntegrationId id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<const PostureIntegration*> Integrations::of(store::AccountId account) const {
  std::vector<const PostureIntegration*> out;
  for (const auto& [id, entry] : entries_) {
    if (entry.integration.account == account) out.push_back(&entry.integration);
  }
  return out;
}

const PostureIntegration* Integrations::find(std::string_view public_id) const {
  for (const auto& [id, entry] : entries_) {
    if (entry.integration.public_id == public_id) return &entry.integration;
  }
  return nullptr;
}

Stored<const PostureIntegration*> Integrations::create(
    PostureIntegration wish, const store::AuditEntry& audit, WallTime now) {
  wish.public_id = 'p' + enroll::random_text(11, rng_) + "CNTRL";
  wish.changed = now;
  store::AuditEntry entry = audit;
  entry.target_id = wish.public_id;
  auto made = storage_.create_posture_integration(std::move(wish), entry);
  if (!made) return made.error();
  Entry& kept = entries_[made->id];
  kept.integration = std::move(*made);
  return &kept.integration;
}

Stored<void> Integrations::change(
    const PostureIntegration& integration, PostureAccess access, const store::AuditEntry& audit,
    WallTime now) {
  PostureIntegration changed = integration;
  changed.access = std::move(access);
  changed.changed = now;
  if (auto stored = storage_.update_posture_integration(changed, audit); !stored) return stored;
  Entry& entry = *find_entry(integration.id);
  entry.integration = std::move(changed);
  entry.talk.reset();
  entry.changed = entry.asked;
  sync_at_once(entry.integration);
  return {};
}

Stored<void> Integrations::remove(
    const PostureIntegration& integration, const store::AuditEntry& audit) {
  const PostureIntegration gone = integration;
  const std::set<store::NodeId> nodes = registry_.nodes_of(gone.account);  // which set() moves
  for (const store::NodeId id : nodes) {
    const nodes::Node& node = *registry_.find(id);
    store::AuditEntry entry = about(node, gone.provider, audit.time);
    entry.origin = audit.origin;
    entry.actor = audit.actor;
    entry.source = audit.source;
    if (auto taken = set(node, without(node, gone.provider), entry); !taken) return taken;
  }
  if (auto stored = storage_.remove_posture_integration(gone.id, audit); !stored) return stored;
  entries_.erase(gone.id);
  return {};
}

void Integrations::sync_at_once(const PostureIntegration& integration) {
  Entry& entry = *find_entry(integration.id);
  entry.went_well_at.reset();
  entry.attempts.try_at_once();
}

// The store has done so.
void Integrations::forget_accounts() {
  std::erase_if(entries_, [&](const auto& entry) {
    return registry_.account(entry.second.integration.account) == nullptr;
  });
}

// When the next question is to be asked.
std::optional<WallTime> Integrations::due(const Entry& entry) const {
  if (entry.asked) return std::nullopt;
  if (entry.talk) return WallTime{};
  const auto busy = std::ranges::count_if(
      entries_, [](const auto& other) { return other.second.talk || other.second.asked; });
  if (static_cast<std::size_t>(busy) >= kMostAtOnce) return std::nullopt;
  const auto next = entry.attempts.next();
  if (!next || !entry.went_well_at) return next;
  return std::max<WallTime>(*next, *entry.went_well_at + kSyncEvery);
}

void Integrations::take_due(WallTime now, std::vector<delivery::Post>& out) {
  forget_accounts();
  for (auto& [id, entry] : entries_) {
    const auto when = due(entry);
    if (!when || *when > now) continue;
    if (!entry.talk) {
      entry.attempts.begin();
      entry.talk.emplace(entry.integration.provider, entry.integration.access);
    }
    entry.asked = true;
    out.push_back({id, entry.talk->question()});
  }
}

std::optional<WallTime> Integrations::next_due() const {
  std::optional<WallTime> next;
  for (const auto& [id, entry] : entries_) {
    const auto when = due(entry);
    if (when && (!next || *when < *next)) next = when;
  }
  return next;
}

Stored<void> Integrations::take_result(
    PostureIntegrationId id, const delivery::Outcome& outcome, WallTime now) {
  forget_accounts();
  Entry* entry = find_entry(id);
  if (entry == nullptr || !entry->asked) return {};
  entry->asked = false;
  if (std::exchange(entry->changed, false)) {
    (void)entry->attempts.end({}, now);
    return {};
  }
  auto progress = entry->talk->take(outcome);
  if (!progress) return end(*entry, progress.error(), now);
  if (*progress == Conversation::Progress::GoesOn) return {};
  entry->known = std::move(*entry->talk).report();
  return end(*entry, {}, now);
}

Stored<void> Integrations::end(Entry& entry, std::string trouble, WallTime now) {
  entry.talk.reset();
  PostureIntegration& integration = entry.integration;
  Stored<void> brought;
  if (trouble.empty()) {
    brought = bring_to_nodes(entry, now);
    if (!brought) trouble = "what it says could not be saved: " + brought.error().to_text();
  }
  integration.synced = now;
  integration.trouble = trouble;
  if (trouble.empty()) entry.went_well_at = now;
  (void)entry.attempts.end(std::move(trouble), now);
  const auto noted = storage_.note_posture_sync(integration);
  return brought ? noted : brought;
}

Stored<void> Integrations::bring_to_nodes(Entry& entry, WallTime now) {
  PostureIntegration& integration = entry.integration;
  const bool wanted = registry_.account(integration.account)->settings.posture_identity;
  integration.hosts = static_cast<std::int64_t>(entry.known->hosts);
  integration.matched = integration.possible = 0;
  const std::set<store::NodeId> nodes = registry_.nodes_of(integration.account);  // as above
  for (const store::NodeId id : nodes) {
    const nodes::Node& node = *registry_.find(id);
    const Match match =
        device_posture::match(node, integration.provider, *entry.known, wanted);
    integration.possible += match.possible ? 1 : 0;
    integration.matched += match.found ? 1 : 0;
    auto stored = set(node, match.changes, about(node, integration.provider, now));
    if (!stored) return stored;
  }
  return {};
}

Stored<void> Integrations::match_again(store::NodeId id, WallTime now) {
  for (auto& [each, entry] : entries_) {
    const nodes::Node& node = *registry_.find(id);
    const PostureIntegration& integration = entry.integration;
    if (!entry.known || integration.account != node.account()) continue;
    const bool wanted = registry_.account(node.account())->settings.posture_identity;
    const Match match =
        device_posture::match(node, integration.provider, *entry.known, wanted);
    auto stored = set(node, match.changes, about(node, integration.provider, now));
    if (!stored) return stored;
  }
  return {};
}

store::AuditEntry Integrations::about(
    const nodes::Node& node, const std::string& provider, WallTime now) const {
  store::AuditEntry out;
  out.account = node.account();
  out.time = now;
  out.origin = "CONTROL";
  out.actor = R"({"type":"AUTOMATED_WORKER"})";
  out.action = "UPDATE";
  out.target_type = "NODE";
  out.target_id = node.record.stable_id;
  out.target_name = registry_.full_name(node);
  out.property = "POSTURE_ATTRIBUTES";
  out.details = "posture integration " + provider;
  return out;
}

Stored<void> Integrations::set(
    const nodes::Node& node, const Changes& to, store::AuditEntry entry) {
  if (to.empty()) return {};
  Json before = Json::object(), after = Json::object();
  for (const auto& [name, attribute] : to) {
    const auto held = node.record.attributes.find(name);
    if (held != node.record.attributes.end()) before[name] = json_of(held->second.value);
    if (attribute) after[name] = json_of(attribute->value);
  }
  entry.old_value = text_of(before);
  entry.new_value = text_of(after);
  return registry_.set_attributes(node.id(), to, entry);
}

}  // namespace aya::device_posture
