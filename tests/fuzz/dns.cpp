// Queries and responses from anybody: an answer repeats the question, is marked as one and can be
// read; nothing of a response reaches beyond its end.
#include "daemon/dns/resolver.h"
#include "daemon/dns/reverse_name.h"
#include "proto/base/check.h"

namespace {

using namespace aya;

dns::Resolver resolver() {
  dns::Resolver out;
  dns::ResolverConfig config;
  config.hosts["a.b."] = {IpAddress::v4(0x64400001), *IpAddress::parse("fd7a:115c:a1e0::1")};
  config.local_domains = dns::overlay_reverse_zones();
  config.local_domains.push_back("b.");
  config.subdomain_hosts.insert("a.b.");
  out.configure(std::move(config));
  return out;
}

void check_reads_back(const dns::Query& asked, Bytes response, bool repeats_name = true) {
  const auto read = dns::parse_response(response);
  AYA_CHECK(read.has_value() && read->header.id == asked.header.id);
  AYA_CHECK(!repeats_name || read->question.name == asked.question.name);
  AYA_CHECK(read->question.type == asked.question.type);
  AYA_CHECK(read->question_end <= response.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dns::Resolver names = resolver();
  const Bytes input = std::as_bytes(std::span(data, size));
  const std::size_t limit = dns::udp_size_limit(input);
  AYA_CHECK(limit >= dns::kSmallestUdpAnswer && limit <= dns::kLargestUdpAnswer);
  Buffer out;
  const auto outcome = names.answer(input, WallTime{}, out);
  const auto query = dns::parse_query(input);
  if (query && outcome == dns::Outcome::Answered) {
    // A failed question of type 0 is left out, as its writer says.
    const auto header = dns::Header::parse(out);
    AYA_CHECK(header && header->is_response() && header->id == query->header.id);
    if (header->questions != 0) check_reads_back(*query, out);
  }
  if (query) {
    AYA_CHECK(query->question_end <= input.size());
    const Buffer failure = dns::error_response(input, *query, dns::Rcode::ServFail);
    AYA_CHECK(dns::Header::parse(failure)->rcode() == dns::Rcode::ServFail);
  }
  if (const auto response = dns::parse_response(input)) {
    const Buffer cut = dns::truncated_response(input, *response);
    AYA_CHECK(cut.size() <= input.size());
    AYA_CHECK((dns::Header::parse(cut)->flags & dns::Header::kTruncated) != 0);
  }
  dns::write_format_error(input, out);
  (void)dns::parse_reverse_name(as_text(input));
  (void)dns::parse_site_label(as_text(input));
  return 0;
}
