#include "coord-server/policy/access_test.h"

#include <algorithm>

#include "coord-server/policy/ssh_compiler.h"
#include "proto/base/parse_number.h"

namespace aya::policy {
namespace {

using Want = Selector::Kind;
using policy_file::AccessTest;
using policy_file::SshTest;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// Does the selector mean this end? Literal addresses mean those of the end that are asked for.
bool means(const Engine& engine, SelectorId id, const End& end) {
  const Resolver& resolver = engine.resolver();
  const AddressSet& literal = resolver.literal(id);
  if (literal.empty() || literal.is_everything()) {
    if (end.real || !end.address) return resolver.matches(id, end.device, end.owner);
    return resolver.selector(id).is(Want::Any) || literal.is_everything();
  }
  if (end.address) return literal.contains(*end.address);
  return end.real && end.device.has_address_in(literal);
}

bool is_self(const End& from, const End& to) {
  return !from.device.tagged() && !to.device.tagged() && from.owner != nullptr &&
         from.owner == to.owner;
}

std::vector<End> devices_of(const Engine& engine, const Selector& selector) {
  std::vector<End> out;
  for (const auto& [id, device] : engine.devices()) {
    const Person* owner = engine.owner_of(device);
    if (engine.resolver().matches(selector, device, owner)) {
      out.push_back({device, owner, std::nullopt, true});
    }
  }
  return out;
}

// As real as a device, though none may answer for it yet.
std::vector<End> services_of(const Engine& engine, const Selector& selector) {
  std::vector<End> out;
  for (const auto& [name, service] : engine.services()) {
    if (engine.resolver().matches(selector, service, nullptr)) {
      out.push_back({service, nullptr, std::nullopt, true});
    }
  }
  return out;
}

std::vector<End> at_address(const Engine& engine, const IpAddress& address) {
  for (const auto& [id, device] : engine.devices()) {
    if (std::ranges::count(device.addresses(), address) > 0) {
      return {{device, engine.owner_of(device), address, true}};
    }
  }
  for (const auto& [name, service] : engine.services()) {
    if (std::ranges::count(service.addresses(), address) > 0) {
      return {{service, nullptr, address, true}};
    }
  }
  return {{{}, nullptr, address, false}};
}

// A machine that belongs to this person and is nothing else.
End imagined(const Person& owner) {
  End out;
  out.device.owner = owner.id;
  out.owner = &owner;
  return out;
}

std::vector<End> people_of(const Engine& engine, const Selector& selector) {
  std::vector<End> out;
  for (const auto& [id, person] : engine.people()) {
    const End end = imagined(person);
    if (engine.resolver().matches(selector, end.device, &person)) out.push_back(end);
  }
  return out;
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<HostPort> split(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = parse_number<decltype(HostPort::port)>(std::string_view(text).substr(colon + 1));
  if (!port) return std::nullopt;
  HostPort out{text.substr(0, colon), *port};
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  return out;
}

std::vector<std::int64_t> protocols_of(const std::string& proto) {
  if (proto.empty()) return {6, 17};  // either will do
  const auto number = policy_file::parse_protocol(proto);
  if (!number || !policy_file::has_ports(*number)) return {};
  return {*number};
}

bool reaches(
    const Engine& engine, const End& from, const End& to,
    const std::vector<std::int64_t>& protocols, std::uint16_t port) {
  return std::ranges::any_of(engine.rules(), [&](const Rule& rule) {
    return std::ranges::any_of(protocols, [&](std::int64_t protocol) {
      return lets_through(engine, rule, from, to, protocol, port);
    });
  });
}

class AccessRun {
 public:
  AccessRun(const Engine& engine, const AccessTest& test)
      : engine_(engine), test_(test), from_(ends_of(engine, test.src)) {
    for (End& end : from_) {
      for (const auto& [name, value] : test.src_posture) end.device.posture[name] = value;
    }
  }

  TestFailure run() {
    TestFailure out{test_.src, {}};
    protocols_ = protocols_of(test_.proto);
    if (from_.empty()) out.errors.push_back("src " + quoted(test_.src) + ": not found");
    if (protocols_.empty()) {
      out.errors.push_back("proto " + quoted(test_.proto) + ": want tcp, udp or sctp");
    }
    if (test_.accept.empty() && test_.deny.empty()) {
      out.errors.push_back("want accept or deny");
    }
    if (!out.errors.empty()) return out;
    for (const std::string& to : test_.accept) check(to, true, out);
    for (const std::string& to : test_.deny) check(to, false, out);
    return out;
  }

 private:
  void check(const std::string& text, bool accept, TestFailure& out) {
    const auto to = split(text);
    const std::string where = "address " + quoted(text) + ": ";
    if (!to) return out.errors.push_back(where + "want a host and one port");
    const bool self = to->host == "autogroup:self";
    const std::vector<End> ends = self ? std::vector<End>() : destinations(to->host);
    if (!self && ends.empty()) return out.errors.push_back(where + "no such destination");
    std::size_t passes = 0, tried = 0;
    for (const End& from : from_) {
      for (const End& end : self ? own(from) : ends) {
        ++tried;
        if (reaches(engine_, from, end, protocols_, to->port)) ++passes;
      }
    }
    const bool met = accept ? tried > 0 && passes == tried : passes == 0;
    if (met) return;
    out.errors.push_back(where + (accept ? "want: Accept, got: Drop" : "want: Drop, got: Accept"));
  }

  std::vector<End> destinations(const std::string& host) const {
    const Selector selector = policy_file::parse_selector(host);
    if (selector.is(Want::Any) || selector.is(Want::Internet)) return {};
    return ends_of(engine_, host);
  }

  std::vector<End> own(const End& from) const {
    if (from.owner == nullptr || from.device.tagged()) return {};
    return {imagined(*from.owner)};
  }

  const Engine& engine_;
  const AccessTest& test_;
  std::vector<End> from_;
  std::vector<std::int64_t> protocols_;
};

enum class SshOutcome { Drop, Accept, Check };

const char* text_of(SshOutcome outcome) {
  static constexpr const char* kTexts[] = {"Drop", "Accept", "Check"};
  return kTexts[static_cast<std::size_t>(outcome)];
}

bool ssh_means(const Engine& engine, const Selector& selector, const End& end) {
  if (selector.prefix)
    return end.real && engine.resolver().matches(selector, end.device, end.owner);
  return engine.resolver().matches(selector, end.device, end.owner);
}

bool ssh_rule_fits(
    const Engine& engine, const policy_file::SshRule& rule, const End& from, const End& to) {
  const bool source = std::ranges::any_of(
      rule.src, [&](const Selector& one) { return ssh_means(engine, one, from); });
  return source && std::ranges::any_of(rule.dst, [&](const Selector& one) {
           return one.is(Want::Self) ? is_self(from, to) : ssh_means(engine, one, to);
         });
}

bool lets_in_as(const policy_file::SshRule& rule, const End& from, const std::string& user) {
  const auto users = ssh_users(rule.users);
  if (const auto named = users.find(user); named != users.end()) {
    if (!named->second.empty()) return true;
  } else if (users.contains("*")) {
    return true;
  }
  return from.owner != nullptr && !from.device.tagged() &&
         localpart_user(rule.users, *from.owner) == user;
}

SshOutcome ssh_outcome(
    const Engine& engine, const End& from, const End& to, const std::string& user) {
  for (const bool check : {true, false}) {
    for (const policy_file::SshRule& rule : engine.policy().ssh) {
      if (rule.check != check || !ssh_rule_fits(engine, rule, from, to)) continue;
      if (lets_in_as(rule, from, user)) return check ? SshOutcome::Check : SshOutcome::Accept;
    }
  }
  return SshOutcome::Drop;
}

TestFailure run_ssh_test(const Engine& engine, const SshTest& test) {
  TestFailure out{test.src, {}};
  const std::vector<End> from = ends_of(engine, test.src);
  if (from.empty()) out.errors.push_back("src " + quoted(test.src) + ": not found");
  if (test.dst.empty()) out.errors.push_back("want dst");
  const auto expect = [&](const std::string& user, const Selector& dst, SshOutcome want) {
    const std::vector<End> to = ends_of(engine, dst.text);
    SshOutcome got = to.empty() ? SshOutcome::Drop : want;
    for (const End& source : from) {
      for (const End& end : to) {
        const SshOutcome one = ssh_outcome(engine, source, end, user);
        if (one != want) got = one;
      }
    }
    if (got == want) return;
    out.errors.push_back(
        "user " + quoted(user) + " on " + quoted(dst.text) + ": want: " + text_of(want) +
        ", got: " + text_of(got));
  };
  for (const Selector& dst : test.dst) {
    for (const std::string& user : test.accept) expect(user, dst, SshOutcome::Accept);
    for (const std::string& user : test.check) expect(user, dst, SshOutcome::Check);
    for (const std::string& user : test.deny) expect(user, dst, SshOutcome::Drop);
  }
  return out;
}

template <class Test, class Run>
std::vector<TestFailure> run_all(const std::vector<Test>& tests, Run run) {
  std::vector<TestFailure> out;
  for (const Test& test : tests) {
    TestFailure failure = run(test);
    if (!failure.errors.empty()) out.push_back(std::move(failure));
  }
  return out;
}

}  // namespace

std::vector<End> ends_of(const Engine& engine, const std::string& text) {
  Selector selector = policy_file::parse_selector(text);
  const PolicyFile& policy = engine.policy();
  switch (selector.kind) {
    case Want::Host: {
      const auto host = policy.hosts.find(text);
      if (host == policy.hosts.end()) return {};
      return at_address(engine, host->second.address);
    }
    case Want::Address:
      return selector.prefix->is_host() ? at_address(engine, selector.prefix->address)
                                        : std::vector<End>();
    case Want::Tag: {
      if (!policy.defines_tag(text)) return {};
      auto out = devices_of(engine, selector);
      if (!out.empty()) return out;
      End end;
      end.device.tags = {text};
      return {end};
    }
    case Want::Service: {
      auto out = services_of(engine, selector);
      if (!out.empty()) return out;
      End end;
      end.device.service = text;
      return {end};
    }
    case Want::Group:
      if (!policy.groups.contains(text)) return {};
      [[fallthrough]];
    case Want::User:
    case Want::UserDomain:
    case Want::Member:
    case Want::Role: {
      auto out = devices_of(engine, selector);
      return out.empty() ? people_of(engine, selector) : out;
    }
    case Want::Any:
    case Want::Tagged:
      return devices_of(engine, selector);
    default:
      return {};
  }
}

bool lets_through(
    const Engine& engine, const Rule& rule, const End& from, const End& to,
    std::optional<std::int64_t> protocol, std::optional<std::uint16_t> port) {
  const bool passes =
      std::ranges::any_of(rule.written->services, [&](const policy_file::Service& service) {
        return (!protocol || policy_file::covers_protocol(service, *protocol)) &&
               (!port || policy_file::covers_port(service, *port));
      });
  if (!passes || !meets_postures(rule, from.device)) return false;
  if (!from.device.service.empty()) return false;  // nothing comes from a service
  const bool source =
      std::ranges::any_of(rule.src, [&](SelectorId id) { return means(engine, id, from); });
  if (!source) return false;
  if (rule.to_self && is_self(from, to)) return true;
  return std::ranges::any_of(rule.dst, [&](SelectorId id) { return means(engine, id, to); });
}

std::vector<TestFailure> run_tests(const Engine& engine, const std::vector<AccessTest>& tests) {
  return run_all(tests, [&](const AccessTest& test) { return AccessRun(engine, test).run(); });
}

std::vector<TestFailure> run_ssh_tests(const Engine& engine, const std::vector<SshTest>& tests) {
  return run_all(tests, [&](const SshTest& test) { return run_ssh_test(engine, test); });
}

}  // namespace aya::policy
