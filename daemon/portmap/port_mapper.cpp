#include "daemon/portmap/port_mapper.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace aya::portmap {
namespace {

constexpr std::size_t kMaxGateways = 10;
// So soon after a probe without answers, asking by NAT-PMP again is a waste of time.
constexpr Duration kProbeIsFresh = 5s;
// However long a gateway promises to keep a mapping, it may restart tonight.
constexpr Duration kLongestTrust = 24h;
// UPnP mappings are renewed hourly even where they are permanent.
constexpr Duration kUpnpLifetime = PortMapper::kLifetime;
constexpr Duration kUpnpUnusable = 10min;

bool can_map(const PortMapper::Network& network) {
  return network.gateway.is_v4() && network.gateway.is_private() && network.self.is_v4();
}

}  // namespace

PortMapper::PortMapper(Rng& rng) : rng_(rng), pcp_nonce_(rng.array<12>()) {}

// ---- what the caller tells

void PortMapper::set_network(std::optional<Network> network, TimePoint now, Effects& out) {
  if (network && !can_map(*network)) network.reset();
  if (network == network_) return;
  forget(network.has_value(), now, out);
  network_ = network;
}

void PortMapper::set_local_port(std::uint16_t port, TimePoint now, Effects& out) {
  if (port == local_port_) return;
  forget(true, now, out);
  local_port_ = port;
}

void PortMapper::release(TimePoint now, Effects& out) { forget(true, now, out); }

// Everything that is true of one gateway and one local port.
void PortMapper::forget(bool give_back, TimePoint, Effects& out) {
  if (mapping_ && network_ && give_back) {
    constexpr std::chrono::duration<std::uint32_t> kDelete{0};
    if (mapping_->protocol == Protocol::Pmp) {
      send_to_gateway(pmp_map_request({local_port_, mapping_->external.port, kDelete}), out);
    } else if (mapping_->protocol == Protocol::Pcp) {
      send_to_gateway(pcp_map_request(pcp_request(kDelete)), out);
    }
  }
  if (held_ && give_back) out.give_back.push_back(*held_);
  held_.reset();
  drop_mapping(out);
  out.probed |= std::exchange(report_probe_, false);
  enter(Step::Idle, {});
  ++last_task_;  // what an earlier task brings is about something else
  last_external_port_ = 0;
  pcp_nonce_ = rng_.array<12>();
  pmp_heard_.reset(), pcp_heard_.reset(), upnp_heard_.reset();
  pmp_epoch_.forget(), pcp_epoch_.forget();
  gateways_.clear();
  upnp_unusable_until_.reset();
  searched_at_.reset();
  address_mismatch_ = false;
  probed_at_.reset();
  failures_ = 0;
  not_before_.reset();
}

void PortMapper::want(TimePoint now, Effects& out) {
  if (!network_ || local_port_ == 0) return;
  if (step_ == Step::Probing) for_mapping_ = true;
  if (step_ != Step::Idle) return;
  if (mapping_ && now < mapping_->renew_at) return;
  if (not_before_ && now < *not_before_) return;
  begin(now, out);
}

void PortMapper::probe(TimePoint now, Effects& out) {
  const bool known = services(now) != Services{};
  const bool asking = step_ != Step::Idle && step_ != Step::Probing;  // after a probe
  if (!network_ || asking || (known && step_ == Step::Idle)) {
    out.probed = true;
    return;
  }
  report_probe_ = true;
  if (step_ == Step::Probing) return;
  for_mapping_ = false;
  start_probe(now, out);
}

// ---- attempts

void PortMapper::enter(Step step, TimePoint until) {
  step_ = step;
  step_ends_.reset();
  if (step != Step::Idle) step_ends_ = until;
}

void PortMapper::begin(TimePoint now, Effects& out) {
  for_mapping_ = true;
  address_mismatch_ = false;
  const Services known = services(now);
  if (mapping_) return ask_by(mapping_->protocol, now, out);
  if (known.pmp) return ask_pmp(now, out);
  if (known.pcp) return ask_pcp(now, out);
  if (probed_at_ && now - *probed_at_ < kProbeIsFresh) return ask_upnp_or_search(now, out);
  start_probe(now, out);
}

