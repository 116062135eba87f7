// Finds out what detection.h decides from. Waits for programs of the host: seconds at most, where
// systemd-resolved is being started.
#pragma once

#include "daemon/host_dns/backend.h"
#include "daemon/host_dns/detection.h"

namespace aya::host_dns {

Evidence gather(const Places& places);

// Where OpenWrt's dnsmasq reads further files; empty: this is no OpenWrt, or dnsmasq is not run.
std::string openwrt_dnsmasq_folder();

}  // namespace aya::host_dns
