// Forwarder passes queries that are not ours to upstream servers and their answers back.
//
// Which servers: the longest suffix in `routes` that covers the name, else the defaults. A query
// goes to the first server at once; to the next one each time a step passes without an answer, or
// when one fails; and the first good answer wins (answers other than SERVFAIL, REFUSED, NOTIMP and
// FORMERR are good). When time is up the asker gets the best failure seen, or SERVFAIL.
//
// Every query sent has its own random id, and an answer counts only from the server that was asked,
// with that id and the same question: a forger must guess. (The shell adds a random source port.)
// Identical questions in flight are each sent: askers' EDNS options may differ.
//
// Pure: the caller sends, receives, and calls advance() no later than next_deadline(). One thread.
#pragma once

#include <map>
#include <vector>

#include "daemon/dns/dns_message.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/netaddr/endpoint.h"

namespace aya::dns {

struct ForwarderConfig {
  std::vector<Endpoint> upstreams;                                   // for everything else
  std::map<std::string, std::vector<Endpoint>, std::less<>> routes;  // "corp.example." -> servers

  friend bool operator==(const ForwarderConfig&, const ForwarderConfig&) = default;
};

class Forwarder {
 public:
  static constexpr Duration kTryNextAfter = 1s;
  static constexpr Duration kGiveUpAfter = 5s;
  static constexpr std::size_t kMaxInFlight = 1024;  // more are refused: a host cannot need them

  struct Send {
    Endpoint to;
    Buffer query;
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
    std::uint64_t stray = 0;  // answers that nobody waits for, forged ones among them
  };

  explicit Forwarder(Rng& rng) : rng_(rng) {}  // rng outlives the forwarder

  // Queries in flight go on with the servers they began with.
  void configure(ForwarderConfig config) { config_ = std::move(config); }
  const ForwarderConfig& config() const { return config_; }

  // `over_udp` bounds the response by the asker's EDNS size; a longer one is sent truncated.
  // A message that is no query is ignored: the resolver, which comes first, has refused it.
  void query(std::uint64_t asker, Bytes query, bool over_udp, TimePoint now, Effects& out);
  void on_response(const Endpoint& from, Bytes response, TimePoint now, Effects& out);
  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

  std::size_t in_flight() const { return in_flight_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Transaction {
    std::uint64_t asker = 0;
    Buffer query;  // as asked
    Query parsed;
    std::size_t size_limit = 0;  // of the response
    std::vector<Endpoint> servers;
    std::vector<bool> failed;       // beside servers
    std::size_t asked = 0;          // servers[0, asked) have been sent to
    std::optional<Buffer> failure;  // the first failing answer
    TimePoint try_next_at, give_up_at;
  };
  using InFlight = std::map<std::uint16_t, Transaction>;

  const std::vector<Endpoint>& servers_for(std::string_view name) const;
  std::uint16_t fresh_id();
  static void ask_next(std::uint16_t id, Transaction& transaction, TimePoint now, Effects& out);
  void give_up(InFlight::iterator at, Effects& out);
  void finish(InFlight::iterator at, Bytes response, Effects& out);

  Rng& rng_;
  ForwarderConfig config_;
  InFlight in_flight_;
  Counters counters_;
};

}  // namespace aya::dns