void PortMapper::ask_by(Protocol protocol, TimePoint now, Effects& out) {
  switch (protocol) {
    case Protocol::Pmp:
      return ask_pmp(now, out);
    case Protocol::Pcp:
      return ask_pcp(now, out);
    case Protocol::Upnp:
      return ask_upnp_or_search(now, out);
  }
}

void PortMapper::start_probe(TimePoint now, Effects& out) {
  enter(Step::Probing, now + kProbeTime);
  step_began_ = now;
  send_to_gateway(pmp_external_address_request(), out);
  send_to_gateway(pcp_announce_request(network_->self), out);
  send_search(now, out);
}

void PortMapper::send_search(TimePoint now, Effects& out) {
  searched_at_ = now;
  // To the gateway first: that opens this host's own firewall for the answer.
  const Endpoint group{*IpAddress::parse(kSsdpGroup), kSsdpPort};
  const auto search = [&](const Endpoint& to, std::string_view target) {
    const std::string text = ssdp_search(target);
    out.send.push_back({to, Buffer(as_bytes(text).begin(), as_bytes(text).end())});
  };
  search({network_->gateway, kSsdpPort}, kSsdpAll);
  search(group, kSsdpAll);
  search(group, kSsdpGateway);
}

void PortMapper::maybe_end_probe_early(TimePoint now, Effects& out) {
  if (step_ != Step::Probing || services(now) != Services{true, true, true}) return;
  // A few more descriptions may be on their way.
  step_ends_ = earlier(step_ends_, step_began_ + kLeastProbeTime);
  if (now >= *step_ends_) end_probe(now, out);
}

void PortMapper::end_probe(TimePoint now, Effects& out) {
  probed_at_ = now;
  out.probed |= std::exchange(report_probe_, false);
  enter(Step::Idle, {});
  if (!for_mapping_) return;
  const Services known = services(now);
  if (known.pmp) return ask_pmp(now, out);
  if (known.pcp) return ask_pcp(now, out);
  ask_upnp_or_search(now, out);
}

void PortMapper::ask_pmp(TimePoint now, Effects& out) {
  enter(Step::AskingPmp, now + kAnswerTime);
  pmp_mapping_.reset();
  pmp_address_.reset();
  send_to_gateway(pmp_external_address_request(), out);
  send_to_gateway(pmp_map_request({local_port_, last_external_port_, kLifetime}), out);
}

void PortMapper::ask_pcp(TimePoint now, Effects& out) {
  enter(Step::AskingPcp, now + kAnswerTime);
  send_to_gateway(pcp_map_request(pcp_request(kLifetime)), out);
}

void PortMapper::ask_upnp_or_search(TimePoint now, Effects& out) {
  if (upnp_unusable_until_ && now < *upnp_unusable_until_) return fail(now, out);
  if (!gateways_.empty()) return ask_upnp(out);
  if (probed_at_ && now - *probed_at_ < kProbeIsFresh) return fail(now, out);  // nobody answered
  enter(Step::Searching, now + kProbeTime);
  send_search(now, out);
}

void PortMapper::ask_upnp(Effects& out) {
  // Without an end: the answer comes when the gateway, or the patience of upnp_link, lets it.
  step_ = Step::AskingUpnp;
  step_ends_.reset();
  std::ranges::stable_sort(gateways_, std::greater<>(), &Gateway::version_2);
  UpnpTask task;
  task.id = ++last_task_;
  task.internal = {network_->self, local_port_};
  for (const Gateway& gateway : gateways_) task.descriptions.push_back(gateway.url);
  task.preferred_external = last_external_port_;
  task.held = held_;
  out.ask_upnp = std::move(task);
}

// A gateway that speaks several protocols may grant by one what it refuses by another.
void PortMapper::try_next(Protocol failed, TimePoint now, Effects& out) {
  if (failed == Protocol::Pmp && services(now).pcp) return ask_pcp(now, out);
  if (failed != Protocol::Upnp) return ask_upnp_or_search(now, out);
  fail(now, out);
}

void PortMapper::grant(
    Protocol protocol, const Endpoint& external, Duration lifetime, TimePoint now, Effects& out) {
  const Duration trust = std::min(lifetime, kLongestTrust);
  out.changed |= !mapping_ || mapping_->external != external;
  mapping_ = Mapping{protocol, external, now + trust / 2, now + trust};
  last_external_port_ = external.port;
  failures_ = 0;
  // What was granted by another protocol before is not needed any more.
  if (protocol != Protocol::Upnp && held_) out.give_back.push_back(*std::exchange(held_, {}));
  enter(Step::Idle, {});
}

