#include <fstream>

#include "daemon/os/ip_forwarding.h"

namespace aya::os {
namespace {

enum class Setting { On, Off, Absent };  // absent: a kernel without that family

Setting read_setting(const char* path) {
  std::ifstream file(path);
  int value = 0;
  if (!(file >> value)) return Setting::Absent;
  return value == 0 ? Setting::Off : Setting::On;
}

}  // namespace

std::string ip_forwarding_problem() {
  const Setting v4 = read_setting("/proc/sys/net/ipv4/ip_forward");
  const Setting v6 = read_setting("/proc/sys/net/ipv6/conf/all/forwarding");
  if (v4 == Setting::Off) {
    return "IP forwarding is disabled, subnet routing/exit nodes will not work.\n"
           "Switch it on: sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";
  }
  if (v6 == Setting::Off) {
    return "IPv6 forwarding is disabled, subnet routing/exit nodes will not work for IPv6.\n"
           "Switch it on: sysctl -w net.ipv6.conf.all.forwarding=1";
  }
  return "";
}

}  // namespace aya::os
