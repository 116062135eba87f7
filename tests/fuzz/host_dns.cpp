// Files and answers of the host that decide how names are asked: what we write from them reads as
// the same, and is known as ours.
#include "daemon/host_dns/bus.h"
#include "daemon/host_dns/detection.h"
#include "daemon/host_dns/journal.h"
#include "daemon/host_dns/resolv_conf.h"
#include "proto/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya;
  using namespace aya::host_dns;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));

  const Base base = parse_resolv_conf(text);
  const Marker marker{7, "boot"};
  Wanted wanted;
  wanted.nameservers = {*IpAddress::parse("100.100.100.100")};
  const std::string ours = render_resolv_conf(wanted, base, marker, "/backup", size % 2 == 0);
  const Base again = parse_resolv_conf(ours);
  AYA_CHECK(again.nameservers == wanted.nameservers);
  AYA_CHECK(again.search_domains.size() <= base.search_domains.size());
  AYA_CHECK(again.search_domains.empty() == base.search_domains.empty());
  AYA_CHECK(again.options == base.options);
  AYA_CHECK(find_marker(ours) == marker);
  AYA_CHECK(says_was_missing(ours) == (size % 2 != 0));

  Evidence evidence;
  evidence.resolv_conf = text;
  evidence.nss_resolve = resolve_comes_before_dns(text);
  evidence.resolved_answers = true;
  evidence.network_manager = text;
  evidence.network_manager_uses_resolved = true;
  evidence.resolvconf = text;
  AYA_CHECK(decide(evidence).mode != Mode::None);  // something can be done with any file
  evidence.access = Evidence::Access::Immutable;
  AYA_CHECK(decide(evidence).mode != Mode::Direct);

  AYA_CHECK(value_of(text).size() <= size);
  if (const auto journal = parse_journal(text)) {
    const std::string written = to_text(*journal);
    AYA_CHECK(parse_journal(written).has_value());
    AYA_CHECK(to_text(*parse_journal(written)) == written);
  }
  return 0;
}
