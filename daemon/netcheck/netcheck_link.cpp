#include "daemon/netcheck/netcheck_link.h"

#include <algorithm>

#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"

namespace aya::netcheck {

// Dials the region, then times one small request on the open connection (nat-traversal 5.6).
struct NetcheckLink::Https final : io::ByteStream::Handler {
  using Done = std::function<void(std::optional<Duration>)>;

  Https(io::Loop& on, io::DialTarget target, Done when_done)
      : loop(on), host(target.host), done(std::move(when_done)) {
    dial = std::make_unique<io::Dial>(
        loop, std::move(target), [this](Result<io::Dialled, io::IoError> result) {
          if (!result) return finish(std::nullopt);
          stream = std::move(result->stream);
          http::Request request;
          request.target = "/derp/latency-check";
          request.headers.add("Host", host);
          Buffer out;
          http::write_request(request, out);
          sent = loop.now();
          stream->write(out);
          stream->start(*this);
        });
  }

  void on_bytes(Bytes bytes) override {
    if (!parser.feed(bytes)) return finish(std::nullopt);
    if (!parser.head_done()) return;
    if (parser.head().status > 299) return finish(std::nullopt);
    finish(loop.now() - sent);
  }
  void on_closed(const io::IoError&) override { finish(std::nullopt); }

  // The call destroys this object, so the function must not be a part of it any more.
  void finish(std::optional<Duration> latency) {
    const Done call = std::move(done);
    call(latency);
  }

  io::Loop& loop;
  std::string host;
  Done done;
  std::unique_ptr<io::Dial> dial;
  std::unique_ptr<io::ByteStream> stream;
  http::ResponseParser parser;
  TimePoint sent{};
};

NetcheckLink::NetcheckLink(io::Loop& loop, Rng& rng, Owner& owner)
    : loop_(loop), owner_(owner), check_(rng), timer_(loop, [this] { on_timer(); }) {}

NetcheckLink::~NetcheckLink() = default;

void NetcheckLink::start(Scope scope) {
  periodic_ = true;
  check_.start(scope, owner_.host_network(), loop_.now(), effects_);
  carry_out();
}

void NetcheckLink::stop() {
  periodic_ = false;
  lookups_.clear();
  https_.clear();
}

bool NetcheckLink::on_stun(Bytes datagram) {
  const bool ours = check_.on_stun(datagram, loop_.now(), effects_);
  carry_out();
  return ours;
}

void NetcheckLink::note_relay_frame(RegionId region) {
  check_.note_relay_frame(region, loop_.now());
}

void NetcheckLink::on_timer() {
  const TimePoint now = loop_.now();
  check_.advance(now, effects_);
  const auto next = check_.next_check_at();
  if (periodic_ && !check_.running() && next && *next <= now && owner_.wants_periodic_checks()) {
    check_.start(Scope::Automatic, owner_.host_network(), now, effects_);
  }
  carry_out();
}

// Owner's calls may lead back here (a probe that fails at once ends the check): what they add is
// taken by the loop that is already running.
void NetcheckLink::carry_out() {
  if (carrying_out_) return;
  carrying_out_ = true;
  bool more = true;
  while (more) {
    Effects effects = std::exchange(effects_, {});
    for (const Probe& probe : effects.probes) send(probe);
    for (const HttpsProbe& probe : effects.https) measure_https(probe.region);
    if (effects.endpoints_changed) owner_.on_netcheck_news();
    if (effects.finished) {
      lookups_.clear();
      https_.clear();
      owner_.on_netcheck_news();
      owner_.on_netcheck_finished(*effects.finished);
    }
    more = !effects_.probes.empty() || !effects_.https.empty() || effects_.endpoints_changed ||
           effects_.finished;
  }
  carrying_out_ = false;

  std::optional<TimePoint> next = check_.next_deadline();
  // While nothing needs the answers a due check waits, and is looked at again a little later.
  if (periodic_ && !check_.running()) {
    if (const auto at = check_.next_check_at())
      next = earlier(next, std::max(*at, loop_.now() + 1s));
  }
  timer_.arm(next);
}

void NetcheckLink::send(const Probe& probe) {
  if (probe.address) return send_to(probe, *probe.address);
  lookups_[probe.tx_id] = std::make_unique<io::NameLookup>(
      loop_, probe.host, [this, probe](io::NameLookup::Answer answer) {
        const auto wanted = [&](const IpAddress& address) { return address.is_v6() == probe.ipv6; };
        const IpAddress* found = nullptr;
        if (answer) {
          const auto at = std::ranges::find_if(*answer, wanted);
          if (at != answer->end()) found = &*at;
        }
        if (found != nullptr) {
          send_to(probe, *found);
        } else {
          check_.note_sent(probe.tx_id, false, loop_.now());
        }
        lookups_.erase(probe.tx_id);
        carry_out();
      });
}

void NetcheckLink::send_to(const Probe& probe, const IpAddress& address) {
  const bool sent = owner_.send_stun(probe.datagram, Endpoint{address, probe.port});
  check_.note_sent(probe.tx_id, sent, loop_.now());
}

void NetcheckLink::measure_https(RegionId region) {
  auto target = owner_.relay_target(region);
  if (!target) return check_.note_https(region, std::nullopt, loop_.now(), effects_);
  https_[region] = std::make_unique<Https>(
      loop_, *std::move(target), [this, region](std::optional<Duration> latency) {
        https_.erase(region);
        check_.note_https(region, latency, loop_.now(), effects_);
        carry_out();
      });
}

}  // namespace aya::netcheck
