#include "coord-server/mapper/map_streams.h"

#include "proto/control/json_text.h"

namespace aya::mapper {

void MapStreams::open(
    StreamId id, NodeId node_id, control::Compression compression, TimePoint now, WallTime wall,
    Effects& out) {
  const Node* node = registry_.find(node_id);
  AYA_CHECK(node != nullptr && !streams_.contains(id));
  // The new stream is counted before the old one ends, so the node never looks absent.
  if (presence_.opened(node_id)) registry_.set_online(node_id, true, wall);
  registry_.set_present(node_id, true);
  if (const auto older = by_node_.find(node_id); older != by_node_.end()) {
    end(StreamId(older->second), now, out);
  }
  Stream& stream = streams_[id];
  stream.node = node_id;
  stream.ephemeral = node->record.ephemeral;
  stream.compression = compression;
  const Snapshot snapshot = builder_.snapshot(*node, wall);
  stream.delivered = Delivered::from_snapshot(builder_, *node, snapshot);
  by_node_[node_id] = id;
  ++counters_.snapshots;
  send(id, stream, encode(snapshot.message, compression), counters_.snapshot_bytes, now, out);
}

void MapStreams::close(StreamId id, TimePoint now) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const Stream& stream = found->second;
  presence_.closed(stream.node, stream.ephemeral, now);
  if (const auto at = by_node_.find(stream.node); at != by_node_.end() && at->second == id) {
    by_node_.erase(at);
  }
  streams_.erase(found);
}

void MapStreams::end(StreamId id, TimePoint now, Effects& out) {
  close(id, now);
  out.ended.push_back(id);
}

void MapStreams::set_blocked(StreamId id, bool blocked, TimePoint now) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  Stream& stream = found->second;
  if (blocked && !stream.blocked_since) stream.blocked_since = now;
  if (!blocked && stream.blocked_since) {
    stream.blocked_since.reset();
    told_ = std::min(told_, stream.delivered.version);  // it has something to catch up with
  }
}

void MapStreams::advance(TimePoint now, WallTime wall, Effects& out) {
  take_if_due(gathering_until_, now);
  if (!untold_since_ && told_ < registry_.version()) untold_since_ = now;
  if (!gathering_until_ && told_ < registry_.version()) {
    deliver(wall, now, out);
    send_delay_.add(now - *untold_since_);
    untold_since_.reset();
    gathering_until_ = now + gather_for();
  }
  if (take_if_due(sweep_at_, now)) sweep(now, out);
  if (!sweep_at_ && !streams_.empty()) sweep_at_ = now + kSweepEvery;
}

std::optional<TimePoint> MapStreams::next_deadline() const {
  std::optional<TimePoint> next;
  if (told_ < registry_.version()) next = gathering_until_ ? *gathering_until_ : TimePoint::min();
  next = earlier(next, sweep_at_);
  return next;
}

Buffer MapStreams::snapshot(const Node& node, control::Compression compression, WallTime now) {
  ++counters_.snapshots;
  Buffer message = std::move(*encode(builder_.snapshot(node, now).message, compression));
  counters_.snapshot_bytes += message.size();
  return message;
}

bool MapStreams::concerns_itself(const Stream& stream) const {
  const Node* node = registry_.find(stream.node);
  return node == nullptr || changes_itself(*node, stream.delivered.version);
}

void MapStreams::deliver(WallTime wall, TimePoint now, Effects& out) {
  FrameCache cache;
  std::vector<StreamId> onlookers, subjects;
  for (const auto& [id, stream] : streams_) {
    if (stream.blocked_since) continue;
    (concerns_itself(stream) ? subjects : onlookers).push_back(id);
  }
  for (const auto& group : {onlookers, subjects}) {
    for (const StreamId id : group) deliver_to(id, streams_.at(id), cache, wall, now, out);
  }
  told_ = registry_.version();
}

