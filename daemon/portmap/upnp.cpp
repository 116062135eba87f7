#include "daemon/portmap/upnp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace aya::portmap {
namespace {

constexpr int kMaxConflicts = 3;
constexpr std::uint16_t kLowestPort = 1024;  // below it gateways keep their own services
constexpr std::chrono::duration<std::uint32_t> kLease{7200};

// That can map ports, best first.
constexpr std::array<std::string_view, 3> kServiceTypes = {
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANPPPConnection:1"};

auto rank(const Igd::Service& service) { return std::ranges::find(kServiceTypes, service.type); }
bool gives_any_port(const Igd::Service& service) { return service.type == kServiceTypes[0]; }

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port == 0) return std::nullopt;
  return port;
}

class Conversation {
 public:
  Conversation(const UpnpTask& task, Igd& igd, Rng& rng) : task_(task), igd_(igd), rng_(rng) {}

  UpnpAnswer run() {
    UpnpAnswer answer;
    answer.id = task_.id;
    const auto way = best_way_out();
    if (!way) return answer;
    const auto port = map(way->service);
    answer.unusable = unusable_;
    if (!port) return answer;
    const UpnpHold hold{way->service.control_url, way->service.type, *port};
    if (task_.held && *task_.held != hold) give_back(*task_.held, igd_);
    answer.granted = UpnpAnswer::Grant{{*way->address, *port}, hold};
    return answer;
  }

 private:
  struct WayOut {
    Igd::Service service;
    std::optional<IpAddress> address;
    int score = 0;
  };

  std::optional<WayOut> best_way_out() const {
    for (const GatewayUrl& url : task_.descriptions) {
      auto best = best_of(services_at(url));
      if (best) return best->address ? best : std::nullopt;
    }
    return std::nullopt;
  }

  // What a stranger could slip in is left out: a service on another host than the gateway, or a
  // gateway that was reached by another way than the network it is the gateway of.
  std::vector<Igd::Service> services_at(const GatewayUrl& url) const {
    const auto said = igd_.describe(url.to_text());
    if (!said || IpAddress::parse(said->seen_from) != task_.internal.address) return {};
    std::vector<Igd::Service> usable;
    for (const Igd::Service& service : said->services) {
      const auto control = GatewayUrl::parse(service.control_url);
      const bool at_gateway = control && control->server.address == url.server.address;
      if (at_gateway && rank(service) != kServiceTypes.end()) usable.push_back(service);
    }
    std::ranges::stable_sort(usable, {}, rank);
    return usable;
  }

  // A connection that is up and has a public address is the one; of others the best is taken.
  std::optional<WayOut> best_of(const std::vector<Igd::Service>& services) const {
    constexpr int kUp = 1, kPrivate = 2, kPublic = 3;
    std::optional<WayOut> best;
    for (const Igd::Service& service : services) {
      WayOut way{service, address_of(service), 0};
      const std::string status = igd_.status(service);
      const bool up = status == "Connected" || status == "Up";
      if (up) way.score = !way.address ? kUp : is_public(*way.address) ? kPublic : kPrivate;
      if (!best || way.score > best->score) best = std::move(way);
      if (best->score == kPublic) break;
    }
    return best;
  }

  std::optional<IpAddress> address_of(const Igd::Service& service) const {
    const auto address = IpAddress::parse(igd_.external_address(service));
    if (!address || address->is_unspecified() || address->is_loopback()) return std::nullopt;
    return address;
  }

  std::optional<std::uint16_t> map(const Igd::Service& service) {
    const auto port = add(service, task_.preferred_external);
    if (!port) return std::nullopt;
    switch (look_at(service, *port)) {
      case Verdict::Good:
        return port;
      case Verdict::NotThere:
        return std::nullopt;
      case Verdict::WrongPort:
        igd_.remove(service, *port);
        break;
      case Verdict::SomebodyElses:
        break;
    }
    const auto other = add(service, 0);
    if (other && look_at(service, *other) == Verdict::Good) return other;
    return std::nullopt;
  }

  std::optional<std::uint16_t> add(const Igd::Service& service, std::uint16_t port) {
    for (int conflicts = 0; conflicts <= kMaxConflicts;) {
      // Port 0 would mean every port, so one is chosen here.
      if (port < kLowestPort) port = random_port();
      const auto lease = permanent_ ? decltype(kLease)(0) : kLease;
      const Igd::Mapping wanted{port, task_.internal, lease};
      const Igd::Added added = gives_any_port(service)
                                   ? igd_.add_any(service, wanted)
                                   : Igd::Added{igd_.add(service, wanted), std::to_string(port)};
      switch (added.error) {
        case UpnpError::None:
          return port_of(added.external_port);
        case UpnpError::OnlyPermanentLeases:
        case UpnpError::InvalidArguments:
          if (std::exchange(permanent_, true)) return std::nullopt;
          break;
        case UpnpError::Conflict:
          ++conflicts;
          port = 0;
          break;
        case UpnpError::InvalidAction:
        case UpnpError::ActionFailed:
        case UpnpError::NotAuthorized:
          unusable_ = true;
          return std::nullopt;
        default:
          return std::nullopt;
      }
    }
    return std::nullopt;
  }

  // Some gateways put down another internal port than they were asked for.
  enum class Verdict { Good, NotThere, WrongPort, SomebodyElses };
  Verdict look_at(const Igd::Service& service, std::uint16_t port) const {
    const Igd::Found found = igd_.find(service, port);
    if (found.error == UpnpError::NoSuchEntry) return Verdict::NotThere;
    if (found.error != UpnpError::None) return Verdict::Good;  // it cannot say: believe it
    if (IpAddress::parse(found.client) != task_.internal.address) return Verdict::SomebodyElses;
    return port_of(found.port) == task_.internal.port ? Verdict::Good : Verdict::WrongPort;
  }

  std::uint16_t random_port() {
    return static_cast<std::uint16_t>(kLowestPort + rng_.below(65536 - kLowestPort));
  }

  const UpnpTask& task_;
  Igd& igd_;
  Rng& rng_;
  bool permanent_ = false;
  bool unusable_ = false;
};

}  // namespace

UpnpAnswer map_by_upnp(const UpnpTask& task, Igd& igd, Rng& rng) {
  return Conversation(task, igd, rng).run();
}

void give_back(const UpnpHold& hold, Igd& igd) {
  igd.remove({hold.service_type, hold.control_url}, hold.external_port);
}

bool is_public(const IpAddress& address) {
  if (address.is_unspecified() || address.is_loopback() || address.is_private() ||
      address.is_multicast() || address.is_link_local_unicast()) {
    return false;
  }
  const bool carrier = address.is_v4() && address.v4_host_order() >> 22 == 0x6440'0000u >> 22;
  return !carrier;  // 100.64.0.0/10
}

}  // namespace aya::portmap
