// The IPN bus (interfaces 4.5): who watches, what each asked for, and what each is told when. Part
// of LocalApi; pure, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/localapi/local_effects.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"

namespace aya::localapi {

class Bus {
 public:
  // Both references outlive the object. `version` goes into every notification.
  Bus(LocalHost& host, Rng& rng, std::string version)
      : host_(host), rng_(rng), version_(std::move(version)) {}

  // Why nobody may watch with this mask; nullopt: anybody may.
  static std::optional<std::string_view> refusal(std::uint64_t mask);

  // Adds a watcher and tells it what its bits ask for at first. The stream's head comes before.
  void subscribe(ExchangeId watcher, std::uint64_t mask, TimePoint now, LocalEffects& out);
  void unsubscribe(ExchangeId watcher) { watchers_.erase(watcher); }

  void announce(const local::Notify& change, LocalEffects& out);
  void net_map_changed(TimePoint now, LocalEffects& out);
  void advance(TimePoint now, LocalEffects& out);
  std::optional<TimePoint> next_deadline() const { return earlier(net_map_at_, engine_at_); }

  std::size_t watchers() const { return watchers_.size(); }

 private:
  void send(ExchangeId to, local::Notify notify, LocalEffects& out) const;
  void send_net_maps(LocalEffects& out) const;
  std::string new_session_id();

  LocalHost& host_;
  Rng& rng_;
  std::string version_;
  std::map<ExchangeId, std::uint64_t> watchers_;  // their masks
  std::optional<TimePoint> last_net_map_;
  std::optional<TimePoint> net_map_at_;  // a network map was held back until then
  std::optional<TimePoint> engine_at_;   // the next periodic engine update; none: nobody wants it
};

}  // namespace aya::localapi
