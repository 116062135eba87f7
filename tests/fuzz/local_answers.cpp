// What the command line reads from the daemon's socket, whoever may have opened that socket: the
// first byte says which answer. What is read can be printed and read again to the same.
#include "proto/base/bytes.h"
#include "proto/base/check.h"
#include "proto/local/exit_nodes.h"
#include "proto/local/log_lines.h"
#include "proto/local/login_profile.h"
#include "proto/local/netcheck_report.h"
#include "proto/local/notify.h"
#include "proto/local/ping_result.h"
#include "proto/local/status.h"
#include "proto/local/whois.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aya::local;
  if (size == 0) return 0;
  const std::string_view json = aya::as_text(std::as_bytes(std::span(data + 1, size - 1)));
  switch (data[0] % 10) {
    case 0:
      if (const auto status = parse_status(json)) {
        const auto again = parse_status(to_json(*status));
        AYA_CHECK(again.has_value() && to_json(*again) == to_json(*status));
      }
      break;
    case 1:
      if (const auto result = parse_ping_result(json)) {
        const auto again = parse_ping_result(to_json_line(*result));
        AYA_CHECK(again.has_value() && to_json_line(*again) == to_json_line(*result));
      }
      break;
    case 2:
      if (const auto report = parse_netcheck_report(json)) {
        const auto again = parse_netcheck_report(to_json(*report));
        AYA_CHECK(again.has_value() && to_json(*again) == to_json(*report));
      }
      break;
    case 3:
      (void)parse_notify(json);
      break;
    case 4:
      if (const auto profiles = parse_login_profiles(json)) {
        const auto again = parse_login_profiles(to_json_line(*profiles));
        AYA_CHECK(again.has_value() && to_json_line(*again) == to_json_line(*profiles));
      }
      break;
    case 5:
      if (const auto log = parse_log_lines(json)) {
        const auto again = parse_log_lines(to_json_line(*log));
        AYA_CHECK(again.has_value() && to_json_line(*again) == to_json_line(*log));
      }
      break;
    case 6:
      if (const auto nodes = parse_exit_nodes(json)) {
        const auto again = parse_exit_nodes(to_json(*nodes));
        AYA_CHECK(again.has_value() && to_json(*again) == to_json(*nodes));
      }
      break;
    case 7:
      if (const auto check = parse_internet_check(json)) {
        const auto again = parse_internet_check(to_json(*check));
        AYA_CHECK(again.has_value() && to_json(*again) == to_json(*check));
      }
      break;
    case 8:
      if (const auto suggestion = parse_exit_node_suggestion(json)) {
        const auto again = parse_exit_node_suggestion(to_json_line(*suggestion));
        AYA_CHECK(again.has_value() && to_json_line(*again) == to_json_line(*suggestion));
      }
      break;
    default:
      (void)parse_whois(json);
  }
  return 0;
}
