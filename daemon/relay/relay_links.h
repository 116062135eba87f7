// All relay connections of the node: carries out what HomeRegion decides, with a DerpLink for every
// region that is dialled or connected. Lives on the loop's thread.
#pragma once

#include <map>
#include <memory>

#include "daemon/relay/derp_link.h"
#include "daemon/relay/home_region.h"

namespace aya::relay {

class RelayLinks final : public DerpLink::Events {
 public:
  // What the node is told. Calls come from the loop, never from within a call of the owner.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_relay_packet(RegionId region, const NodePublicKey& from, Packet packet) = 0;
    virtual void on_relay_peer_gone(RegionId region, const NodePublicKey& peer) = 0;
    virtual void on_relay_frame(RegionId region) = 0;  // any frame: that relay lives
    virtual void on_relay_connected(RegionId region) = 0;
    virtual void on_home_changed(RegionId home) = 0;  // chosen, and to be told to control
    virtual void on_relay_health(RegionId region, const std::string& problem) = 0;
  };

  // References outlive this.
  RelayLinks(
      io::Loop& loop, RelayTrust& trust, Rng& rng, PacketPool& pool, Logger& log,
      std::uint32_t mark, Owner& owner);
  ~RelayLinks() override;

  // Reconnects under the new identity.
  void set_self(const NodePrivateKey& self);
  void set_map(const control::DerpMap& map);
  // The network check's choice; nullopt: nothing could be measured.
  void choose_home(std::optional<RegionId> measured, bool control_connected);
  void send(RegionId region, const NodePublicKey& to, Packet packet);
  void link_changed();
  void close();  // hangs up everywhere: the node is down

  RegionId home() const { return regions_->home(); }
  bool is_connected(RegionId region) const { return regions_->is_connected(region); }
  std::size_t connected() const;
  const control::DerpRegion* find(RegionId region) const;
  const std::map<RegionId, control::DerpRegion>& map() const { return map_; }

 private:
  void on_ready(RegionId region) override;
  void on_packet(RegionId region, const NodePublicKey& from, Packet packet) override;
  void on_gone(RegionId region, const NodePublicKey& peer) override;
  void on_heard(RegionId region) override;
  void on_wrote(RegionId region) override;
  void on_health(RegionId region, const std::string& problem) override;
  void on_lost(RegionId region, std::optional<Duration> wait, const std::string& why) override;

  void carry_out();
  void dial(RegionId region);

  io::Loop& loop_;
  RelayTrust& trust_;
  Rng& rng_;
  PacketPool& pool_;
  Logger& log_;
  std::uint32_t mark_;
  Owner& owner_;
  NodePrivateKey self_;
  std::optional<HomeRegion> regions_;  // always there; made anew by close()
  HomeRegion::Effects effects_;
  std::map<RegionId, control::DerpRegion> map_;
  std::map<RegionId, std::unique_ptr<DerpLink>> links_;
  io::Timer timer_;
};

}  // namespace aya::relay
