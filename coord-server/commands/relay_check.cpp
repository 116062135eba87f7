#include "coord-server/commands/relay_check.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "proto/base/rng.h"
#include "proto/control/derp_map.h"
#include "proto/control/json_text.h"
#include "proto/http/http1_parser.h"
#include "proto/io/dial.h"
#include "proto/io/name_lookup.h"
#include "proto/io/timer.h"
#include "proto/io/udp_socket.h"
#include "proto/stun/binding.h"

namespace aya::coord {
namespace {

constexpr Duration kPatience = 4s;
constexpr std::uint16_t kTlsPort = 443;

using Answer = RelayCheck::Answer;

Answer took(Duration time) {
  std::array<char, 32> text;
  std::snprintf(
      text.data(), text.size(), "%.1f ms", std::chrono::duration<double, std::milli>(time).count());
  return {true, text.data()};
}

std::vector<IpAddress> addresses_in(const control::DerpNode& node) {
  std::vector<IpAddress> out;
  for (const std::string& text : {node.ipv4, node.ipv6}) {
    if (const auto address = IpAddress::parse(text)) out.push_back(*address);
  }
  return out;
}

tls::TlsTrust trust_in(const control::DerpNode& node) {
  if (node.insecure_for_tests) return tls::TlsTrust::insecure();
  const auto pin = tls::parse_pin(node.cert_name);
  return pin ? tls::TlsTrust::pinned(*pin) : tls::TlsTrust::roots();
}

// From the first byte of TLS to the answer to the question clients ask to measure a relay.
class RelayProbe final : io::ByteStream::Handler {
 public:
  RelayProbe(io::Loop& loop, const control::DerpNode& node)
      : loop_(loop), node_(node), tls_(trust_in(node)), began_(loop.now()) {
    io::DialTarget target;
    target.host = node.host_name;
    target.port = node.derp_port == 0 ? kTlsPort : static_cast<std::uint16_t>(node.derp_port);
    target.addresses = addresses_in(node);
    target.tls = &tls_;
    if (!node.cert_name.empty() && !tls::parse_pin(node.cert_name)) {
      target.tls_name = node.cert_name;
    }
    target.offer_http11 = true;
    target.timeout = kPatience;
    dial_ = std::make_unique<io::Dial>(loop, target, [this](Result<io::Dialled, io::IoError> got) {
      if (!got) return finish({false, got.error().detail});
      stream_ = std::move(got->stream);
      stream_->start(*this);
      const std::string question = "GET /derp/latency-check HTTP/1.1\r\nHost: " + node_.host_name +
                                   "\r\nConnection: close\r\n\r\n";
      stream_->write(as_bytes(question));
    });
  }

  const std::optional<Answer>& answer() const { return answer_; }

 private:
  void on_bytes(Bytes bytes) override {
    if (!parser_.feed(bytes)) return finish({false, "does not speak HTTP"});
    if (!parser_.complete() && !parser_.end_of_input()) return;
    const http::Response response = parser_.take();
    if (response.status >= 300) {
      return finish({false, "no relay: it answers " + std::to_string(response.status)});
    }
    finish(took(loop_.now() - began_));
  }
  void on_closed(const io::IoError& why) override { finish({false, why.detail}); }

  void finish(Answer answer) {
    if (!answer_) answer_ = std::move(answer);
  }

  io::Loop& loop_;
  const control::DerpNode& node_;
  tls::TlsClientContext tls_;
  TimePoint began_;
  http::ResponseParser parser_;
  std::optional<Answer> answer_;
  std::unique_ptr<io::ByteStream> stream_;
  std::unique_ptr<io::Dial> dial_;
};

class StunProbe final : io::UdpSocket::Handler {
 public:
  StunProbe(io::Loop& loop, Rng& rng, const control::DerpNode& node) : loop_(loop), rng_(rng) {
    port_ = node.stun_port == 0 ? stun::kDefaultPort : static_cast<std::uint16_t>(node.stun_port);
    auto socket = io::UdpSocket::open(loop, pool_, {}, *this);
    if (!socket) {
      answer_ = Answer{false, socket.error().detail};
      return;
    }
    socket_ = std::move(*socket);
    if (auto known = addresses_in(node); !known.empty()) {
      ask(known);
      return;
    }
    lookup_ = std::make_unique<io::NameLookup>(
        loop, node.host_name, [this](io::NameLookup::Answer found) {
          if (!found) {
            answer_ = Answer{false, found.error().detail};
          } else {
            ask(*found);
          }
        });
  }

  const std::optional<Answer>& answer() const { return answer_; }

 private:
  // A datagram may be lost: asked three times, as clients do.
  void ask(const std::vector<IpAddress>& addresses) {
    addresses_ = addresses;
    again_ = std::make_unique<io::Timer>(loop_, [this] { send(); });
    send();
  }

  void send() {
    if (answer_ || tries_++ == 3) return;
    tx_id_ = rng_.array<12>();
    began_ = loop_.now();
    const auto question = stun::make_request(tx_id_);
    for (const IpAddress& address : addresses_) {
      const std::array<io::UdpSend, 1> one = {io::UdpSend{question, {address, port_}, {}}};
      socket_->send(one);
    }
    again_->arm(loop_.now() + 1s);
  }

  void on_datagrams(std::span<io::UdpReceived> batch) override {
    for (const io::UdpReceived& each : batch) {
      const auto response = stun::parse_response(each.packet.bytes());
      if (response && response->tx_id == tx_id_ && !answer_) answer_ = took(loop_.now() - began_);
    }
  }

  io::Loop& loop_;
  Rng& rng_;
  std::uint16_t port_ = 0;
  int tries_ = 0;
  stun::TxId tx_id_{};
  TimePoint began_{};
  std::vector<IpAddress> addresses_;
  std::optional<Answer> answer_;
  PacketPool pool_;
  std::unique_ptr<io::UdpSocket> socket_;
  std::unique_ptr<io::NameLookup> lookup_;
  std::unique_ptr<io::Timer> again_;
};

struct Probes {
  const control::DerpNode& node;
  RegionId region;
  std::unique_ptr<RelayProbe> relay;
  std::unique_ptr<StunProbe> stun;

  bool done() const { return (!relay || relay->answer()) && (!stun || stun->answer()); }
};

template <class Probe>
Answer answer_of(const std::unique_ptr<Probe>& probe) {
  if (!probe) return {};
  return probe->answer().value_or(Answer{false, "no answer"});
}

}  // namespace

Result<std::vector<RelayCheck>, Failure> check_relays(std::string_view text) {
  const auto map = control::decode<control::DerpMap>(text);
  if (!map || !map->regions) {
    return Failure{Exit::Failed, "the server sent no map of relays"};
  }
  io::Loop loop;
  SystemRng rng;
  std::vector<Probes> probes;
  for (const auto& [id, region] : *map->regions) {
    for (const control::DerpNode& node : region.nodes) {
      Probes& one = probes.emplace_back(Probes{node, id, nullptr, nullptr});
      if (!node.stun_only) one.relay = std::make_unique<RelayProbe>(loop, node);
      if (node.stun_port >= 0) one.stun = std::make_unique<StunProbe>(loop, rng, node);
    }
  }
  loop.run_until([&] { return std::ranges::all_of(probes, &Probes::done); }, kPatience + 1s);
  std::vector<RelayCheck> out;
  for (const Probes& each : probes) {
    out.push_back({each.region, each.node.name, answer_of(each.relay), answer_of(each.stun)});
  }
  return out;
}

}  // namespace aya::coord
