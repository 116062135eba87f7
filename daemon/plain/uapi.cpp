#include "daemon/plain/uapi.h"

#include <cerrno>

#include "proto/base/hex.h"
#include "proto/base/parse_number.h"

namespace aya::plain {
namespace {

struct Line {
  std::string_view key, value;
};

// Cuts the next line off; nullopt at the end or where it is not "key=value".
std::optional<Line> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Line{line.substr(0, equals), line.substr(equals + 1)};
}

template <class Int>
bool read_number(std::string_view text, std::optional<Int>& out) {
  const auto value = parse_number<Int>(text);
  if (value) out = value;
  return value.has_value();
}

std::optional<crypto::Key32> read_key(std::string_view text) {
  crypto::Key32 out;
  if (!parse_hex_into(text, out.mutable_bytes())) return std::nullopt;
  return out;
}

bool read_true(std::string_view text, bool& out) {
  out = true;
  return text == "true";
}

std::optional<AllowedIpEdit> read_allowed_ip(std::string_view text) {
  AllowedIpEdit out;
  if (text.starts_with('-')) {
    out.remove = true;
    text.remove_prefix(1);
  }
  auto prefix = Prefix::parse(text);
  if (!prefix) {
    // An address alone is a host.
    const auto address = IpAddress::parse(text);
    if (!address) return std::nullopt;
    prefix = Prefix::host(*address);
  }
  out.prefix = prefix->masked();
  return out;
}

bool read_device_field(const Line& line, DeviceEdit& out, bool& known) {
  known = true;
  if (line.key == "private_key") {
    auto key = read_key(line.value);
    if (!key) return false;
    out.private_key = key->is_zero() ? NodePrivateKey() : NodePrivateKey(std::move(*key));
    return true;
  }
  if (line.key == "listen_port") return read_number(line.value, out.listen_port);
  if (line.key == "fwmark") {
    if (line.value.empty()) {
      out.fwmark = 0;
      return true;
    }
    return read_number(line.value, out.fwmark);
  }
  if (line.key == "replace_peers") return read_true(line.value, out.replace_peers);
  known = false;
  return true;
}

bool read_peer_field(const Line& line, PeerEdit& out, bool& known) {
  known = true;
  if (line.key == "remove") return read_true(line.value, out.remove);
  if (line.key == "update_only") return read_true(line.value, out.update_only);
  if (line.key == "preshared_key") {
    out.preshared_key = read_key(line.value);
    return out.preshared_key.has_value();
  }
  if (line.key == "endpoint") {
    out.endpoint = Endpoint::parse(line.value);
    return out.endpoint.has_value();
  }
  if (line.key == "persistent_keepalive_interval") {
    return read_number(line.value, out.keepalive_seconds);
  }
  if (line.key == "replace_allowed_ips") return read_true(line.value, out.replace_allowed_ips);
  if (line.key == "allowed_ip") {
    const auto edit = read_allowed_ip(line.value);
    if (!edit) return false;
    out.allowed_ips.push_back(*edit);
    return true;
  }
  if (line.key == "protocol_version") return line.value == "1";
  known = false;
  return true;
}

std::string hex_line(std::string_view key, Bytes value) {
  return std::string(key) + "=" + to_hex(value) + "\n";
}

template <class Int>
std::string number_line(std::string_view key, Int value) {
  return std::string(key) + "=" + std::to_string(value) + "\n";
}

}  // namespace

std::optional<Operation> operation_of(std::string_view request) {
  const std::string_view first = request.substr(0, request.find('\n'));
  if (first == "get=1") return Operation::Get;
  if (first == "set=1") return Operation::Set;
  return std::nullopt;
}

Result<DeviceEdit, int> parse_set(std::string_view request) {
  DeviceEdit out;
  take_line(request);  // "set=1"
  while (!request.empty() && request.front() != '\n') {
    const auto line = take_line(request);
    if (!line) return EPROTO;
    if (line->key == "public_key") {
      const auto key = read_key(line->value);
      if (!key) return EINVAL;
      out.peers.emplace_back().public_key = NodePublicKey(key->bytes());
      continue;
    }
    bool known = false;
    const bool good = out.peers.empty() ? read_device_field(*line, out, known)
                                        : read_peer_field(*line, out.peers.back(), known);
    if (!good) return EINVAL;
    if (!known) return EPROTO;
  }
  return out;
}

std::string print(const DeviceView& device) {
  std::string out;
  if (device.private_key) out += hex_line("private_key", device.private_key->secret().bytes());
  if (device.listen_port != 0) out += number_line("listen_port", device.listen_port);
  if (device.fwmark != 0) out += number_line("fwmark", device.fwmark);
  for (const PeerView& peer : device.peers) {
    out += hex_line("public_key", peer.public_key.bytes());
    out += hex_line("preshared_key", peer.preshared_key.bytes());
    out += "protocol_version=1\n";
    if (peer.endpoint) out += "endpoint=" + peer.endpoint->to_text() + "\n";
    const Duration since =
        peer.last_handshake ? peer.last_handshake->time_since_epoch() : Duration{0};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    out += number_line("last_handshake_time_sec", seconds.count());
    out += number_line("last_handshake_time_nsec", (since - seconds).count());
    out += number_line("tx_bytes", peer.tx_bytes);
    out += number_line("rx_bytes", peer.rx_bytes);
    out += number_line("persistent_keepalive_interval", peer.keepalive_seconds);
    for (const Prefix& prefix : peer.allowed_ips) out += "allowed_ip=" + prefix.to_text() + "\n";
  }
  return out;
}

// Deployed programs send the negative value, and `wg` reads it so.
std::string print_errno(int error) { return "errno=" + std::to_string(-error) + "\n\n"; }

}  // namespace aya::plain
