#include "coord-server/relay_server/derp_hub.h"

#include <algorithm>
#include <functional>

#include "coord-server/relay_server/hub_state.h"
#include "proto/derp/hello.h"

namespace aya::relay_server {
namespace {

DerpHub::Options checked(DerpHub::Options options) {
  if (options.receive_rate) {
    options.receive_rate->burst = std::max(options.receive_rate->burst, kMinReceiveBurst);
  }
  return options;
}

bool is_error(CloseReason reason) {
  return reason != CloseReason::PeerClosed && reason != CloseReason::Evicted;
}

}  // namespace

std::string_view to_text(CloseReason reason) {
  switch (reason) {
    case CloseReason::PeerClosed:
      return "peer closed";
    case CloseReason::CutShort:
      return "stream ended inside a frame";
    case CloseReason::NoGreeting:
      return "no greeting in time";
    case CloseReason::BadGreeting:
      return "bad greeting";
    case CloseReason::NotAdmitted:
      return "not admitted";
    case CloseReason::BadFrame:
      return "bad frame";
    case CloseReason::NotPermitted:
      return "mesh frame without the mesh key";
    case CloseReason::WriteTimeout:
      return "write timeout";
    case CloseReason::Evicted:
      return "evicted";
    case CloseReason::TooManyConnections:
      return "too many connections";
  }
  return "unknown";
}

DerpHub::State::State(
    const derp::RelayPrivateKey& key, const Options& with, Admission& who, Rng& random)
    : self(key),
      self_public(key.public_key()),
      options(checked(with)),
      admission(who),
      rng(random) {}

DerpHub::DerpHub(
    const derp::RelayPrivateKey& self, const Options& options, Admission& admission, Rng& rng)
    : state_(std::make_unique<State>(self, options, admission, rng)) {}

DerpHub::~DerpHub() = default;

const derp::RelayPublicKey& DerpHub::public_key() const { return state_->self_public; }

ConnectionId DerpHub::accept(const Endpoint& remote, bool ideal, TimePoint now, Effects& out) {
  const ConnectionId id{state_->next_id++};
  ++state_->counters.accepted;
  if (state_->clients.size() >= state_->options.max_connections) {
    ++state_->counters.closed_for_error;
    out.closed.push_back({id, CloseReason::TooManyConnections});
    return id;
  }
  auto& client = *state_->clients.emplace(id, std::make_unique<RelayClient>()).first->second;
  client.id = id;
  client.remote = remote;
  client.ideal = ideal;
  client.greet_by = now + kGreetWithin;
  state_->wake_at_next_timer(client);
  // Said to fast starters too: they know the key already, and skip or compare it.
  state_->output(client, now, out, [this](OutputQueue& queue) {
    derp::write_server_key(state_->self_public, queue.control());
  });
  return id;
}

void DerpHub::receive(ConnectionId id, Bytes bytes, TimePoint now, Effects& out) {
  RelayClient* client = state_->find(id);
  if (client == nullptr) return;  // closed while these bytes were on their way here
  using Step = derp::FrameReader::Step;
  for (Step step = client->reader.step(bytes); step != Step::NeedMore;
       step = client->reader.step(bytes)) {
    const auto trouble = step == Step::Header ? state_->judge_header(*client, now, out)
                                              : state_->on_frame(*client, now, out);
    if (trouble) return state_->close(*client, *trouble, now, out);
  }
}

void DerpHub::lost(ConnectionId id, TimePoint now, Effects& out) {
  RelayClient* client = state_->find(id);
  if (client == nullptr) return;
  const bool cut = client->reader.inside_payload();
  state_->close(*client, cut ? CloseReason::CutShort : CloseReason::PeerClosed, now, out);
}

std::size_t DerpHub::write(ConnectionId id, std::size_t room, Buffer& out, TimePoint now) {
  RelayClient* client = state_->find(id);
  if (client == nullptr || client->output.empty()) return 0;
  const auto written = client->output.write(room, out);
  state_->counters.packets_sent += written.packets;
  state_->counters.bytes_sent += written.packet_bytes;
  if (client->output.empty()) {
    client->waiting_since.reset();
  } else if (written.bytes > 0) {
    client->waiting_since = now;
  }
  return written.bytes;
}

bool DerpHub::has_output(ConnectionId id) const {
  const RelayClient* client = state_->find(id);
  return client != nullptr && !client->output.empty();
}

std::size_t DerpHub::close_key(const NodePublicKey& node, TimePoint now, Effects& out) {
  return state_->close_key(node, nullptr, now, out);
}

bool DerpHub::is_connected(const NodePublicKey& node) const {
  return state_->holders.contains(node);
}

void DerpHub::set_receive_rate(std::optional<TokenRate> rate) {
  state_->options.receive_rate = rate;
  state_->options = checked(std::move(state_->options));
}

void DerpHub::announce_restart(
    std::chrono::milliseconds reconnect_in, std::chrono::milliseconds try_for, TimePoint now,
    Effects& out) {
  for (auto& [id, client] : state_->clients) {
    if (!client->greeted) continue;
    state_->output(*client, now, out, [&](OutputQueue& queue) {
      derp::write_restarting({reconnect_in, try_for}, queue.control());
    });
  }
}

void DerpHub::advance(TimePoint now, Effects& out) {
  auto& wakes = state_->wakes;
  while (!wakes.empty() && wakes.front().at <= now) {
    std::ranges::pop_heap(wakes, std::greater<>());
    const auto due = wakes.back();
    wakes.pop_back();
    RelayClient* client = state_->find(due.id);
    if (client == nullptr || client->wake_at != due.at) continue;
    client->wake_at.reset();
    state_->on_timers(*client, now, out);
  }
}

std::optional<TimePoint> DerpHub::next_deadline() const {
  if (state_->wakes.empty()) return std::nullopt;
  return state_->wakes.front().at;  // may belong to a timer since disarmed: a call for nothing
}

const RelayCounters& DerpHub::counters() const { return state_->counters; }

RelayGauges DerpHub::gauges() const {
  RelayGauges out;
  out.connections = state_->clients.size();
  out.keys = state_->holders.size();
  for (const auto& [key, held] : state_->holders) out.duplicated_keys += held.all().size() > 1;
  for (const auto& [id, client] : state_->clients) {
    out.at_home += client->at_home;
    out.mesh_peers += client->mesh;
  }
  return out;
}

RelayClient* DerpHub::State::find(ConnectionId id) {
  const auto found = clients.find(id);
  return found == clients.end() ? nullptr : found->second.get();
}

void DerpHub::State::close(RelayClient& client, CloseReason reason, TimePoint now, Effects& out) {
  const ConnectionId id = client.id;
  const bool stalled = reason == CloseReason::WriteTimeout;
  client.output.drop_packets(
      stalled ? DropReason::WriteError : DropReason::GoneDisconnected, counters);
  if (client.greeted) leave(client, now, out);
  counters.closed_for_error += is_error(reason);
  counters.not_admitted += reason == CloseReason::NotAdmitted;
  out.closed.push_back({id, reason});
  clients.erase(id);
}

// Takes a client out of every table that names it, and tells those who want to know.
void DerpHub::State::leave(RelayClient& client, TimePoint now, Effects& out) {
  std::erase(watchers, client.id);
  for (const NodePublicKey& source : client.heard_from) {
    const auto found = listeners.find(source);
    if (found == listeners.end()) continue;
    std::erase(found->second, client.id);
    if (found->second.empty()) listeners.erase(found);
  }
  const auto held = holders.find(client.node);
  AYA_CHECK(held != holders.end());
  held->second.remove(client);
  if (!held->second.empty()) {
    if (held->second.take_all_clear()) {
      output(*held->second.active(), now, out, [](OutputQueue& queue) {
        derp::write_health("", queue.control());
      });
    }
    return;  // the key is still here
  }
  const NodePublicKey node = client.node;
  holders.erase(held);
  const auto say_gone = [&](ConnectionId id) {
    RelayClient* listener = find(id);
    if (listener == nullptr) return;
    listener->heard_from.erase(node);
    if (!listener->mesh && listener->output.control_backlog() > OutputQueue::kBacklog) return;
    output(*listener, now, out, [&](OutputQueue& queue) {
      derp::write_peer_gone(node, derp::PeerGone::kDisconnected, queue.control());
    });
  };
  if (auto told = listeners.extract(node)) {
    for (const ConnectionId id : told.mapped()) say_gone(id);
  }
  for (const ConnectionId id : watchers) say_gone(id);
}

std::size_t DerpHub::State::close_key(
    const NodePublicKey& node, const RelayClient* except, TimePoint now, Effects& out) {
  const auto held = holders.find(node);
  if (held == holders.end()) return 0;
  std::vector<RelayClient*> victims = held->second.all();  // a copy: closing changes the original
  std::erase(victims, except);
  for (RelayClient* victim : victims) close(*victim, CloseReason::Evicted, now, out);
  return victims.size();
}

void DerpHub::State::wake(RelayClient& client, std::optional<TimePoint> at) {
  if (!at || (client.wake_at && *client.wake_at <= *at)) return;
  client.wake_at = *at;
  wakes.push_back({*at, client.id});
  std::ranges::push_heap(wakes, std::greater<>());
}

void DerpHub::State::wake_at_next_timer(RelayClient& client) { wake(client, next_timer(client)); }

std::optional<TimePoint> DerpHub::State::next_timer(const RelayClient& client) const {
  return earlier(
      earlier(client.greet_by, client.keepalive_at),
      earlier(client.paused_until, stalls_at(client)));
}

std::optional<TimePoint> DerpHub::State::stalls_at(const RelayClient& client) const {
  if (!client.waiting_since || options.write_timeout == Duration::zero()) return std::nullopt;
  return *client.waiting_since + (client.mesh ? kMeshWriteTimeout : options.write_timeout);
}

void DerpHub::State::on_timers(RelayClient& client, TimePoint now, Effects& out) {
  if (take_if_due(client.greet_by, now)) return close(client, CloseReason::NoGreeting, now, out);
  if (auto stall = stalls_at(client); take_if_due(stall, now)) {
    return close(client, CloseReason::WriteTimeout, now, out);
  }
  if (take_if_due(client.paused_until, now)) out.pauses.push_back({client.id, false});
  if (take_if_due(client.keepalive_at, now)) {
    client.keepalive_at = now + client.keepalive_every;
    output(client, now, out, [](OutputQueue& queue) { derp::write_keep_alive(queue.control()); });
  }
  wake_at_next_timer(client);
}

}  // namespace aya::relay_server
