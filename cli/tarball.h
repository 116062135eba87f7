// A tar archive in memory, as POSIX writes it (ustar), for files of a few megabytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aya::cli {

class Tarball {
 public:
  // `mtime` in seconds since 1970 is that of all files, which belong to nobody.
  explicit Tarball(std::int64_t mtime) : mtime_(mtime) {}
  void add(std::string_view name, std::string_view content);  // names up to 100 bytes
  std::string finish() &&;

 private:
  std::int64_t mtime_;
  std::string bytes_;
};

}  // namespace aya::cli
