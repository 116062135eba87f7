#include "daemon/os/os_error.h"

#include <cerrno>
#include <cstring>

namespace aya::os {

std::string OsError::message() const {
  std::string out = doing;
  if (code != 0) out += std::string(": ") + std::strerror(code);
  if (!advice.empty()) out += "; " + advice;
  return out;
}

OsError last_error(std::string doing, std::string advice) {
  return {errno, std::move(doing), std::move(advice)};
}

}  // namespace aya::os
