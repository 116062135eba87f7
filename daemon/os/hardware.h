// Which machine this is: numbers that its maker gave it, and the hardware addresses of its
// interfaces. Told to nobody unless the person at this machine allows it.
#pragma once

#include <string>
#include <vector>

namespace aya::os {

struct Hardware {
  std::vector<std::string> serial_numbers;  // of the machine, its board, its chassis
  std::vector<std::string> addresses;       // "02:00:5e:10:00:01"
};

// From below `root`. What is not there, or is filled in with what makers write where they have
// nothing to say, is left out.
Hardware read_hardware(const std::string& root = "/");

}  // namespace aya::os
