// Forwarder passes queries that are not ours to upstream servers and their answers back.
//
// Which servers: the longest suffix in `routes` that covers the name, else the defaults. A query
// goes to the first server at once; to the next one each time a step passes without an answer, or
// when one fails; and the first good answer wins (answers other than SERVFAIL, REFUSED, NOTIMP and
// FORMERR are good). A server that stayed silent while another answered goes behind the others for
// a while. When time is up the asker gets the best failure seen, or SERVFAIL.
//
// How a server is asked:
//   by address    UDP. A truncated answer goes to askers by UDP as it is, since they will come back
//                 by TCP; for the others the server is asked again by TCP. When all stay silent for
//                 two seconds they are asked by TCP too: some networks block UDP to port 53.
//   by URL        DNS over HTTPS (RFC 8484); "http://" is for servers inside the tunnel.
//
// Every query sent has its own random id, and an answer counts only from the server that was asked,
// with that id and the same question: a forger must guess. (The shell changes its source port.)
// Identical questions in flight are each sent: askers' EDNS options may differ.
//
// Pure: the caller sends, receives, and calls advance() no later than next_deadline(). One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/dns/dns_message.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/netaddr/endpoint.h"

namespace aya::dns {

// A server to ask: an address, or a URL with what is known of its host's addresses.
struct Upstream {
  Upstream() = default;
  Upstream(Endpoint server) : at(server) {}
  Upstream(std::string doh_url, std::vector<IpAddress> known)
      : url(std::move(doh_url)), addresses(std::move(known)) {}

  Endpoint at;
  std::string url;                   // not empty: `at` means nothing
  std::vector<IpAddress> addresses;  // of the URL's host

  // As a person writes it: without the usual port.
  std::string to_text() const {
    if (!url.empty()) return url;
    return at.port == kDnsPort ? at.address.to_text() : at.to_text();
  }
  friend auto operator<=>(const Upstream&, const Upstream&) = default;
};
using Upstreams = std::vector<Upstream>;

struct ForwarderConfig {
  Upstreams upstreams;                                   // for everything else
  std::map<std::string, Upstreams, std::less<>> routes;  // "corp.example." -> servers
  // For peers that use this node as their exit; empty: as for the host itself.
  Upstreams for_peers{};

  friend bool operator==(const ForwarderConfig&, const ForwarderConfig&) = default;
};

class Forwarder {
 public:
  static constexpr Duration kTryNextAfter = 300ms;
  static constexpr Duration kTryTcpAfter = 2s;
  static constexpr Duration kGiveUpAfter = 5s;
  static constexpr Duration kShunFor = 30s;          // a silent server
  static constexpr std::size_t kMaxInFlight = 1024;  // more are refused: a host cannot need them

  enum class Way : std::uint8_t { Udp, Tcp, Https };
  enum class For : std::uint8_t { Host, Peer };

  // Names one attempt by TCP or HTTPS; never reused.
  struct Ticket {
    std::uint64_t transaction = 0;
    std::uint16_t attempt = 0;
    friend auto operator<=>(const Ticket&, const Ticket&) = default;
  };
  struct Send {
    Upstream to;
    Way way = Way::Udp;
    Buffer query;
    Ticket ticket;  // by TCP and HTTPS: for on_stream_response() or on_stream_failure()
  };
  struct Reply {
    std::uint64_t asker;  // what query() was given
    Buffer response;      // carries the asker's own id, and fits its size limit
  };
  struct Effects {
    std::vector<Send> to_servers;
    std::vector<Reply> to_askers;
    void clear() {
      to_servers.clear();
      to_askers.clear();
    }
  };
  struct Counters {
    std::uint64_t queries = 0, answered = 0, failed = 0, timed_out = 0, overload = 0;
    std::uint64_t by_udp = 0, by_tcp = 0, by_https = 0;  // sent to servers
    std::uint64_t truncated = 0;                         // answers by UDP
    std::uint64_t stray = 0;  // answers that nobody waits for, forged ones among them
  };

  explicit Forwarder(Rng& rng) : rng_(rng) {}  // rng outlives the forwarder

  // Queries in flight go on with the servers they began with.
  void configure(ForwarderConfig config);
  const ForwarderConfig& config() const { return config_; }
  // Who would be asked for a name (any case, with its final dot).
  const Upstreams& servers_for(std::string_view name, For whom = For::Host) const;

  // `over_udp` bounds the response by the asker's EDNS size; a longer one is sent truncated.
  // A message that is no query is ignored: the resolver, which comes first, has refused it.
  void query(
      std::uint64_t asker, Bytes query, bool over_udp, TimePoint now, Effects& out,
      For whom = For::Host);
  void on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out);
  void on_stream_response(const Ticket& ticket, Bytes response, TimePoint now, Effects& out);
  void on_stream_failure(const Ticket& ticket, TimePoint now, Effects& out);
  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  std::size_t in_flight() const { return in_flight_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  // One server asked one way.
  struct Attempt {
    Upstream to;
    Way way = Way::Udp;
    enum class State { Planned, Sent, Over } state = State::Planned;
    TimePoint sent_at{};
  };
  struct Transaction {
    std::uint64_t serial = 0;
    std::uint64_t asker = 0;
    Buffer query;  // as asked, but for the EDNS size
    Query parsed;
    bool over_udp = false;
    std::size_t size_limit = 0;     // of the response
    std::vector<Attempt> attempts;  // servers in order, then those by address again by TCP
    std::optional<Buffer> failure;  // the first failing answer
    std::optional<Buffer> partial;  // a truncated one
    TimePoint began, try_next_at, give_up_at;
  };
  using InFlight = std::map<std::uint16_t, Transaction>;

  std::uint16_t fresh_id();
  std::vector<Attempt> plan(Upstreams servers, TimePoint now) const;
  void ask_next(InFlight::iterator at, TimePoint now, Effects& out);
  void ask(InFlight::iterator at, std::size_t attempt, TimePoint now, Effects& out);
  void on_answer(
      InFlight::iterator at, std::size_t attempt, Bytes response, const Query& parsed,
      TimePoint now, Effects& out);
  void on_failed_attempt(InFlight::iterator at, std::size_t attempt, TimePoint now, Effects& out);
  void end_server(Transaction& transaction, const Upstream& server);
  void note_silence(const Transaction& transaction, std::size_t answered, TimePoint now);
  InFlight::iterator find(const Ticket& ticket);
  void give_up(InFlight::iterator at, Effects& out);
  void finish(InFlight::iterator at, Bytes response, Effects& out);

  Rng& rng_;
  ForwarderConfig config_;
  InFlight in_flight_;
  std::map<std::uint64_t, std::uint16_t> by_serial_;
  std::map<Upstream, TimePoint> shunned_until_;
  std::uint64_t last_serial_ = 0;
  Counters counters_;
};

}  // namespace aya::dns
