// The exit node in use, kept up with the map, the settings and the packets: drives the chooser of
// daemon/exit_node with the loop's time and the traffic of the peer in question. Lives on the
// loop's thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "daemon/exit_node/chooser.h"
#include "daemon/netmap/fold.h"
#include "daemon/path/path_engine.h"
#include "proto/io/timer.h"
#include "proto/local/prefs.h"

namespace aya::app {

class ExitWatch {
 public:
  // Everything it asks of the mesh.
  class Host {
   public:
    virtual ~Host() = default;
    virtual exit_node::Traffic traffic_of(netmap::NodeId node) const = 0;
    // By every way there is; the end comes to on_ping_done().
    virtual void probe(netmap::NodeId node, path::PingId id) = 0;
    // Another exit node is in use, by a decision of the watch: never from within set().
    virtual void on_exit_changed() = 0;
  };

  ExitWatch(io::Loop& loop, Host& host);

  // True: another one is in use now. `state` is kept for as long as the watch lives or until the
  // next call.
  bool set(
      const netmap::State& state, const local::Prefs& prefs,
      const std::map<RegionId, Duration>& relays);
  // The host sends: is there an answer? Cheap: called for every batch.
  void note_host_traffic() {
    if (resting_) look_soon();
  }
  // Pings of the watch have numbers of their own; no latency: it was not answered.
  static bool is_own(path::PingId id);
  void on_ping_done(path::PingId id, std::optional<Duration> latency);

  // Nullopt: traffic leaves from here. An id that no peer has, or an empty one: it leaves nowhere.
  const std::optional<std::string>& in_use() const { return in_use_; }
  bool carries(const control::Node& peer) const {
    return in_use_ && !in_use_->empty() && *in_use_ == peer.stable_id;
  }
  const exit_node::Candidate* suggestion() const { return chooser_.suggestion(); }
  bool is_auto() const { return chooser_.is_auto(); }
  std::optional<Duration> latency_of(const std::string& stable_id) const;

 private:
  const control::Node* find(const std::string& stable_id) const;
  void look_soon();
  void advance();
  void carry_out();
  void arm();

  io::Loop& loop_;
  Host& host_;
  exit_node::Chooser chooser_;
  exit_node::Effects effects_;
  const netmap::State* state_ = nullptr;
  std::optional<std::string> in_use_;
  std::map<path::PingId, std::string> asked_;
  std::uint64_t last_ping_ = 0;
  bool resting_ = false;  // nothing is waited for, until the host sends
  io::Timer timer_;
};

}  // namespace aya::app
