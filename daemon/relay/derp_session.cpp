#include "daemon/relay/derp_session.h"

#include <algorithm>

#include "proto/disco/envelope.h"

namespace aya::relay {
namespace {

constexpr Duration kGreetingLimit = 10s;
constexpr Duration kSilenceLimit = 120s;
constexpr Duration kProbePatience = 3s;
// Something was written and nothing came back for so long: ask whether the relay still lives,
// instead of waiting for the long silence.
constexpr Duration kStallAfter = 15s;
constexpr Duration kStallPatience = 5s;

}  // namespace

std::string_view to_text(SessionFailure failure) {
  switch (failure) {
    case SessionFailure::NoGreeting:
      return "the relay did not greet";
    case SessionFailure::BadGreeting:
      return "the relay's greeting is not DERP's";
    case SessionFailure::WrongRelayKey:
      return "the relay has another key than it announced";
    case SessionFailure::FrameTooLarge:
      return "the relay sent a frame that is too large";
    case SessionFailure::Silent:
      return "the relay fell silent";
    case SessionFailure::NoPong:
      return "the relay did not answer a ping";
  }
  return "unknown";
}

void DerpSession::Effects::clear() {
  packets.clear();
  gone.clear();
  became_ready = false;
  health.reset();
  restarting.reset();
  pong.reset();
  failed.reset();
}

DerpSession::DerpSession(
    const NodePrivateKey& self, Options options, Rng& rng, PacketPool& pool, TimePoint now)
    : self_(self),
      options_(std::move(options)),
      rng_(rng),
      pool_(pool),
      relay_key_(options_.relay_key),
      began_(now),
      last_heard_(now) {
  if (!options_.fast_start || !relay_key_) return;
  greet();
  phase_ = Phase::AwaitInfo;
}

void DerpSession::greet() {
  derp::ClientInfo info;
  info.can_ack_pings = true;
  info.app_name = options_.app_name;
  const auto nonce = rng_.array<crypto::kBoxNonceSize>();
  // A key that X25519 refuses yields no greeting, and the ten seconds run out.
  if (!derp::write_client_info(self_, *relay_key_, nonce, info, control_)) relay_key_.reset();
}

void DerpSession::fail(SessionFailure why, Effects& out) {
  phase_ = Phase::Failed;
  control_.clear();
  disco_.clear();
  other_.clear();
  out.failed = why;
}

// ---- receiving

void DerpSession::receive(Bytes bytes, TimePoint now, Effects& out) {
  while (phase_ != Phase::Failed) {
    switch (reader_.step(bytes)) {
      case derp::FrameReader::Step::NeedMore:
        return;
      case derp::FrameReader::Step::Header:
        if (!admit_header(out)) return;
        break;
      case derp::FrameReader::Step::Frame:
        last_heard_ = now;
        unanswered_since_.reset();
        on_frame(reader_.header().type, reader_.payload(), now, out);
        break;
    }
  }
}

bool DerpSession::admit_header(Effects& out) {
  const auto& header = reader_.header();
  const bool greeting = phase_ == Phase::AwaitKey || !key_checked_;
  const std::size_t limit = greeting && header.type == derp::FrameType::ServerKey
                                ? derp::kMaxServerKeyFrame
                                : derp::kMaxClientFrame;
  if (phase_ == Phase::AwaitKey && header.type != derp::FrameType::ServerKey) {
    fail(SessionFailure::BadGreeting, out);
    return false;
  }
  if (header.length > limit) {
    fail(SessionFailure::FrameTooLarge, out);
    return false;
  }
  return true;
}

void DerpSession::on_frame(derp::FrameType type, Bytes payload, TimePoint now, Effects& out) {
  if (type == derp::FrameType::ServerKey) return on_server_key(payload, out);
  if (type == derp::FrameType::ServerInfo) return on_server_info(payload, now, out);
  if (phase_ != Phase::Ready) {
    ++counters_.skipped_frames;
    return;
  }
  const auto message = derp::parse_from_relay(type, payload);
  if (message) {
    on_message(*message, now, out);
  } else {
    ++counters_.skipped_frames;
  }
}

void DerpSession::on_server_key(Bytes payload, Effects& out) {
  if (key_checked_) {
    ++counters_.skipped_frames;
    return;
  }
  const auto key = derp::parse_server_key(payload);
  if (!key) return fail(SessionFailure::BadGreeting, out);
  if (relay_key_ && *relay_key_ != *key) return fail(SessionFailure::WrongRelayKey, out);
  relay_key_ = *key;
  key_checked_ = true;
  if (phase_ != Phase::AwaitKey) return;  // fast start: greeted already
  greet();
  phase_ = Phase::AwaitInfo;
}

void DerpSession::on_server_info(Bytes payload, TimePoint now, Effects& out) {
  if (phase_ != Phase::AwaitInfo || !relay_key_) {
    ++counters_.skipped_frames;
    return;
  }
  const auto info = derp::open_server_info(self_, *relay_key_, payload);
  if (!info) return fail(SessionFailure::BadGreeting, out);
  if (info->token_bucket_bytes_per_second > 0) {
    send_rate_ = TokenRate{
        static_cast<double>(info->token_bucket_bytes_per_second),
        static_cast<double>(info->token_bucket_bytes_burst)};
    send_bucket_ = {};
  }
  phase_ = Phase::Ready;
  last_heard_ = now;
  if (preferred_) derp::write_note_preferred(*preferred_, control_);
  out.became_ready = true;
}

void DerpSession::on_message(const derp::FromRelay& message, TimePoint now, Effects& out) {
  if (const auto* received = std::get_if<derp::RecvPacket>(&message)) {
    if (received->packet.size() > pool_.max_data()) {
      ++counters_.dropped_size;
      return;
    }
    ++counters_.received;
    counters_.received_bytes += received->packet.size();
    out.packets.push_back({received->source, pool_.copy_of(received->packet)});
  } else if (const auto* gone = std::get_if<derp::PeerGone>(&message)) {
    out.gone.push_back({gone->peer, gone->reason});
  } else if (const auto* ping = std::get_if<derp::Ping>(&message)) {
    derp::write_pong(ping->data, control_);
  } else if (const auto* pong = std::get_if<derp::Pong>(&message)) {
    if (ping_ && ping_->data == pong->data) {
      out.pong = now - ping_->sent;
      ping_.reset();
    }
  } else if (const auto* health = std::get_if<derp::Health>(&message)) {
    out.health = std::string(health->problem);
  } else if (const auto* restarting = std::get_if<derp::Restarting>(&message)) {
    out.restarting = *restarting;
  }
}

// ---- sending

void DerpSession::send(const NodePublicKey& to, Packet packet, TimePoint) {
  if (phase_ == Phase::Failed) return;
  auto& queue = disco::starts_with_magic(packet.bytes()) ? disco_ : other_;
  if (disco_.size() + other_.size() >= kQueue) {
    // The oldest of its own kind goes first; the other kind keeps its place.
    auto& victim = queue.empty() ? (disco_.empty() ? other_ : disco_) : queue;
    victim.pop_front();
    ++counters_.dropped_queue;
  }
  queue.push_back({to, std::move(packet)});
}

void DerpSession::note_preferred(bool home) {
  if (preferred_ == home) return;
  preferred_ = home;
  if (phase_ == Phase::Ready) derp::write_note_preferred(home, control_);
}

void DerpSession::probe(TimePoint now) {
  if (phase_ == Phase::Ready) send_ping(now, kProbePatience);
}

void DerpSession::send_ping(TimePoint now, Duration patience) {
  ping_ = PingInFlight{rng_.array<8>(), now, now + patience};
  derp::write_ping(ping_->data, control_);
}

bool DerpSession::has_output() const {
  if (!control_.empty()) return true;
  return phase_ == Phase::Ready && (!disco_.empty() || !other_.empty());
}

std::size_t DerpSession::write(std::size_t room, Buffer& out, TimePoint now) {
  const std::size_t before = out.size();
  append(out, control_);
  control_.clear();
  if (phase_ == Phase::Ready) {
    write_packets(disco_, before + room, out, now);
    write_packets(other_, before + room, out, now);
  }
  const std::size_t written = out.size() - before;
  if (written > 0 && phase_ == Phase::Ready && !unanswered_since_) unanswered_since_ = now;
  return written;
}

void DerpSession::write_packets(
    std::deque<Outgoing>& queue, std::size_t limit, Buffer& out, TimePoint now) {
  while (!queue.empty() && out.size() < limit) {
    const Outgoing next = std::move(queue.front());
    queue.pop_front();
    const auto cost = static_cast<double>(derp::kKeyedHeaderSize + next.packet.size());
    if (send_rate_ && !send_bucket_.take(*send_rate_, cost, now)) {
      ++counters_.dropped_rate;
      continue;
    }
    if (!derp::write_send_packet(next.to, next.packet.bytes(), out)) {
      ++counters_.dropped_size;
      continue;
    }
    ++counters_.sent;
    counters_.sent_bytes += next.packet.size();
    last_packet_written_ = now;
  }
}

// ---- time

// A relay sends keepalives once a minute only: traffic without any answer is no proof of death, so
// it leads to a ping, and the ping decides.
std::optional<TimePoint> DerpSession::stall_check_at() const {
  if (phase_ != Phase::Ready || ping_ || !unanswered_since_) return std::nullopt;
  return *unanswered_since_ + kStallAfter;
}

void DerpSession::advance(TimePoint now, Effects& out) {
  if (phase_ == Phase::Failed) return;
  if (phase_ != Phase::Ready) {
    if (now >= began_ + kGreetingLimit) fail(SessionFailure::NoGreeting, out);
    return;
  }
  if (now >= last_heard_ + kSilenceLimit) return fail(SessionFailure::Silent, out);
  if (ping_ && now >= ping_->give_up_at) return fail(SessionFailure::NoPong, out);
  if (const auto at = stall_check_at(); at && now >= *at) send_ping(now, kStallPatience);
}

std::optional<TimePoint> DerpSession::next_deadline() const {
  if (phase_ == Phase::Failed) return std::nullopt;
  if (phase_ != Phase::Ready) return began_ + kGreetingLimit;
  std::optional<TimePoint> next = last_heard_ + kSilenceLimit;
  if (ping_) next = earlier(next, ping_->give_up_at);
  return earlier(next, stall_check_at());
}

std::string to_http(const UpgradeRequest& request) {
  std::string out = "GET /derp HTTP/1.1\r\nHost: ";
  out += request.host;
  out += "\r\nConnection: Upgrade\r\nUpgrade: DERP\r\n";
  if (!request.ideal_node.empty()) {
    out += "Ideal-Node: ";
    out += request.ideal_node;
    out += "\r\n";
  }
  if (request.fast_start) out += "Derp-Fast-Start: 1\r\n";
  return out + "\r\n";
}

}  // namespace aya::relay
