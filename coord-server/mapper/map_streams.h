// All open long polls (control 7.2). Each stream remembers what it has delivered; a change is sent
// to the streams it concerns as the difference, a little later than it happened so that changes
// that come together travel together.
//
//   streams.open(node, wish, id, now, effects)    the snapshot is in effects.frames at once
//   streams.advance(now, effects)                 after every change of the registry, and no later
//                                                 than next_deadline()
//   streams.set_blocked(id, true)                 its connection takes no more for now
//   streams.close(id, now)                        the reader left
//
// Slow readers cost nothing: a blocked stream is left alone and gets one combined difference when
// it can read again; after two minutes it is ended, and the node comes back for a fresh map.
//
// Order: those who see a node change are told before the node itself, so that nobody drops packets
// from an address it has not heard of yet (9.6).
//
// Pure. One thread.
#pragma once

#include <map>
#include <memory>
#include <tuple>

#include "coord-server/mapper/map_delta.h"
#include "coord-server/nodes/presence.h"
#include "proto/base/histogram.h"
#include "proto/base/rng.h"
#include "proto/base/strong_id.h"
#include "proto/control/map_frame.h"

namespace aya::mapper {

// Chosen by whoever owns the connections.
using StreamId = StrongId<struct MapStreamTag, std::uint64_t>;

class MapStreams {
 public:
  struct Frame {
    StreamId to;
    std::shared_ptr<const Buffer> bytes;  // shared: one encoded frame goes to many readers
  };
  struct Effects {
    std::vector<Frame> frames;    // to be written in this order
    std::vector<StreamId> ended;  // forgotten here: finish the response
    void clear() {
      frames.clear();
      ended.clear();
    }
  };
  struct Counters {
    std::uint64_t snapshots = 0;
    std::uint64_t deltas = 0;
    std::uint64_t keepalives = 0;
    std::uint64_t encoded = 0;  // deltas that could not share another's frame
    std::uint64_t snapshot_bytes = 0, delta_bytes = 0, keepalive_bytes = 0;  // as they are sent
    std::uint64_t filter_bytes = 0;  // of packet filters in them, before they were made smaller
  };

  // After a batch, before the next. A change costs a frame for every stream there is, so with many
  // streams more changes travel together.
  static constexpr Duration kGatherFor = 50ms;
  static constexpr Duration kGatherPerStream = 300us;
  static constexpr Duration kGatherAtMost = 150ms;
  static constexpr Duration kKeepAliveAfter = 50s;  // of silence; up to ten more at random
  static constexpr Duration kBlockedAtMost = 120s;
  static constexpr Duration kSweepEvery = 1s;  // how often silence and stalls are looked for

  // All outlive this.
  MapStreams(
      const MapBuilder& builder, nodes::Registry& registry, nodes::Presence& presence, Rng& rng)
      : builder_(builder), registry_(registry), presence_(presence), rng_(rng) {}

  // Ends an older stream of the same node.
  void open(
      StreamId id, NodeId node, control::Compression compression, TimePoint now, WallTime wall,
      Effects& out);
  void close(StreamId id, TimePoint now);
  void set_blocked(StreamId id, bool blocked, TimePoint now);

  void advance(TimePoint now, WallTime wall, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  // One message for a request that asks once (4.4).
  Buffer snapshot(const Node& node, control::Compression compression, WallTime now);

  // Has a question carried to a node, now and by itself (4.5). False: it has no stream that takes
  // anything at the moment.
  bool ask(NodeId node, const control::PingRequest& question, TimePoint now, Effects& out);

  // The one it reads now.
  std::optional<StreamId> stream_of(NodeId node) const {
    const auto found = by_node_.find(node);
    if (found == by_node_.end()) return std::nullopt;
    return found->second;
  }

  std::size_t size() const { return streams_.size(); }
  const Counters& counters() const { return counters_; }
  // From the first change of a batch to its messages.
  const Histogram& send_delay() const { return send_delay_; }
  // Everyone who can read knows what happened up to here.
  nodes::Version told() const { return told_; }

 private:
  struct Stream {
    NodeId node;
    bool ephemeral = false;
    bool orphan = false;  // its node was removed, and it has been told
    control::Compression compression = control::Compression::None;
    Delivered delivered;
    TimePoint keepalive_at{};
    std::optional<TimePoint> blocked_since;
  };
  using SharedFrame = std::shared_ptr<const Buffer>;
  using FrameCache =
      std::map<std::tuple<store::AccountId, control::Compression, DeltaPlan>, SharedFrame>;

  void deliver(WallTime wall, TimePoint now, Effects& out);
  void deliver_to(
      StreamId id, Stream& stream, FrameCache& cache, WallTime wall, TimePoint now, Effects& out);
  bool concerns_itself(const Stream& stream) const;
  void tell_removed(StreamId id, Stream& stream, WallTime wall, TimePoint now, Effects& out);
  void sweep(TimePoint now, Effects& out);
  void end(StreamId id, TimePoint now, Effects& out);
  // `bytes` is the counter of its kind.
  void send(
      StreamId id, Stream& stream, SharedFrame frame, std::uint64_t& bytes, TimePoint now,
      Effects& out);
  SharedFrame encode(const MapMessage& message, control::Compression compression);
  Duration gather_for() const;
  SharedFrame keepalive(control::Compression compression);

  const MapBuilder& builder_;
  nodes::Registry& registry_;
  nodes::Presence& presence_;
  Rng& rng_;
  control::MapFrameEncoder encoder_;
  std::map<StreamId, Stream> streams_;
  std::map<NodeId, StreamId> by_node_;
  nodes::Version told_ = 0;
  std::optional<TimePoint> untold_since_;
  Histogram send_delay_;
  std::optional<TimePoint> gathering_until_;
  std::optional<TimePoint> sweep_at_;
  std::map<control::Compression, SharedFrame> keepalives_;  // always the same bytes (4.4)
  Counters counters_;
};

}  // namespace aya::mapper
