#include "daemon/relay/relay_links.h"

#include <algorithm>

namespace aya::relay {

RelayLinks::RelayLinks(
    io::Loop& loop, RelayTrust& trust, Rng& rng, PacketPool& pool, Logger& log, std::uint32_t mark,
    Owner& owner)
    : loop_(loop),
      trust_(trust),
      rng_(rng),
      pool_(pool),
      log_(log),
      mark_(mark),
      owner_(owner),
      regions_(std::in_place, rng),
      timer_(loop, [this] {
        regions_->advance(loop_.now(), effects_);
        carry_out();
      }) {}

RelayLinks::~RelayLinks() = default;

void RelayLinks::set_self(const NodePrivateKey& self) {
  self_ = self;
  auto old = std::exchange(links_, {});
  for (const auto& [region, link] : old) {
    regions_->lost(region, std::nullopt, loop_.now(), effects_);
  }
  old.clear();
  carry_out();
}

void RelayLinks::set_map(const control::DerpMap& map) {
  if (!map.regions) return;
  std::vector<RegionId> ids, changed;
  for (const auto& [id, region] : *map.regions) {
    ids.push_back(id);
    const auto known = map_.find(id);
    if (known != map_.end() && known->second != region) changed.push_back(id);
  }
  map_ = *map.regions;
  regions_->set_regions(ids, changed, effects_);
  carry_out();
}

void RelayLinks::choose_home(std::optional<RegionId> measured, bool control_connected) {
  const RegionId before = regions_->home();
  regions_->choose(measured, control_connected, loop_.now(), effects_);
  carry_out();
  if (regions_->home() != before) {
    log_.info("home relay chosen", {{"region", regions_->home()}});
    loop_.post([this] { owner_.on_home_changed(regions_->home()); });
  }
}

void RelayLinks::send(RegionId region, const NodePublicKey& to, Packet packet) {
  if (!map_.contains(region)) return;
  regions_->want(region, loop_.now(), effects_);
  carry_out();
  if (const auto link = links_.find(region); link != links_.end()) {
    link->second->send(to, std::move(packet));
  }
}

void RelayLinks::link_changed() {
  for (const auto& [region, link] : links_) link->probe();
}

void RelayLinks::close() {
  links_.clear();
  regions_.emplace(rng_);
  map_.clear();
  effects_.clear();
  timer_.disarm();
}

std::size_t RelayLinks::connected() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      links_, [this](const auto& link) { return regions_->is_connected(link.first); }));
}

const control::DerpRegion* RelayLinks::find(RegionId region) const {
  const auto found = map_.find(region);
  return found == map_.end() ? nullptr : &found->second;
}

void RelayLinks::carry_out() {
  for (const RegionId region : effects_.hang_up) links_.erase(region);
  for (const RegionId region : effects_.dial) dial(region);
  for (const auto& [region, is_home] : effects_.note_preferred) {
    if (const auto link = links_.find(region); link != links_.end()) {
      link->second->note_preferred(is_home);
    }
  }
  effects_.clear();
  timer_.arm(regions_->next_deadline());
}

void RelayLinks::dial(RegionId region) {
  const auto known = map_.find(region);
  if (known == map_.end()) return;
  links_[region] = std::make_unique<DerpLink>(
      loop_, DerpLink::Options{self_, known->second, mark_}, trust_, rng_, pool_, log_, *this);
}

void RelayLinks::on_ready(RegionId region) {
  log_.debug("relay connected", {{"region", region}});
  regions_->connected(region, loop_.now(), effects_);
  carry_out();
  owner_.on_relay_connected(region);
}

void RelayLinks::on_packet(RegionId region, const NodePublicKey& from, Packet packet) {
  owner_.on_relay_packet(region, from, std::move(packet));
}

void RelayLinks::on_gone(RegionId region, const NodePublicKey& peer) {
  owner_.on_relay_peer_gone(region, peer);
}

void RelayLinks::on_heard(RegionId region) {
  regions_->heard(region);
  owner_.on_relay_frame(region);
}

void RelayLinks::on_wrote(RegionId region) { regions_->wrote(region, loop_.now()); }

void RelayLinks::on_health(RegionId region, const std::string& problem) {
  owner_.on_relay_health(region, problem);
}

void RelayLinks::on_lost(RegionId region, std::optional<Duration> wait, const std::string& why) {
  log_.debug("relay connection ended", {{"region", region}, {"why", why}});
  links_.erase(region);
  regions_->lost(region, wait, loop_.now(), effects_);
  carry_out();
}

}  // namespace aya::relay
