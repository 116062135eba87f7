#include "proto/control/flow_report.h"

namespace aya::control {
namespace {

constexpr const char* kCountsMember = "FlowLogs";
constexpr const char* kTrue = "true";

}  // namespace

bool counts_flows(const Hostinfo& hostinfo) {
  const auto found = hostinfo.others.find(kCountsMember);
  return found != hostinfo.others.end() && found->second.text == kTrue;
}

void set_counts_flows(Hostinfo& hostinfo, bool counts) {
  if (counts) {
    hostinfo.others[kCountsMember] = RawJson{kTrue};
  } else {
    hostinfo.others.erase(kCountsMember);
  }
}

}  // namespace aya::control
