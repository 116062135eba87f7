#include <algorithm>
#include <cmath>

#include "cli/commands/table.h"
#include "cli/nodes.h"
#include "cli/text.h"
#include "proto/local/ping_result.h"

namespace aya::cli {
namespace {

using local::PingResult;
using local::PingType;

constexpr Duration kBetweenPings = 1s;

struct PingFlags {
  std::uint64_t count = 10;  // 0: without end
  std::uint64_t size = 0;
  Duration timeout = 5s;
  bool until_direct = true;
  bool tsmp = false, icmp = false, peer_api = false;
  bool verbose = false, json = false;

  PingType type() const {
    if (tsmp) return PingType::Tsmp;
    if (icmp) return PingType::Icmp;
    return peer_api ? PingType::PeerApi : PingType::Disco;
  }
};

Duration latency_of(const PingResult& pong) {
  return Duration(static_cast<std::int64_t>(std::llround(pong.latency_seconds * 1e9)));
}

std::string way_of(const PingResult& pong, PingType type) {
  if (type != PingType::Disco) return std::string(to_text(type));
  if (!pong.peer_relay.empty()) return "peer-relay(" + pong.peer_relay + ")";
  if (pong.derp_region_id != 0) return "DERP(" + pong.derp_region_code + ")";
  return pong.endpoint;
}

// The line that scripts match (interfaces 3.8).
std::string line_of(const PingResult& pong, PingType type) {
  const std::string took = go_duration_rounded(latency_of(pong), 1ms);
  if (type == PingType::PeerApi) {
    return "hit peerapi of " + pong.node_ip + " (" + printable(pong.node_name) + ") at " +
           printable(pong.peer_api_url) + " in " + took;
  }
  const std::string port = pong.peer_api_port == 0 ? "" : ", " + std::to_string(pong.peer_api_port);
  return "pong from " + printable(pong.node_name) + " (" + printable(pong.node_ip) + port +
         ") via " + printable(way_of(pong, type)) + " in " + took;
}

// What `--verbose` adds up at the end.
class Tally {
 public:
  void sent() { ++sent_; }
  void heard(const PingResult& pong, std::string way) {
    latencies_.push_back(latency_of(pong));
    if (!way_.empty() && way != way_) ++path_changes_;
    way_ = std::move(way);
  }
  bool any() const { return !latencies_.empty(); }

  std::string summary() const {
    std::string text =
        std::to_string(latencies_.size()) + " of " + std::to_string(sent_) + " answered";
    if (latencies_.empty()) return text;
    const auto [low, high] = std::ranges::minmax(latencies_);
    Duration sum{};
    for (const Duration latency : latencies_) sum += latency;
    const auto shown = [](Duration d) { return go_duration_rounded(d, 10us); };
    return text + ", min/avg/max " + shown(low) + "/" +
           shown(sum / static_cast<std::int64_t>(latencies_.size())) + "/" + shown(high) + ", " +
           std::to_string(path_changes_) + " path changes";
  }

 private:
  std::size_t sent_ = 0;
  std::vector<Duration> latencies_;
  std::string way_;
  std::size_t path_changes_ = 0;
};

// Until an answer satisfies, an error ends it, or the count is reached.
class Pinger {
 public:
  Pinger(Context& context, const PingFlags& flags, std::string ip)
      : context_(context), flags_(flags), ip_(std::move(ip)) {}

  Outcome run() {
    for (std::uint64_t sent = 1;; ++sent) {
      const TimePoint began = context_.console.now();
      auto ended = ping_once();
      if (!ended) return ended.error();
      if (*ended) return {};
      if (sent == flags_.count) return verdict();
      context_.console.sleep_until(began + kBetweenPings);
    }
  }

  const Tally& tally() const { return tally_; }

 private:
  // True: no need to go on.
  Result<bool, Failure> ping_once() {
    tally_.sent();
    const std::string target = "ping?ip=" + ip_ + "&type=" + std::string(to_text(flags_.type())) +
                               (flags_.size != 0 ? "&size=" + std::to_string(flags_.size) : "");
    const auto answer = context_.client.call("POST", target, "", flags_.timeout);
    if (!answer) {
      if (answer.error().kind != ClientError::Kind::TimedOut) {
        return context_.failure(answer.error());
      }
      if (!flags_.json) context_.out("ping " + in_quotes(ip_) + " timed out\n");
      return false;
    }
    if (flags_.json) context_.out(std::string(trim(*answer)) + "\n");
    const auto pong = local::parse_ping_result(*answer);
    if (!pong) return Failure{Exit::Failed, "the daemon's answer is not readable"};
    return judge(*pong);
  }

  Result<bool, Failure> judge(const PingResult& pong) {
    if (pong.is_local_ip) {
      if (!flags_.json) context_.out(printable(pong.err) + "\n");
      return true;
    }
    if (!pong.err.empty()) {
      const bool nobody = pong.err.starts_with("no matching peer");
      return Failure{nobody ? Exit::NoSuchNode : Exit::Failed, printable(pong.err)};
    }
    if (!flags_.json) context_.out(line_of(pong, flags_.type()) + "\n");
    tally_.heard(pong, way_of(pong, flags_.type()));
    return flags_.type() != PingType::Disco || (flags_.until_direct && !pong.endpoint.empty());
  }

  Outcome verdict() const {
    if (!tally_.any()) return Failure{Exit::TimedOut, "no reply"};
    if (!flags_.until_direct) return {};
    return Failure{Exit::NotAsWished, "direct connection not established"};
  }

  Context& context_;
  const PingFlags& flags_;
  std::string ip_;
  Tally tally_;
};

Result<std::string, Failure> address_of(Context& context, const std::string& who) {
  const auto status = context.status();
  if (!status) return status.error();
  if (auto running = expect_running(context, *status); !running) return running.error();
  if (IpAddress::parse(who)) return who;
  const auto node = find_node(*status, who);
  if (!node) return node.error();
  if ((*node)->tailscale_ips.empty()) return Failure{Exit::NoSuchNode, "the node has no address"};
  return (*node)->tailscale_ips.front().to_text();
}

}  // namespace

Outcome ping(Context& context, const Arguments& args) {
  PingFlags wanted;
  Flags flags;
  flags.number("c", wanted.count, "how many to send; 0: without end (default 10)");
  flags.duration("timeout", wanted.timeout, "how long to wait for an answer (default 5s)");
  flags.boolean(
      "until-direct", wanted.until_direct, "stop at the first direct answer (default true)");
  flags.number("size", wanted.size, "bytes of the whole packet");
  flags.boolean("tsmp", wanted.tsmp, "by a message inside the tunnel");
  flags.boolean("icmp", wanted.icmp, "by ICMP inside the tunnel");
  flags.boolean("peerapi", wanted.peer_api, "by a call to the peer's API");
  flags.boolean("verbose", wanted.verbose, "add up the answers at the end");
  flags.boolean("json", wanted.json, "print each answer as JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() != 1 || left->front().empty()) {
    return Failure{Exit::BadArgument, "usage: " + context.program + " ping <hostname-or-IP>"};
  }
  const auto address = address_of(context, left->front());
  if (!address) return address.error();
  Pinger pinger(context, wanted, *address);
  const Outcome outcome = pinger.run();
  if (wanted.verbose) context.tell(pinger.tally().summary());
  return outcome;
}

}  // namespace aya::cli
