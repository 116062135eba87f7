#include "daemon/relay/derp_link.h"

#include <deque>

#include "proto/http/http1_parser.h"
#include "proto/http/upgrade.h"

namespace aya::relay {
namespace {

constexpr Duration kNodeDialTimeout = 4s;
constexpr std::size_t kWriteRoom = 64 * 1024;

// A literal address of the map; other text switches the family off (nat-traversal 3.1).
void add_literal(const std::string& text, std::vector<IpAddress>& out) {
  if (const auto address = IpAddress::parse(text)) out.push_back(*address);
}

}  // namespace

tls::TlsClientContext& RelayTrust::context_for(const control::DerpNode& node) {
  if (node.insecure_for_tests) {
    if (!insecure_) {
      insecure_ = std::make_unique<tls::TlsClientContext>(tls::TlsTrust::insecure());
    }
    return *insecure_;
  }
  if (const auto pin = tls::parse_pin(node.cert_name)) {
    auto& context = pinned_[*pin];
    if (!context) context = std::make_unique<tls::TlsClientContext>(tls::TlsTrust::pinned(*pin));
    return *context;
  }
  return roots_;
}

io::DialTarget dial_target(const control::DerpNode& node, RelayTrust& trust, std::uint32_t mark) {
  io::DialTarget target;
  target.host = node.host_name;
  target.port = static_cast<std::uint16_t>(node.derp_port == 0 ? 443 : node.derp_port);
  add_literal(node.ipv4, target.addresses);
  add_literal(node.ipv6, target.addresses);
  target.tls = &trust.context_for(node);
  if (!node.cert_name.empty() && !tls::parse_pin(node.cert_name)) target.tls_name = node.cert_name;
  target.offer_http11 = true;
  target.socket.mark = mark;
  target.timeout = kNodeDialTimeout;
  return target;
}

class DerpLink::Impl final : public io::ByteStream::Handler {
 public:
  Impl(
      io::Loop& loop, Options options, RelayTrust& trust, Rng& rng, PacketPool& pool, Logger& log,
      Events& events)
      : loop_(loop),
        options_(std::move(options)),
        trust_(trust),
        rng_(rng),
        pool_(pool),
        log_(log),
        events_(events),
        timer_(loop, [this] { on_timer(); }) {
    for (const auto& node : options_.region.nodes) {
      if (!node.stun_only) nodes_.push_back(node);
    }
    // The first result must not come from within the constructor.
    timer_.arm(loop_.now());
  }

  void send(const NodePublicKey& to, Packet packet) {
    if (session_) {
      session_->send(to, std::move(packet), loop_.now());
      pump();
    } else {
      if (waiting_.size() >= DerpSession::kQueue) waiting_.pop_front();
      waiting_.emplace_back(to, std::move(packet));
    }
  }

  void note_preferred(bool home) {
    preferred_ = home;
    if (!session_) return;
    session_->note_preferred(home);
    pump();
  }

  void probe() {
    if (!session_) return;
    session_->probe(loop_.now());
    pump();
  }

 private:
  RegionId region() const { return options_.region.region_id; }

  void on_timer() {
    if (!session_ && !dial_) return dial_next();
    if (!session_) return;
    session_->advance(loop_.now(), effects_);
    take_effects();
  }

  void dial_next() {
    if (nodes_.empty()) return lost("no node of the region answers");
    node_ = nodes_.front();
    nodes_.pop_front();
    dial_ = std::make_unique<io::Dial>(
        loop_, dial_target(node_, trust_, options_.mark),
        [this](Result<io::Dialled, io::IoError> result) { on_dialled(std::move(result)); });
  }

  void on_dialled(Result<io::Dialled, io::IoError> result) {
    if (!result) {
      log_.debug(
          "relay does not answer",
          {{"region", region()}, {"node", node_.name}, {"why", result.error().detail}});
      dial_.reset();
      if (nodes_.empty()) return lost(result.error().detail);
      return dial_next();
    }
    stream_ = std::move(result->stream);
    DerpSession::Options session;
    if (result->tls && result->tls->relay_meta) {
      session.relay_key = derp::RelayPublicKey(result->tls->relay_meta->key);
      session.fast_start = result->tls->tls13 && result->tls->relay_meta->version == 2;
    }
    session_.emplace(options_.self, session, rng_, pool_, loop_.now());
    upgraded_ = session.fast_start;
    const bool ideal = options_.region.nodes.front().name == node_.name;
    const std::string request = to_http(
        {.host = node_.host_name,
         .fast_start = session.fast_start,
         .ideal_node = ideal ? std::string_view() : options_.region.nodes.front().name});
    out_.clear();
    append(out_, as_bytes(request));
    if (preferred_) session_->note_preferred(*preferred_);
    for (auto& [to, packet] : waiting_) session_->send(to, std::move(packet), loop_.now());
    waiting_.clear();
    if (upgraded_) session_->write(kWriteRoom, out_, loop_.now());
    stream_->write(out_);
    dial_.reset();
    stream_->start(*this);
    timer_.arm(session_->next_deadline());
  }

