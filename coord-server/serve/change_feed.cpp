#include "coord-server/serve/change_feed.h"

#include <algorithm>
#include <array>
#include <utility>

#include "coord-server/api/json.h"

namespace aya::serve {
namespace {

using api::Json;

constexpr std::size_t kLinesAtOnce = 500;
constexpr std::string_view kAlive = ": still here\n\n";

std::string notice(std::string_view name, const Json& data) {
  return "event: " + std::string(name) + "\ndata: " + api::text_of(data) + "\n\n";
}

bool is_about_paths_alone(const nodes::Node& node, nodes::Version since) {
  using nodes::Facet;
  return std::ranges::none_of(
      std::array{Facet::Identity, Facet::Routes, Facet::Hostinfo, Facet::Online},
      [&](Facet facet) { return node.changed_since(facet, since); });
}

}  // namespace

std::size_t ChangeFeed::streams_of(store::AccountId account) const {
  const auto found = accounts_.find(account);
  return found == accounts_.end() ? 0 : found->second.streams;
}

bool ChangeFeed::watch(store::AccountId account) {
  if (!accepts_ || streams_.size() >= kMost || streams_of(account) >= kMostOfAccount) return false;
  wanted_ = account;
  return true;
}

bool ChangeFeed::end(mapper::StreamId stream, TimePoint now) {
  accepts_ = false;
  const auto account = std::exchange(wanted_, std::nullopt);
  if (!account) return false;
  if (streams_.empty()) told_line_ = storage_.newest_audit_line();
  const auto [known, fresh] = accounts_.try_emplace(*account);
  if (fresh) known->second.told = registry_.version();
  ++known->second.streams;
  streams_[stream] = {*account, now + kLongest, now + kSayAliveEvery};
  return true;
}

void ChangeFeed::close(mapper::StreamId stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  const auto account = accounts_.find(found->second.account);
  if (--account->second.streams == 0) accounts_.erase(account);
  streams_.erase(found);
}

store::Stored<void> ChangeFeed::advance(TimePoint now, Effects& out) {
  if (streams_.empty()) return {};
  auto lines = audit_news();
  std::map<store::AccountId, std::string> news;
  if (lines) news = std::move(*lines);
  for (auto& [id, account] : accounts_) {
    const nodes::Version since = std::exchange(account.told, registry_.version());
    if (since != account.told) news[id] = news_of(id, since) + news[id];
  }
  std::vector<mapper::StreamId> over;
  for (auto& [id, stream] : streams_) {
    std::string text;
    if (!std::exchange(stream.greeted, true)) text = greeting();
    if (const auto found = news.find(stream.account); found != news.end()) text += found->second;
    if (text.empty() && stream.alive_at <= now) text = kAlive;
    if (!text.empty()) {
      stream.alive_at = now + kSayAliveEvery;
      out.texts.push_back({id, std::move(text)});
    }
    if (stream.ends <= now || registry_.account(stream.account) == nullptr) over.push_back(id);
  }
  for (const mapper::StreamId id : over) {
    out.ended.push_back(id);
    close(id);
  }
  if (!lines) return lines.error();
  return {};
}

std::string ChangeFeed::greeting() const {
  return "retry: 2000\n" + notice("hello", {{"version", registry_.version()}});
}

std::string ChangeFeed::news_of(store::AccountId account, nodes::Version since) const {
  std::string out;
  const auto changes = registry_.changes_since(account, since);
  // More was removed than anybody remembers.
  if (!changes.complete) out += notice("hello", {{"version", registry_.version()}});
  for (const nodes::Node* node : changes.changed) {
    const char* kind = is_about_paths_alone(*node, since) ? "path" : "device";
    out += notice(kind, {{"id", node->record.stable_id}, {"version", node->last_change}});
  }
  for (const store::NodeId id : changes.removed) {
    const nodes::NodeRecord* record = registry_.removed_record(id);
    if (record == nullptr) continue;
    out += notice(
        "device",
        {{"id", record->stable_id}, {"version", registry_.version()}, {"removed", true}});
  }
  if (const auto version = registry_.policy_changed(account); version > since) {
    out += notice("policy", {{"version", version}});
  }
  if (const auto version = registry_.dns_changed(account); version > since) {
    out += notice("dns", {{"version", version}});
  }
  return out;
}

store::Stored<std::map<store::AccountId, std::string>> ChangeFeed::audit_news() {
  std::map<store::AccountId, std::string> out;
  while (told_line_ < storage_.newest_audit_line()) {
    auto lines = storage_.audit_after(told_line_, kLinesAtOnce);
    if (!lines) return lines.error();
    if (lines->empty()) break;
    for (const store::AuditLine& line : *lines) {
      if (!accounts_.contains(line.entry.account)) continue;
      out[line.entry.account] += notice("audit", {{"line", line.number}});
    }
    told_line_ = lines->back().number;
  }
  return out;
}

std::optional<TimePoint> ChangeFeed::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, stream] : streams_) {
    // One that was opened just now is greeted at once.
    if (!stream.greeted) return TimePoint{};
    next = earlier(next, std::min(stream.alive_at, stream.ends));
  }
  return next;
}

}  // namespace aya::serve
