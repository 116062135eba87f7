#include "daemon/os/hardware.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace aya::os {
namespace {

void write(const test::TempDir& root, const std::string& path, const std::string& text) {
  const std::filesystem::path file = root.path() / path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(Hardware, IsWhatTheMakerWroteAndNotWhatItFilledIn) {
  const test::TempDir root;
  write(root, "sys/class/dmi/id/product_serial", "PF-12 34 \n");
  write(root, "sys/class/dmi/id/board_serial", "Default string\n");
  write(root, "sys/class/dmi/id/chassis_serial", "PF-12 34\n");
  write(root, "sys/class/net/lo/address", "00:00:00:00:00:00\n");
  write(root, "sys/class/net/eth0/address", "02:00:5e:10:00:01\n");
  write(root, "sys/class/net/tun0/address", "\n");
  const Hardware found = read_hardware(root.path());
  EXPECT_THAT(found.serial_numbers, testing::ElementsAre("PF-12 34"));
  EXPECT_THAT(found.addresses, testing::ElementsAre("02:00:5e:10:00:01"));
}

TEST(Hardware, AHostWithoutAnyHasNone) {
  const test::TempDir root;
  const Hardware found = read_hardware(root.path());
  EXPECT_TRUE(found.serial_numbers.empty() && found.addresses.empty());
}

}  // namespace
}  // namespace aya::os
