#include "daemon/os/dhcp_servers.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace aya::os {
namespace {

constexpr std::size_t kLargestFile = 256 * 1024;

std::string read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) return {};
  std::string out(kLargestFile, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), file.get()));
  return out;
}

// What follows a word in a line, up to a space or semicolon.
std::string_view value_after(std::string_view line, std::string_view word) {
  const std::size_t at = line.find(word);
  if (at == std::string_view::npos) return {};
  std::string_view rest = line.substr(at + word.size());
  return rest.substr(0, rest.find_first_of("; \t\r"));
}

}  // namespace

std::vector<IpAddress> parse_dhcp_servers(std::string_view lease_file) {
  std::vector<IpAddress> out;
  while (!lease_file.empty()) {
    const std::size_t end = lease_file.find('\n');
    const std::string_view line = lease_file.substr(0, end);
    lease_file = end == std::string_view::npos ? std::string_view() : lease_file.substr(end + 1);
    std::string_view text;
    if (line.starts_with("SERVER_ADDRESS=")) text = value_after(line, "SERVER_ADDRESS=");
    if (text.empty()) text = value_after(line, "option dhcp-server-identifier ");
    const auto address = IpAddress::parse(text);
    if (address && std::ranges::find(out, *address) == out.end()) out.push_back(*address);
  }
  return out;
}

std::vector<IpAddress> read_dhcp_servers(const std::string& root) {
  static constexpr std::array kFolders = {
      "run/systemd/netif/leases", "var/lib/NetworkManager", "var/lib/dhcp", "var/lib/dhclient"};
  std::vector<IpAddress> out;
  for (const char* folder : kFolders) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(root + "/" + folder, error), end;
         !error && at != end; at.increment(error)) {
      std::error_code ignored;
      if (!at->is_regular_file(ignored)) continue;
      for (const IpAddress& server : parse_dhcp_servers(read_file(at->path()))) {
        if (std::ranges::find(out, server) == out.end()) out.push_back(server);
      }
    }
  }
  return out;
}

}  // namespace aya::os
