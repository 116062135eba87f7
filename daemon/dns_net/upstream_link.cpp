#include "daemon/dns_net/upstream_link.h"

#include <utility>

#include "daemon/dns/message_stream.h"
#include "proto/io/tcp_stream.h"

namespace aya::dns_net {
namespace {

constexpr std::size_t kSocketBuffer = 128 * 1024;
constexpr Duration kTcpTimeout = 5s;
// Answers are waited for this long at most.
constexpr Duration kRetireAfter = dns::Forwarder::kGiveUpAfter;

}  // namespace

class UpstreamLink::Socket final : public io::UdpSocket::Handler {
 public:
  explicit Socket(UpstreamLink& link) : link_(link) {}

  bool open() {
    io::UdpOptions options;
    options.socket_buffer = kSocketBuffer;
    auto socket = io::UdpSocket::open(link_.parts_.loop, link_.parts_.pool, options, *this);
    if (!socket) {
      link_.parts_.log.error("cannot ask DNS servers", {{"why", socket.error().detail}});
      return false;
    }
    socket_ = std::move(*socket);
    return true;
  }

  void send(const Endpoint& to, Bytes query) {
    const io::UdpSend one{query, to, {}};
    socket_->send({&one, 1});
    ++sent_;
    last_sent_ = link_.parts_.loop.now();
  }

  unsigned sent() const { return sent_; }
  bool broken() const { return broken_; }
  TimePoint last_sent() const { return last_sent_; }

 private:
  void on_datagrams(std::span<io::UdpReceived> batch) override {
    for (const auto& received : batch) {
      link_.owner_.on_upstream_response(received.from, received.packet.bytes());
    }
  }
  void on_broken(const io::IoError&) override { broken_ = true; }

  UpstreamLink& link_;
  std::unique_ptr<io::UdpSocket> socket_;
  unsigned sent_ = 0;
  bool broken_ = false;
  TimePoint last_sent_{};
};

// Shared with its own callbacks, which end it.
class UpstreamLink::TcpExchange final : public io::ByteStream::Handler {
 public:
  TcpExchange(UpstreamLink& link, const dns::Forwarder::Send& query)
      : link_(&link),
        ticket_(query.ticket),
        deadline_(link.parts_.loop, [this] { over(std::string("no answer in time")); }) {
    dns::write_stream_message(query.query, query_);
    deadline_.arm_in(kTcpTimeout);
    connect_ = std::make_unique<io::TcpConnect>(
        link.parts_.loop, std::vector{query.to.at}, io::SocketOptions{}, kTcpTimeout,
        [this](Result<io::Connected, io::IoError> connected) {
          if (!connected) return over(connected.error().detail);
          stream_ = std::move(connected->stream);
          connect_.reset();
          stream_->write(query_);
          stream_->start(*this);
        });
  }

  void end() {
    link_ = nullptr;
    deadline_.disarm();
    connect_.reset();
    stream_.reset();
  }

 private:
  void on_bytes(Bytes bytes) override {
    in_.add(bytes);
    if (auto response = in_.take()) over(*std::move(response));
  }
  void on_closed(const io::IoError& why) override { over(why.detail); }

  void over(const Result<Buffer, std::string>& response) {
    if (link_ != nullptr) link_->end_tcp(ticket_, response);
  }

  UpstreamLink* link_;  // nullptr: over
  Ticket ticket_;
  Buffer query_;
  dns::MessageStream in_;
  std::unique_ptr<io::TcpConnect> connect_;
  std::unique_ptr<io::ByteStream> stream_;
  io::Timer deadline_;
};

UpstreamLink::UpstreamLink(const Parts& parts, Owner& owner)
    : parts_(parts), owner_(owner), retire_timer_(parts.loop, [this] { close_retired(); }) {}

UpstreamLink::~UpstreamLink() {
  for (const auto& [ticket, exchange] : tcp_) exchange->end();
}

void UpstreamLink::send(const dns::Forwarder::Send& query) {
  switch (query.way) {
    case dns::Forwarder::Way::Udp:
      return send_udp(query.to.at, query.query);
    case dns::Forwarder::Way::Tcp:
      return send_tcp(query);
    case dns::Forwarder::Way::Https:
      return send_https(query);
  }
}

void UpstreamLink::send_udp(const Endpoint& to, Bytes query) {
  const bool worn = sockets_.empty() || sockets_.back()->broken() ||
                    (sockets_.back()->sent() >= kQueriesPerSocket && sockets_.size() < kMaxSockets);
  if (worn) {
    auto fresh = std::make_unique<Socket>(*this);
    if (fresh->open()) sockets_.push_back(std::move(fresh));
    if (sockets_.empty()) return;  // as if it were lost on the way; it was logged
    if (sockets_.size() > 1 && !retire_timer_.armed()) retire_timer_.arm_in(kRetireAfter);
  }
  sockets_.back()->send(to, query);
}

void UpstreamLink::close_retired() {
  const TimePoint now = parts_.loop.now();
  while (sockets_.size() > 1 && sockets_.front()->last_sent() + kRetireAfter <= now) {
    sockets_.pop_front();
  }
  if (sockets_.size() > 1) retire_timer_.arm(sockets_.front()->last_sent() + kRetireAfter);
}

void UpstreamLink::send_tcp(const dns::Forwarder::Send& query) {
  if (tcp_.size() >= kMaxTcp) return fail_later(query.ticket);
  tcp_.emplace(query.ticket, std::make_shared<TcpExchange>(*this, query));
}

void UpstreamLink::end_tcp(const Ticket& ticket, const Result<Buffer, std::string>& response) {
  const auto found = tcp_.find(ticket);
  if (found == tcp_.end()) return;
  const auto keep = found->second;  // it is what calls
  tcp_.erase(found);
  const Result<Buffer, std::string> copy = response;
  keep->end();
  if (copy) {
    owner_.on_upstream_stream(ticket, *copy);
  } else {
    owner_.on_upstream_failure(ticket);
  }
}

void UpstreamLink::send_https(const dns::Forwarder::Send& query) {
  DohClientLink* client = client_for(query.to);
  if (client == nullptr) return fail_later(query.ticket);
  client->ask(query.query, [this, ticket = query.ticket](Result<Buffer, std::string> response) {
    if (response) {
      owner_.on_upstream_stream(ticket, *response);
    } else {
      owner_.on_upstream_failure(ticket);
    }
  });
}

DohClientLink* UpstreamLink::client_for(const dns::Upstream& server) {
  const auto known = https_.find(server);
  if (known != https_.end()) return known->second.get();
  if (https_.size() >= kMaxHttpsServers) drop_idle_clients();
  const auto url = http::Url::parse(server.url);
  if (!url || https_.size() >= kMaxHttpsServers) return nullptr;
  auto client = std::make_shared<DohClientLink>(
      parts_.loop, parts_.log, parts_.roots,
      DohClientLink::Config{.url = *url, .addresses = server.addresses, .socket = {}});
  return https_.emplace(server, std::move(client)).first->second.get();
}

void UpstreamLink::drop_idle_clients() {
  for (auto at = https_.begin(); at != https_.end();) {
    if (!at->second->is_idle()) {
      ++at;
      continue;
    }
    parts_.loop.post([later = at->second] {});
    at = https_.erase(at);
  }
}

void UpstreamLink::fail_later(const Ticket& ticket) {
  parts_.loop.post([this, ticket, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) owner_.on_upstream_failure(ticket);
  });
}

}  // namespace aya::dns_net
