// daemon/exit_node decides which node carries this one's Internet traffic. Who may, the network map
// says; whether one is wanted, the settings; whether it still answers, the packets themselves.
//
// A node that a person named stays chosen, whatever becomes of it: traffic that was meant to leave
// there must not leave here instead. `auto` is for those who want the Internet to work: it keeps
// the best node, and leaves one that has died before the coordinator notices:
//
//   Good --sent for 400 ms, nothing came--> Doubted --1.2 s of pings unanswered,
//    ^                                         |       and another node answers--> that one
//    '------- a packet or an answer -----------'
//
// The others are asked as well while one is doubted. When nobody answers it is our own network that
// is gone, and staying is right. A node that was left is not returned to for a while, and one that
// works is only left for another that is clearly better: every change cuts all connections.
//
//   chooser.set(wish, candidates, relays, now, fx);       // the map or the settings changed
//   chooser.advance(traffic, now, fx);                    // no later than next_deadline()
//   chooser.on_answer(id, latency, now, fx);              // a ping of fx.ask came back
//
// What in_use() names is to be reached through the tunnel; fx.ask names nodes to be pinged. Pure;
// one thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/exit_node/candidate.h"

namespace aya::exit_node {

inline constexpr Duration kSilence = 400ms;     // sent, and nothing came: ask
inline constexpr Duration kAskEvery = 300ms;    // while doubted
inline constexpr Duration kAskLater = 1s;       // when nobody answers: our own network is gone
inline constexpr std::size_t kAskOthers = 3;    // at the same time
inline constexpr Duration kDeadAfter = 1200ms;  // unanswered: it is gone, if another one is there
inline constexpr Duration kDeadAtMost = 3s;     // the same for far nodes: three times their latency
inline constexpr Duration kLook = 250ms;        // after the host sent: has anything come back?
inline constexpr Duration kPlainSilence = 15s;  // of WireGuard peers that cannot be asked
inline constexpr Duration kAvoidFor = 1min;     // a node that was left because it was silent
inline constexpr Duration kReviewEvery = 5min;  // whether another one is clearly better
inline constexpr Duration kReviewAnswersIn = 1s;  // how long a review waits for answers
inline constexpr std::size_t kAskAtMost = 8;      // nodes in one review

struct Wish {
  enum class Kind { Off, Named, Auto };
  Kind kind = Kind::Off;
  // Named: the node, empty where nobody has the address that was named. Auto: where to begin;
  // empty: with the one in use, if it may stay.
  std::string id;
  friend bool operator==(const Wish&, const Wish&) = default;
};

// Of the node in use.
struct Traffic {
  std::optional<TimePoint> last_sent;   // something of the host's
  std::optional<TimePoint> last_heard;  // anything authentic
};

struct Effects {
  std::vector<std::string> ask;  // ping these, by every way there is
  bool changed = false;          // in_use() is another than before

  void clear() {
    ask.clear();
    changed = false;
  }
};

class Chooser {
 public:
  void set(
      const Wish& wish, std::vector<Candidate> candidates, std::map<RegionId, Duration> relays,
      TimePoint now, Effects& out);
  void on_answer(const std::string& id, Duration latency, TimePoint now, Effects& out);
  void advance(const Traffic& traffic, TimePoint now, Effects& out);
  // nullopt: nothing to wait for.
  std::optional<TimePoint> next_deadline() const;
  // Nothing that was sent waits for an answer: call advance() kLook after the host next sends.
  bool is_quiet() const { return is_auto() && !unanswered_since_ && !doubt_; }

  // nullopt: traffic leaves from here. An id that no peer has, or an empty one: nowhere at all.
  std::optional<std::string> in_use() const;
  bool is_auto() const { return wish_.kind == Wish::Kind::Auto; }
  // The one to propose to a person; nullptr: none. Valid until the next set().
  const Candidate* suggestion() const;
  const Distances& distances() const { return distances_; }

 private:
  struct Doubt {
    TimePoint since;
    TimePoint ask_at;
    unsigned asked = 0;              // times
    std::set<std::string> answered;  // of the others, since then
  };

  const Candidate* find(const std::string& id) const;
  const Candidate* current() const { return find(current_); }
  Duration silence_allowed() const;
  Duration patience() const;
  bool avoided(const Candidate& one, TimePoint now) const;
  std::vector<const Candidate*> others(TimePoint now) const;  // best first, avoided ones last
  void use(const std::string& id, TimePoint now, Effects& out);
  void choose(TimePoint now, Effects& out);
  void watch(const Traffic& traffic, TimePoint now, Effects& out);
  void doubt(TimePoint now);
  void ask(TimePoint now, Effects& out);
  void leave_if_dead(TimePoint now, Effects& out);
  void review(TimePoint now, Effects& out);
  void end_review(TimePoint now, Effects& out);

  Wish wish_;
  std::vector<Candidate> candidates_;
  Distances distances_;
  std::string current_;  // of Auto; empty: nobody offers
  bool was_online_ = true;
  std::optional<TimePoint> unanswered_since_;  // packets went out, nothing came since
  std::optional<Doubt> doubt_;
  std::map<std::string, TimePoint> left_;  // silent ones, and when they were left
  std::optional<TimePoint> review_at_, review_ends_at_;
  std::set<std::string> review_answers_;
};

}  // namespace aya::exit_node
