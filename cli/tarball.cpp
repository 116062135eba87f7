#include "cli/tarball.h"

#include <cstdio>
#include <algorithm>
#include <cstring>
#include <utility>

namespace aya::cli {
namespace {

constexpr std::size_t kBlock = 512;

struct Header {  // POSIX.1-1988, "ustar"
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
static_assert(sizeof(Header) == kBlock && alignof(Header) == 1);

template <std::size_t N>
void put_octal(char (&field)[N], std::uint64_t value) {
  std::snprintf(
      field, N, "%0*llo", static_cast<int>(N) - 1, static_cast<unsigned long long>(value));
}

template <std::size_t N>
void put_text(char (&field)[N], std::string_view text) {
  std::memcpy(field, text.data(), std::min(text.size(), N));
}

unsigned checksum(const Header& header) {
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  for (std::size_t i = 0; i < kBlock; ++i) sum += bytes[i];
  return sum;
}

}  // namespace

void Tarball::add(std::string_view name, std::string_view content) {
  Header header{};
  put_text(header.name, name);
  put_octal(header.mode, 0600);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, content.size());
  put_octal(header.mtime, static_cast<std::uint64_t>(mtime_));
  header.type = '0';
  put_text(header.magic, std::string_view("ustar\0", 6));
  put_text(header.version, "00");
  std::memset(header.checksum, ' ', sizeof header.checksum);
  std::snprintf(header.checksum, 7, "%06o", checksum(header));
  bytes_.append(reinterpret_cast<const char*>(&header), kBlock);
  bytes_ += content;
  bytes_.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

std::string Tarball::finish() && {
  bytes_.append(2 * kBlock, '\0');
  return std::move(bytes_);
}

}  // namespace aya::cli
