#include "proto/derp/hello.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/base/reader.h"

namespace aya::derp {
namespace {

// Ordered: names that differ only in case are taken in the order they were written.
using Json = nlohmann::ordered_json;

constexpr std::array<std::byte, 8> kMagic = {std::byte{'D'},  std::byte{'E'},  std::byte{'R'},
                                             std::byte{'P'},  std::byte{0xf0}, std::byte{0x9f},
                                             std::byte{0x94}, std::byte{0x91}};

template <class Role>
Result<Buffer, ParseError> open_info(
    const crypto::Key32& self, const PublicKey<Role>& other, const crypto::BoxNonce& nonce,
    Bytes sealed) {
  const auto shared = crypto::box_shared_key(self, other.bytes());
  if (!shared) return ParseError::BadSeal;
  auto plain = crypto::open_box(*shared, nonce, sealed);
  if (!plain) return ParseError::BadSeal;
  return std::move(*plain);
}

// The part that both infos share: header, optional clear key, nonce, box.
template <class Role>
bool write_info(
    FrameType type, Bytes clear, const crypto::Key32& self, const PublicKey<Role>& other,
    const crypto::BoxNonce& nonce, std::string_view json, Buffer& out) {
  const auto shared = crypto::box_shared_key(self, other.bytes());
  if (!shared) return false;
  write_frame_header(type, clear.size() + nonce.size() + crypto::kBoxTagSize + json.size(), out);
  append(out, clear);
  append(out, nonce);
  crypto::seal_box(*shared, nonce, as_bytes(json), out);
  return true;
}

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lowered, lowered);
}

// Reads members by name. As in the reference, null leaves a plain field as it was.
class Members {
 public:
  Members(std::string_view name, const Json& value) : name_(name), value_(value) {}

  void integer(std::string_view name, std::int64_t& out) {
    if (!takes(name)) return;
    if (value_.is_number_unsigned() && *value_.get_ptr<const std::uint64_t*>() > INT64_MAX) {
      failed_ = true;
    } else if (const auto* number = value_.get_ptr<const std::int64_t*>()) {
      out = *number;
    } else {
      failed_ = true;
    }
  }
  void boolean(std::string_view name, bool& out) {
    if (!takes(name)) return;
    const auto* held = value_.get_ptr<const bool*>();
    if (held != nullptr) out = *held;
    failed_ = failed_ || held == nullptr;
  }
  void text(std::string_view name, std::string& out) {
    if (!takes(name)) return;
    const auto* held = value_.get_ptr<const std::string*>();
    if (held != nullptr) out = *held;
    failed_ = failed_ || held == nullptr;
  }
  // No null and no white space here: a mesh key is 64 digits or is not mentioned.
  void mesh_key(std::string_view name, std::optional<MeshKey>& out) {
    if (!same_name(name_, name)) return;
    const auto* held = value_.get_ptr<const std::string*>();
    if (held != nullptr && held->size() == 64) out = MeshKey::parse(*held);
    failed_ = failed_ || held == nullptr || !out;
  }
  bool failed() const { return failed_; }

 private:
  bool takes(std::string_view name) const { return same_name(name_, name) && !value_.is_null(); }

  std::string_view name_;
  const Json& value_;
  bool failed_ = false;
};

template <class ReadMember>
bool read_object(std::string_view text, ReadMember read_member) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_null()) return true;
  const auto* object = json.get_ptr<const Json::object_t*>();
  if (object == nullptr) return false;
  return std::ranges::all_of(*object, [&](const auto& member) {
    Members at(member.first, member.second);
    read_member(at);
    return !at.failed();
  });
}

}  // namespace

void write_server_key(const RelayPublicKey& relay, Buffer& out) {
  write_frame_header(FrameType::ServerKey, kMagic.size() + RelayPublicKey::kSize, out);
  append(out, kMagic);
  append(out, relay.bytes());
}