void MapStreams::deliver_to(
    StreamId id, Stream& stream, FrameCache& cache, WallTime wall, TimePoint now, Effects& out) {
  if (stream.orphan) return;
  const Node* viewer = registry_.find(stream.node);
  if (viewer == nullptr) return tell_removed(id, stream, wall, now, out);
  const auto plan = plan_delta(builder_, *viewer, stream.delivered);
  if (!plan) return end(id, now, out);
  if (plan->empty()) return;
  ++counters_.deltas;
  if (!plan->is_shared()) {
    return send(
        id, stream, encode(write_delta(builder_, *viewer, *plan, wall), stream.compression),
        counters_.delta_bytes, now, out);
  }
  SharedFrame& frame = cache[{viewer->account(), stream.compression, *plan}];
  if (!frame) {
    ++counters_.encoded;
    frame = encode(write_delta(builder_, *viewer, *plan, wall), stream.compression);
  }
  send(id, stream, frame, counters_.delta_bytes, now, out);
}

// The poll stays open: a client whose poll ends asks again and again, but one that learns that its
// key is over goes to sleep (9.9).
void MapStreams::tell_removed(
    StreamId id, Stream& stream, WallTime wall, TimePoint now, Effects& out) {
  stream.orphan = true;
  const nodes::NodeRecord* record = registry_.removed_record(stream.node);
  if (record == nullptr) return end(id, now, out);
  MapMessage message;
  message.rest.node = builder_.removed(*record, wall);
  send(id, stream, encode(message, stream.compression), counters_.delta_bytes, now, out);
}

void MapStreams::sweep(TimePoint now, Effects& out) {
  std::vector<StreamId> stalled;
  for (auto& [id, stream] : streams_) {
    if (stream.blocked_since) {
      if (*stream.blocked_since + kBlockedAtMost <= now) stalled.push_back(id);
    } else if (stream.keepalive_at <= now) {
      ++counters_.keepalives;
      send(id, stream, keepalive(stream.compression), counters_.keepalive_bytes, now, out);
    }
  }
  for (const StreamId id : stalled) end(id, now, out);
}

void MapStreams::send(
    StreamId id, Stream& stream, SharedFrame frame, std::uint64_t& bytes, TimePoint now,
    Effects& out) {
  bytes += frame->size();
  // Jitter keeps streams that were opened together from all speaking at once for ever.
  stream.keepalive_at = now + kKeepAliveAfter + std::chrono::milliseconds(rng_.below(10'000));
  out.frames.push_back({id, std::move(frame)});
}

MapStreams::SharedFrame MapStreams::encode(
    const MapMessage& message, control::Compression compression) {
  counters_.filter_bytes += message.filters.size();
  auto frame = std::make_shared<Buffer>();
  encoder_.append(message.to_json(), compression, *frame);
  frame->shrink_to_fit();  // the room for the worst case is many times what was needed
  return frame;
}

MapStreams::SharedFrame MapStreams::keepalive(control::Compression compression) {
  SharedFrame& frame = keepalives_[compression];
  if (!frame) {
    MapMessage message;
    message.rest.keep_alive = true;
    frame = encode(message, compression);
  }
  return frame;
}

bool MapStreams::ask(
    NodeId node, const control::PingRequest& question, TimePoint now, Effects& out) {
  const auto at = by_node_.find(node);
  if (at == by_node_.end()) return false;
  Stream& stream = streams_.at(at->second);
  if (stream.blocked_since || stream.orphan) return false;
  MapMessage message;
  message.rest.keep_alive = true;
  message.rest.ping_request = question;
  SharedFrame frame = encode(message, stream.compression);
  send(at->second, stream, std::move(frame), counters_.keepalive_bytes, now, out);
  return true;
}

Duration MapStreams::gather_for() const {
  const Duration wanted = kGatherPerStream * static_cast<int>(streams_.size());
  return std::clamp<Duration>(wanted, kGatherFor, kGatherAtMost);
}

}  // namespace aya::mapper
