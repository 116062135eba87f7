#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "daemon/os/hardware.h"

namespace aya::os {
namespace {

namespace fs = std::filesystem;

constexpr std::array kSerialFiles = {"product_serial", "board_serial", "chassis_serial"};
constexpr std::array<std::string_view, 6> kPlaceholders = {
    "", "0", "None", "Default string", "To be filled by O.E.M.", "Not Specified"};
constexpr std::string_view kNoAddress = "00:00:00:00:00:00";

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  line.erase(line.find_last_not_of(" \t\r") + 1);
  return line;
}

void add(std::vector<std::string>& list, std::string text) {
  if (std::ranges::count(list, text) == 0) list.push_back(std::move(text));
}

}  // namespace

Hardware read_hardware(const std::string& root) {
  Hardware out;
  for (const char* file : kSerialFiles) {
    std::string serial = first_line(fs::path(root) / "sys/class/dmi/id" / file);
    if (std::ranges::count(kPlaceholders, serial) == 0) add(out.serial_numbers, std::move(serial));
  }
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(fs::path(root) / "sys/class/net", missing)) {
    std::string address = first_line(entry.path() / "address");
    if (address.size() == kNoAddress.size() && address != kNoAddress) {
      add(out.addresses, std::move(address));
    }
  }
  std::ranges::sort(out.addresses);
  return out;
}

}  // namespace aya::os
