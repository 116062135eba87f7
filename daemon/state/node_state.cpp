#include "daemon/state/node_state.h"

#include <nlohmann/json.hpp>

namespace aya::state {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr int kVersionWithOthers = 2;

// Remembers the first field that is not as it must be, so that the list below reads straight down.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  void read(const char* name, std::string& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (const auto* text = value->get_ptr<const std::string*>()) {
      out = *text;
    } else {
      fail(name, "is not text");
    }
  }

  void read(const char* name, std::int64_t& out) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (value->is_number_integer()) {
      out = value->get<std::int64_t>();
    } else {
      fail(name, "is not a whole number");
    }
  }

  template <class Role>
  void read(const char* name, PrivateKey<Role>& out) {
    std::string text;
    read(name, text);
    if (text.empty()) return;
    if (auto key = PrivateKey<Role>::parse_for_storage(text)) {
      out = std::move(*key);
    } else {
      fail(name, "is not a private key");
    }
  }

  template <class Role>
  void read(const char* name, PublicKey<Role>& out) {
    std::string text;
    read(name, text);
    if (text.empty()) return;
    if (const auto key = PublicKey<Role>::parse(text)) {
      out = *key;
    } else {
      fail(name, "is not a public key");
    }
  }

  template <class Take>
  void inside(const char* name, Take take) {
    const Json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_object()) return fail(name, "is not an object");
    Fields inner(*value);
    take(inner);
    adopt(inner);
  }

  void adopt(const Fields& inner) {
    if (error_.empty()) error_ = inner.error_;
  }
  void fail(std::string_view name, std::string_view what) {
    if (error_.empty()) error_ = "\"" + std::string(name) + "\" " + std::string(what);
  }
  const std::string& error() const { return error_; }

 private:
  const Json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  const Json& object_;
  std::string error_;
};

template <class Role>
std::string key_text_or_empty(const PrivateKey<Role>& key) {
  return key.is_zero() ? std::string() : key.to_text_for_storage();
}

void put(const LoginState& login, Json& out) {
  out["machineKey"] = login.machine_key.to_text_for_storage();
  out["nodeKey"] = key_text_or_empty(login.node_key);
  out["oldNodeKey"] = key_text_or_empty(login.old_node_key);
  out["nodeId"] = login.node_id;
  out["profile"] = {
      {"userId", login.profile.user_id},
      {"loginName", login.profile.login_name},
      {"displayName", login.profile.display_name},
      {"pictureUrl", login.profile.picture_url}};
  out["network"] = {
      {"domain", login.network.domain}, {"magicDnsSuffix", login.network.magic_dns_suffix}};
  out["controlUrl"] = login.control_url;
  out["serverCertificate"] = login.server_certificate;
  out["serverKey"] = login.server_key.is_zero() ? std::string() : login.server_key.to_text();
  out["serverUrl"] = login.server_url;
  out["previousExitNode"] = login.previous_exit_node;
  out["nameKey"] = login.name_key;
  out["created"] = login.created;
  // As text: what it means is proto/local's, and it must come back byte for byte.
  out["prefs"] = login.prefs;
}

void take(Fields& in, LoginState& out) {
  in.read("machineKey", out.machine_key);
  if (out.machine_key.is_zero()) in.fail("machineKey", "is missing");
  in.read("nodeKey", out.node_key);
  in.read("oldNodeKey", out.old_node_key);
  in.read("nodeId", out.node_id);
  in.read("controlUrl", out.control_url);
  in.read("serverCertificate", out.server_certificate);
  in.read("serverKey", out.server_key);
  in.read("serverUrl", out.server_url);
  in.read("previousExitNode", out.previous_exit_node);
  in.read("nameKey", out.name_key);
  in.read("created", out.created);
  in.read("prefs", out.prefs);
  in.inside("profile", [&out](Fields& profile) {
    profile.read("userId", out.profile.user_id);
    profile.read("loginName", out.profile.login_name);
    profile.read("displayName", out.profile.display_name);
    profile.read("pictureUrl", out.profile.picture_url);
  });
  in.inside("network", [&out](Fields& network) {
    network.read("domain", out.network.domain);
    network.read("magicDnsSuffix", out.network.magic_dns_suffix);
  });
}

void take_others(const Json& document, Fields& in, std::vector<LoginState>& out) {
  const auto list = document.find("others");
  if (list == document.end()) return;
  if (!list->is_array()) return in.fail("others", "is not a list");
  for (const Json& item : *list) {
    if (!item.is_object()) return in.fail("others", "holds something that is not an object");
    Fields login(item);
    take(login, out.emplace_back());
    in.adopt(login);
  }
}

}  // namespace

std::string encode(const NodeState& state) {
  Json out;
  out["version"] = state.others.empty() ? kVersion : kVersionWithOthers;
  put(state, out);
  for (const LoginState& other : state.others) put(other, out["others"].emplace_back());
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<NodeState, DecodeError> decode_node_state(std::string_view text) {
  const Json document = Json::parse(text, nullptr, false);
  if (!document.is_object()) return DecodeError{"it is not a JSON object"};
  Fields in(document);
  std::int64_t version = 0;
  in.read("version", version);
  if (version != kVersion && version != kVersionWithOthers) {
    return DecodeError{"\"version\" is not 1 or 2", version > kVersionWithOthers};
  }
  NodeState out;
  take(in, out);
  take_others(document, in, out.others);
  if (!in.error().empty()) return DecodeError{in.error()};
  return out;
}

}  // namespace aya::state