void PortMapper::fail(TimePoint now, Effects&) {
  enter(Step::Idle, {});
  if (mapping_ && now >= mapping_->renew_at) {
    const Duration left = mapping_->valid_until - now;
    mapping_->renew_at = now + std::max<Duration>(left / 2, kRenewAgain);
    return;
  }
  if (++failures_ < kMaxFailures) return;
  failures_ = 0;
  not_before_ = now + kBackOff;
}

void PortMapper::drop_mapping(Effects& out) {
  out.changed |= mapping_.has_value();
  mapping_.reset();
}

// ---- what the gateway says

void PortMapper::receive(const Endpoint& from, Bytes datagram, TimePoint now, Effects& out) {
  if (!network_) return;
  if (from == Endpoint{network_->gateway, kGatewayPort}) {
    if (const auto pmp = parse_pmp(datagram)) {
      on_pmp(*pmp, now, out);
    } else if (const auto pcp = parse_pcp_header(datagram)) {
      on_pcp(*pcp, datagram, now, out);
    }
  } else {
    on_ssdp(from, as_text(datagram), now, out);  // some gateways answer from another port
  }
  maybe_end_probe_early(now, out);
}

void PortMapper::on_pmp(const PmpAnswer& answer, TimePoint now, Effects& out) {
  if (std::holds_alternative<std::monostate>(answer.body)) return;
  pmp_heard_ = now;
  if (pmp_epoch_.restarted(answer.epoch, now)) on_restart(Protocol::Pmp, out);
  const bool nobody_wants_the_rest = for_mapping_ && !report_probe_;
  if (step_ == Step::Probing && nobody_wants_the_rest && answer.result == PmpResult::Success) {
    return end_probe(now, out);
  }
  if (step_ != Step::AskingPmp) return;
  if (answer.result != PmpResult::Success) return try_next(Protocol::Pmp, now, out);
  if (const auto* external = std::get_if<PmpExternalAddress>(&answer.body)) {
    if (external->address) pmp_address_ = external->address;
  } else if (const auto* mapped = std::get_if<PmpMapping>(&answer.body)) {
    if (mapped->internal_port != local_port_) return;
    if (mapped->external_port == 0 || mapped->lifetime.count() == 0) {
      return try_next(Protocol::Pmp, now, out);
    }
    pmp_mapping_ = *mapped;
  }
  if (!pmp_address_ || !pmp_mapping_) return;
  grant(
      Protocol::Pmp, {*pmp_address_, pmp_mapping_->external_port}, pmp_mapping_->lifetime, now,
      out);
}

void PortMapper::on_pcp(const PcpHeader& header, Bytes datagram, TimePoint now, Effects& out) {
  if (header.op != PcpHeader::kAnnounce && header.op != PcpHeader::kMap) return;
  pcp_heard_ = now;
  // A gateway with PCP switched off says so in PCP, and is as good as one without.
  if (header.result == PcpResult::NotAuthorized) pcp_heard_.reset();
  address_mismatch_ |= header.result == PcpResult::AddressMismatch;
  if (pcp_epoch_.restarted(header.epoch, now)) on_restart(Protocol::Pcp, out);
  if (step_ != Step::AskingPcp || header.op != PcpHeader::kMap) return;
  if (header.result != PcpResult::Success) return try_next(Protocol::Pcp, now, out);
  const auto mapped = parse_pcp_mapping(datagram, pcp_request(kLifetime));
  if (!mapped) return;
  const bool usable = !mapped->external.address.is_unspecified() && mapped->external.port != 0 &&
                      header.lifetime.count() != 0;
  if (!usable) return try_next(Protocol::Pcp, now, out);
  grant(Protocol::Pcp, mapped->external, header.lifetime, now, out);
}

