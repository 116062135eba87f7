// Queries written shortly.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/base/writer.h"

namespace aya::test {

inline void append_name(Buffer& out, std::string_view name) {
  Writer to(out);
  while (!name.empty() && name != ".") {
    const std::size_t dot = name.find('.');
    to.u8(static_cast<std::uint8_t>(dot));
    to.text(name.substr(0, dot));
    name.remove_prefix(dot + 1);
  }
  to.u8(0);
}

// A query with one question of class IN; `edns_size` 0 leaves the OPT record out.
inline Buffer dns_query(
    std::uint16_t id, std::string_view name, std::uint16_t type, std::uint16_t edns_size = 0) {
  Buffer out;
  Writer to(out);
  to.u16be(id);
  to.u16be(0x0100);
  to.u16be(1);
  to.u16be(0);
  to.u16be(0);
  to.u16be(edns_size == 0 ? 0 : 1);
  append_name(out, name);
  to.u16be(type);
  to.u16be(1);
  if (edns_size == 0) return out;
  to.u8(0);
  to.u16be(41);
  to.u16be(edns_size);
  to.u32be(0);
  to.u16be(0);
  return out;
}

// The query turned into a response with `rcode`, followed by `padding` zero bytes.
inline Buffer dns_response(Bytes query, std::uint8_t rcode, std::size_t padding = 0) {
  Buffer out(query.begin(), query.end());
  out[2] |= std::byte{0x80};
  out[3] = static_cast<std::byte>(0x80 | rcode);
  out.resize(out.size() + padding);
  return out;
}

}  // namespace aya::test
