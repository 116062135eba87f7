// Many light nodes at one coordinator, and what each of them has been told: which others it has
// seen, and when it heard of the changes that they announced.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_map>

#include "proto/io/timer.h"
#include "tests/load/light_node.h"

namespace aya::load {

class Crowd final : private LightNode::Owner {
 public:
  struct Wish {
    std::size_t nodes = 1;
    std::string auth_key;
    std::size_t joining_at_once = 50;  // a machine room that is switched on; more only wait in line
  };

  Crowd(io::Loop& loop, Swarm& swarm, Wish wish);

  // Everyone connects, as many at once as the wish says.
  void join();
  // All connections break, and all come back at once.
  void drop_all();
  // One node after the other tells of a new endpoint.
  void announce_next();

  bool all_in() const {
    return pictures_ == nodes_.size();
  }  // have a first map since they connected
  bool all_complete() const { return complete_ == nodes_.size(); }  // and know of all others
  std::size_t complete() const { return complete_; }
  TimePoint last_join() const { return last_join_; }
  std::size_t failures() const { return failures_; }
  const std::string& last_failure() const { return last_failure_; }

  std::size_t announced() const { return announced_at_.size(); }
  bool all_heard() const { return delays_.size() == announced() * (nodes_.size() - 1); }
  // Of each announcement at each other node, ascending.
  std::vector<Duration> delays() const;

 private:
  struct View {
    bool in = false;
    std::size_t known = 0;
    std::vector<bool> peers;  // by node number
    bool complete = false;
  };

  void connect_more();
  void forget_views();
  void note_peers(std::string_view json, View& view);
  void note_announcements(std::string_view json);
  void on_registered(LightNode& node, const control::RegisterResponse&) override;
  void on_map_text(LightNode& node, std::string_view json) override;
  void on_ended(LightNode& node, const std::string& why) override;

  io::Loop& loop_;
  Wish wish_;
  std::vector<std::unique_ptr<LightNode>> nodes_;
  std::vector<View> views_;
  std::vector<std::size_t> waiting_;  // to connect
  io::Timer retry_;
  std::size_t pictures_ = 0, complete_ = 0, joining_ = 0, failures_ = 0;
  std::string last_failure_;
  TimePoint last_join_{};
  std::vector<TimePoint> announced_at_;
  std::vector<Duration> delays_;
};

}  // namespace aya::load