void PortMapper::on_ssdp(const Endpoint& from, std::string_view text, TimePoint now, Effects& out) {
  if (!is_gateway(text)) return;
  const auto answer = parse_ssdp(text);
  if (!answer) return;
  auto url = GatewayUrl::parse(answer->location);
  if (!url) return;
  // Routers with several addresses may name another of theirs; anyone else is no gateway of ours.
  if (url->server.address != network_->gateway) {
    if (from.address != network_->gateway) return;
    url->server.address = network_->gateway;
  }
  upnp_heard_ = now;
  const bool known = std::ranges::find(gateways_, *url, &Gateway::url) != gateways_.end();
  if (!known && gateways_.size() < kMaxGateways) {
    const bool second = text.find(":InternetGatewayDevice:2") != std::string_view::npos;
    gateways_.push_back({*url, second});
  }
  const bool late = step_ == Step::Idle && for_mapping_ && !mapping_ && searched_at_ &&
                    now - *searched_at_ < kLateAnswerTime &&
                    !(upnp_unusable_until_ && now < *upnp_unusable_until_);
  if (step_ == Step::Searching || late) ask_upnp(out);
}

// Its mappings are lost, and what it spoke may be spoken otherwise now.
void PortMapper::on_restart(Protocol protocol, Effects& out) {
  if (!mapping_ || mapping_->protocol != protocol) return;
  drop_mapping(out);
  not_before_.reset();
  failures_ = 0;
}

void PortMapper::on_upnp(const UpnpAnswer& answer, TimePoint now, Effects& out) {
  if (step_ != Step::AskingUpnp || answer.id != last_task_) {
    if (answer.granted) out.give_back.push_back(answer.granted->hold);
    return;
  }
  if (answer.granted) {
    held_ = answer.granted->hold;
    return grant(Protocol::Upnp, answer.granted->external, kUpnpLifetime, now, out);
  }
  if (answer.unusable) upnp_unusable_until_ = now + kUpnpUnusable;
  gateways_.clear();  // where they were found may have moved
  searched_at_.reset();
  fail(now, out);
}

// ---- time

void PortMapper::advance(TimePoint now, Effects& out) {
  if (mapping_ && now >= mapping_->valid_until) drop_mapping(out);
  if (mapping_ && step_ == Step::Idle && now >= mapping_->renew_at) begin(now, out);
  if (!step_ends_ || *step_ends_ > now) return;
  switch (step_) {
    case Step::Idle:
      break;
    case Step::Probing:
      return end_probe(now, out);
    case Step::AskingPmp:
      return try_next(Protocol::Pmp, now, out);
    case Step::AskingPcp:
      return try_next(Protocol::Pcp, now, out);
    case Step::Searching:
      return fail(now, out);
    case Step::AskingUpnp:
      break;
  }
}

std::optional<TimePoint> PortMapper::next_deadline() const {
  if (!mapping_) return step_ends_;
  const auto ends = earlier(step_ends_, mapping_->valid_until);
  return step_ == Step::Idle ? earlier(ends, mapping_->renew_at) : ends;
}

// ---- what the caller asks

std::optional<Endpoint> PortMapper::external(TimePoint now) const {
  if (!mapping_ || now >= mapping_->valid_until || behind_second_nat()) return std::nullopt;
  return mapping_->external;
}

bool PortMapper::behind_second_nat() const {
  return address_mismatch_ || (mapping_ && !is_public(mapping_->external.address));
}

bool PortMapper::heard_lately(const std::optional<TimePoint>& heard, TimePoint now) const {
  return heard && now - *heard < kRememberServices;
}

PortMapper::Services PortMapper::services(TimePoint now) const {
  return {
      heard_lately(pmp_heard_, now), heard_lately(pcp_heard_, now), heard_lately(upnp_heard_, now)};
}

PcpMapRequest PortMapper::pcp_request(std::chrono::duration<std::uint32_t> lifetime) const {
  PcpMapRequest request;
  request.client = network_->self;
  request.nonce = pcp_nonce_;
  request.internal_port = local_port_;
  request.suggested_external.port = last_external_port_;
  if (mapping_ && mapping_->protocol == Protocol::Pcp) {
    request.suggested_external = mapping_->external;
  }
  request.lifetime = lifetime;
  return request;
}

void PortMapper::send_to_gateway(Bytes datagram, Effects& out) const {
  out.send.push_back({{network_->gateway, kGatewayPort}, Buffer(datagram.begin(), datagram.end())});
}

}  // namespace aya::portmap
