// Any text is refused as a policy or can be asked about every node; sight is mutual, and a node
// nobody reaches lets nobody in.
#include "coord-server/policy/access_test.h"

namespace {

using namespace aya;

policy::Device device(int id, bool tagged) {
  policy::Device out;
  out.id = control::NodeId{id};
  if (tagged) {
    out.tags = {"tag:a"};
    out.routes = {
        *Prefix::parse("10.0.0.0/8"), *Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
    out.carried = {out.routes[0]};
  } else {
    out.owner = control::UserId{1};
  }
  out.ipv4 = IpAddress::v4(0x64400000u + static_cast<std::uint32_t>(id));
  out.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::" + std::to_string(id));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto policy = policy_file::read_policy(text, {{"b.c"}});
  if (!policy) {
    AYA_CHECK(!policy.error().message.empty());
    return 0;
  }
  policy::Engine engine(*policy);
  engine.put(policy::Person{control::UserId{1}, "a@b.c", "owner", false});
  for (int id = 1; id <= 4; ++id) engine.put(device(id, id > 2));
  engine.remove(control::NodeId{4});
  for (const auto& [id, one] : engine.devices()) {
    engine.filter(id);
    engine.ssh(id);
    engine.capabilities(id);
    for (const auto& [other, two] : engine.devices()) {
      AYA_CHECK(engine.may_meet(id, other) == engine.may_meet(other, id));
      engine.routes_seen(id, other);
    }
  }
  policy::run_tests(engine, (*policy)->tests);
  policy::run_ssh_tests(engine, (*policy)->ssh_tests);
  return 0;
}