  void on_bytes(Bytes bytes) override {
    if (!upgraded_) {
      const auto used = response_.feed(bytes);
      if (!used) return lost("the relay's answer is not HTTP");
      bytes = bytes.subspan(*used);
      if (!response_.complete()) return;
      const http::Response answer = response_.take();
      if (!http::switched_to(answer, "DERP")) {
        return lost("the relay refused the upgrade with status " + std::to_string(answer.status));
      }
      upgraded_ = true;
    }
    session_->receive(bytes, loop_.now(), effects_);
    take_effects();
  }

  void on_closed(const io::IoError& why) override { lost(why.detail); }
  void on_drained() override { pump(); }

  // Any call of Events may destroy this; `alive` notices.
  void take_effects() {
    const std::weak_ptr<int> alive = alive_;
    auto packets = std::exchange(effects_.packets, {});
    auto gone = std::exchange(effects_.gone, {});
    const auto health = std::exchange(effects_.health, std::nullopt);
    const auto restarting = std::exchange(effects_.restarting, std::nullopt);
    const auto failed = std::exchange(effects_.failed, std::nullopt);
    const bool ready = std::exchange(effects_.became_ready, false);
    effects_.pong.reset();

    if (ready) events_.on_ready(region());
    if (alive.expired()) return;
    if (session_->last_heard() != heard_) {
      heard_ = session_->last_heard();
      events_.on_heard(region());
      if (alive.expired()) return;
    }
    for (auto& received : packets) {
      events_.on_packet(region(), received.from, std::move(received.packet));
      if (alive.expired()) return;
    }
    for (const auto& one : gone) {
      events_.on_gone(region(), one.peer);
      if (alive.expired()) return;
    }
    if (health) events_.on_health(region(), *health);
    if (alive.expired()) return;
    if (restarting) {
      restart_wait_ = std::chrono::duration_cast<Duration>(restarting->reconnect_in);
    }
    if (failed) return lost(std::string(to_text(*failed)));
    packets.clear();
    effects_.packets = std::move(packets);  // keeps its capacity
    pump();
  }

  void pump() {
    if (!upgraded_ || !stream_) {
      timer_.arm(session_->next_deadline());
      return;
    }
    const auto wrote_before = session_->last_packet_written();
    while (session_->has_output() && stream_->queued() < io::ByteStream::kHighWater) {
      out_.clear();
      if (session_->write(kWriteRoom, out_, loop_.now()) == 0) break;
      stream_->write(out_);
    }
    timer_.arm(session_->next_deadline());
    if (session_->last_packet_written() != wrote_before) events_.on_wrote(region());
  }

  void lost(const std::string& why) {
    stream_.reset();
    dial_.reset();
    timer_.disarm();
    events_.on_lost(region(), restart_wait_, why);
  }

  io::Loop& loop_;
  Options options_;
  RelayTrust& trust_;
  Rng& rng_;
  PacketPool& pool_;
  Logger& log_;
  Events& events_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::deque<control::DerpNode> nodes_;  // still to be tried
  control::DerpNode node_;
  std::unique_ptr<io::Dial> dial_;
  std::unique_ptr<io::ByteStream> stream_;
  http::ResponseParser response_;
  bool upgraded_ = false;
  std::optional<DerpSession> session_;
  DerpSession::Effects effects_;
  std::optional<bool> preferred_;
  std::deque<std::pair<NodePublicKey, Packet>> waiting_;  // until there is a session
  std::optional<Duration> restart_wait_;
  TimePoint heard_{};
  Buffer out_;
  io::Timer timer_;
};

DerpLink::DerpLink(
    io::Loop& loop, Options options, RelayTrust& trust, Rng& rng, PacketPool& pool, Logger& log,
    Events& events)
    : impl_(std::make_unique<Impl>(loop, std::move(options), trust, rng, pool, log, events)) {}
DerpLink::~DerpLink() = default;
void DerpLink::send(const NodePublicKey& to, Packet packet) { impl_->send(to, std::move(packet)); }
void DerpLink::note_preferred(bool home) { impl_->note_preferred(home); }
void DerpLink::probe() { impl_->probe(); }

}  // namespace aya::relay
