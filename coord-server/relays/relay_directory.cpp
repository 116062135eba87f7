#include "coord-server/relays/relay_directory.h"

#include "proto/control/json_text.h"
#include "proto/http/target.h"

namespace aya::relays {
namespace {

using store::RelayRegion;
using Refusal = RelayDirectory::Refusal;

constexpr const char* kLastRelay =
    "nodes would have no relay left, and could not find each other; add another one first";

std::vector<RelayRegion> rows_of(const Regions& regions, const std::string& source) {
  std::vector<RelayRegion> out;
  for (const auto& [id, region] : regions) out.push_back({id, source, control::encode(region)});
  return out;
}

std::optional<Refusal> last_relay(const RelaySet& after) {
  return after.has_relay() ? std::nullopt : std::optional(Refusal{true, kLastRelay});
}

}  // namespace

Stored<std::unique_ptr<RelayDirectory>> RelayDirectory::load(
    nodes::Registry& registry, store::Store& storage, const OwnRelay& own) {
  std::unique_ptr<RelayDirectory> directory(new RelayDirectory(registry, storage, own));
  if (auto read = directory->read(); !read) return read.error();
  return directory;
}

Stored<void> RelayDirectory::read() {
  auto sources = storage_.relay_sources();
  if (!sources) return sources.error();
  for (RelaySource& source : *sources) {
    due_[source.url] = source.fetched ? *source.fetched + kFetchEvery : WallTime();
    sources_.emplace(source.url, std::move(source));
  }
  auto choices = storage_.relay_choices();
  if (!choices) return choices.error();
  for (const RelayChoice& choice : *choices) set_.choices.emplace(choice.id, choice);
  auto regions = storage_.relay_regions();
  if (!regions) return regions.error();
  for (const RelayRegion& row : *regions) {
    auto region = read_region(row.id, row.definition);
    if (!region) return store::StoreError{store::StoreError::Kind::Damaged, region.error()};
    auto& into = row.source.empty() ? set_.by_hand : set_.fetched[row.source];
    into.emplace(row.id, std::move(*region));
  }
  return {};
}

void RelayDirectory::changed() {
  ++version_;
  registry_.note_change();
}

std::optional<Refusal> RelayDirectory::refuses_entering(const Regions& regions) const {
  if (regions.empty()) return Refusal{false, "the map has no regions"};
  if (regions.contains(kOwnRegion)) {
    return Refusal{
        true, "region 900 is this server's own relay; choose another number, or turn that one off"};
  }
  Regions all = set_.by_hand;
  for (const auto& [id, region] : regions) all.insert_or_assign(id, region);
  if (all.size() > kMostRegions) return Refusal{false, "at most 500 regions; remove others first"};
  std::map<std::string, RegionId> names;
  all.insert_or_assign(kOwnRegion, set_.own);
  for (const auto& [id, region] : all) {
    for (const control::DerpNode& node : region.nodes) {
      const auto [known, fresh] = names.emplace(node.name, id);
      if (!fresh) {
        return Refusal{
            true, "the node name " + node.name + " is used in region " +
                      std::to_string(known->second) + " already"};
      }
    }
  }
  RelaySet after = set_;
  after.by_hand = std::move(all);
  after.by_hand.erase(kOwnRegion);
  return last_relay(after);
}

std::optional<Refusal> RelayDirectory::refuses_removing(RegionId id) const {
  if (!set_.by_hand.contains(id)) {
    if (id == kOwnRegion) {
      return Refusal{true, "region 900 is this server's own relay; it can be turned off"};
    }
    return Refusal{true, "that region is part of a map that is fetched; it can be turned off"};
  }
  RelaySet after = set_;
  after.by_hand.erase(id);
  return last_relay(after);
}

std::optional<Refusal> RelayDirectory::refuses_choice(const RelayChoice& choice) const {
  if (!is_score(choice.score)) return Refusal{false, "score: want a number above 0"};
  RelaySet after = set_;
  after.choices.insert_or_assign(choice.id, choice);
  return last_relay(after);
}

std::optional<Refusal> RelayDirectory::refuses_source(std::string_view url) const {
  if (!http::Url::parse(url) || url.size() > 1000) {
    return Refusal{false, "url: want an http or https URL"};
  }
  if (sources_.contains(url)) return Refusal{true, "this map is fetched already"};
  if (sources_.size() >= kMostSources)
    return Refusal{true, "at most 20 maps; take another one away first"};
  return std::nullopt;
}

std::optional<Refusal> RelayDirectory::refuses_removing_source(std::string_view url) const {
  RelaySet after = set_;
  after.fetched.erase(std::string(url));
  return last_relay(after);
}

Stored<void> RelayDirectory::enter(const Regions& regions, const AuditEntry& audit) {
  if (auto stored = storage_.put_relay_regions(rows_of(regions, {}), audit); !stored) return stored;
  for (const auto& [id, region] : regions) set_.by_hand.insert_or_assign(id, region);
  changed();
  return {};
}

Stored<void> RelayDirectory::remove(RegionId id, const AuditEntry& audit) {
  if (auto stored = storage_.remove_relay_region(id, audit); !stored) return stored;
  set_.by_hand.erase(id);
  changed();
  return {};
}

Stored<void> RelayDirectory::choose(const RelayChoice& choice, const AuditEntry& audit) {
  if (auto stored = storage_.set_relay_choice(choice, audit); !stored) return stored;
  set_.choices.insert_or_assign(choice.id, choice);
  changed();
  return {};
}

Stored<void> RelayDirectory::add_source(const std::string& url, const AuditEntry& audit) {
  const RelaySource source{url, {}, {}};
  if (auto stored = storage_.add_relay_source(source, audit); !stored) return stored;
  sources_.emplace(url, source);
  due_[url] = WallTime();
  return {};
}

Stored<void> RelayDirectory::remove_source(const std::string& url, const AuditEntry& audit) {
  if (auto stored = storage_.remove_relay_source(url, audit); !stored) return stored;
  sources_.erase(url);
  due_.erase(url);
  if (set_.fetched.erase(url) > 0) changed();
  return {};
}

std::vector<std::string> RelayDirectory::take_due(WallTime now) {
  std::vector<std::string> out;
  for (const auto& [url, at] : due_) {
    if (at <= now) out.push_back(url);
  }
  for (const std::string& url : out) due_.erase(url);
  return out;
}

std::optional<WallTime> RelayDirectory::next_due() const {
  std::optional<WallTime> next;
  for (const auto& [url, at] : due_) next = next ? std::min(*next, at) : at;
  return next;
}

void RelayDirectory::fetch_soon(WallTime now) {
  for (auto& [url, at] : due_) at = now;
}

Result<Regions, std::string> RelayDirectory::regions_from(
    const std::string& url, const Fetched& got) const {
  if (!got) return got.error().why;
  auto map = read_map(*got);
  if (!map) return map.error();
  if (map->regions.empty()) return std::string("the map has no regions");
  RelaySet after = set_;
  after.fetched[url] = map->regions;
  if (!after.has_relay()) return std::string(kLastRelay);
  return std::move(map->regions);
}

Stored<void> RelayDirectory::take_fetched(
    const std::string& url, const Fetched& got, WallTime now) {
  const auto found = sources_.find(url);
  if (found == sources_.end()) return {};  // taken away meanwhile
  const auto regions = regions_from(url, got);
  due_[url] = now + (regions ? Duration(kFetchEvery) : Duration(kFetchAgainAfter));
  RelaySource source = found->second;
  source.trouble = regions ? std::string() : regions.error();
  if (regions) source.fetched = now;
  const auto known = set_.fetched.find(url);
  const bool changes = regions && (known == set_.fetched.end() || known->second != *regions);
  std::optional<std::vector<RelayRegion>> rows;
  if (changes) rows = rows_of(*regions, url);
  if (auto stored = storage_.note_relay_source(source, rows); !stored) {
    due_[url] = now + kFetchAgainAfter;
    return stored;
  }
  found->second = std::move(source);
  if (!changes) return {};
  set_.fetched[url] = *regions;
  changed();
  return {};
}

}  // namespace aya::relays