Result<RelayPublicKey, ParseError> parse_server_key(Bytes payload) {
  Reader in(payload);
  const bool magic = in.array<kMagic.size()>() == kMagic;
  const auto key = in.array<RelayPublicKey::kSize>();
  if (in.failed()) return ParseError::Truncated;
  if (!magic) return ParseError::BadMagic;
  return RelayPublicKey(key);
}

bool write_client_info(
    const NodePrivateKey& self, const RelayPublicKey& relay, const crypto::BoxNonce& nonce,
    const ClientInfo& info, Buffer& out) {
  return write_info(
      FrameType::ClientInfo, self.public_key().bytes(), self.secret(), relay, nonce, to_json(info),
      out);
}

Result<Greeting, ParseError> open_client_info(const RelayPrivateKey& self, Bytes payload) {
  if (payload.size() > kMaxClientInfo) return ParseError::TooLarge;
  Reader in(payload);
  const NodePublicKey node(in.array<NodePublicKey::kSize>());
  const auto nonce = in.array<crypto::kBoxNonceSize>();
  if (in.failed()) return ParseError::Truncated;
  const auto plain = open_info(self.secret(), node, nonce, in.rest());
  if (!plain) return plain.error();
  auto info = client_info_from_json(as_text(*plain));
  if (!info) return info.error();
  return Greeting{node, std::move(*info)};
}

bool write_server_info(
    const RelayPrivateKey& self, const NodePublicKey& client, const crypto::BoxNonce& nonce,
    const ServerInfo& info, Buffer& out) {
  return write_info(FrameType::ServerInfo, {}, self.secret(), client, nonce, to_json(info), out);
}

Result<ServerInfo, ParseError> open_server_info(
    const NodePrivateKey& self, const RelayPublicKey& relay, Bytes payload) {
  Reader in(payload);
  const auto nonce = in.array<crypto::kBoxNonceSize>();
  if (in.failed()) return ParseError::Truncated;
  const auto plain = open_info(self.secret(), relay, nonce, in.rest());
  if (!plain) return plain.error();
  return server_info_from_json(as_text(*plain));
}

std::string to_json(const ClientInfo& info) {
  Json json = Json::object();
  if (info.mesh_key) json["meshKey"] = info.mesh_key->to_text_for_seal();
  json["version"] = info.version;
  json["CanAckPings"] = info.can_ack_pings;
  if (info.is_prober) json["IsProber"] = true;
  if (!info.app_name.empty()) json["AppName"] = info.app_name;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_json(const ServerInfo& info) {
  Json json = Json::object();
  json["version"] = info.version;
  if (info.token_bucket_bytes_per_second != 0) {
    json["TokenBucketBytesPerSecond"] = info.token_bucket_bytes_per_second;
  }
  if (info.token_bucket_bytes_burst != 0) {
    json["TokenBucketBytesBurst"] = info.token_bucket_bytes_burst;
  }
  return json.dump();
}

Result<ClientInfo, ParseError> client_info_from_json(std::string_view text) {
  ClientInfo info;
  info.version = 0;
  const bool read = read_object(text, [&](Members& at) {
    at.mesh_key("meshKey", info.mesh_key);
    at.integer("version", info.version);
    at.boolean("CanAckPings", info.can_ack_pings);
    at.boolean("IsProber", info.is_prober);
    at.text("AppName", info.app_name);
  });
  if (!read) return ParseError::BadEncoding;
  return info;
}

Result<ServerInfo, ParseError> server_info_from_json(std::string_view text) {
  ServerInfo info;
  info.version = 0;
  const bool read = read_object(text, [&](Members& at) {
    at.integer("version", info.version);
    at.integer("TokenBucketBytesPerSecond", info.token_bucket_bytes_per_second);
    at.integer("TokenBucketBytesBurst", info.token_bucket_bytes_burst);
  });
  if (!read) return ParseError::BadEncoding;
  return info;
}

}  // namespace aya::derp
