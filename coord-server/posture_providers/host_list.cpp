#include "coord-server/posture_providers/host_list.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

namespace aya::posture_providers {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestText = 200;    // of an attribute, as for those that people set
constexpr std::size_t kLongestLink = 8192;   // or cursor
constexpr std::size_t kMostPolicies = 100;   // of one host
constexpr std::size_t kLongestName = 50;     // of a policy

// What makers and virtual machines write where a serial number should be; upper case.
constexpr std::array<std::string_view, 13> kPlaceholders = {
    "0", "NONE", "N/A", "NA", "UNKNOWN", "INVALID", "DEFAULT STRING", "NOT AVAILABLE",
    "NOT SPECIFIED", "NOT APPLICABLE", "SYSTEM SERIAL NUMBER", "SYSTEMSERIALNUMBER",
    "TO BE FILLED BY O.E.M."};

// nullptr: nothing is there.
const Json* find(const Json& object, const char* at) {
  const Json::json_pointer pointer(at);
  if (!object.contains(pointer)) return nullptr;
  const Json& found = object.at(pointer);
  return found.is_null() ? nullptr : &found;
}

// Empty where there is none, or another type.
std::string text_at(const Json& object, const char* at, std::size_t longest) {
  const Json* found = at == nullptr ? nullptr : find(object, at);
  if (found == nullptr || !found->is_string()) return {};
  const auto& text = found->get_ref<const std::string&>();
  return text.size() <= longest ? text : std::string();
}

bool is_of(Kind kind, const Json& value) {
  switch (kind) {
    case Kind::Text:
      return value.is_string() && value.get_ref<const std::string&>().size() <= kLongestText;
    case Kind::Number:
      return value.is_number();
    case Kind::Flag:
      return value.is_boolean();
    case Kind::Always:
      break;
  }
  return false;
}

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What is absent or of another type is not known, and meets no condition.
void read_fields(const Listing& listing, const Json& item, Attributes& out) {
  for (const Field& field : listing.fields) {
    if (field.kind == Kind::Always) {
      out.insert_or_assign(std::string(field.attribute), "true");
      continue;
    }
    const Json* value = find(item, field.at);
    if (value == nullptr || !is_of(field.kind, *value)) continue;
    out.insert_or_assign(std::string(field.attribute), json_text(*value));
  }
}

// Whoever wrote a policy in Fleet says in its description which attribute it stands for:
// "fleetPolicy:diskEncrypted". A host has those whose policy it passes.
void read_policies(const Json& policies, Attributes& out) {
  constexpr std::string_view kMark = "fleetPolicy:";
  if (!policies.is_array()) return;
  std::size_t count = 0;
  for (const Json& policy : policies) {
    if (!policy.is_object() || text_at(policy, "/response", kLongestText) != "pass") continue;
    const std::string text = text_at(policy, "/description", kLongestLink);
    const std::size_t mark = text.find(kMark);
    if (mark == std::string::npos) continue;
    const std::string_view rest = std::string_view(text).substr(mark + kMark.size());
    const auto end = std::ranges::find_if_not(rest, [](unsigned char ch) {
      return ch < 0x80 && (std::isalnum(ch) || ch == '_' || ch == '-');
    });
    const auto length = static_cast<std::size_t>(end - rest.begin());
    if (length == 0 || length > kLongestName || ++count > kMostPolicies) continue;
    out.insert_or_assign(std::string(kMark) + std::string(rest.substr(0, length)), "true");
  }
}

constexpr const char* kMalformed = "its answer is not what it is documented to be: ";

}  // namespace

std::string plain_serial(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  const auto blank = [](unsigned char ch) { return std::isspace(ch) != 0; };
  while (!text.empty() && blank(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && blank(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  std::string out(text);
  for (char& ch : out) ch = ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 0x20) : ch;
  const bool good = out.size() <= kLongest && std::ranges::count(kPlaceholders, out) == 0;
  return good ? out : std::string();
}

Result<HostList::Page, std::string> HostList::read(
    const Listing& listing, std::string_view answer) {
  const Json document = Json::parse(answer, nullptr, false);
  if (!document.is_object()) return kMalformed + std::string("no JSON object");
  const Json* items = find(document, listing.items);
  if (items == nullptr || !items->is_array()) {
    return kMalformed + std::string("no list at ") + listing.items;
  }
  Page page;
  for (const Json& item : *items) {
    if (!item.is_object()) return kMalformed + std::string("a host is no object");
    ++page.hosts;
    const std::string key = text_at(item, listing.key, kLongestText);
    if (listing.serial == nullptr) {
      const auto known = by_key_.find(key);
      if (known != by_key_.end()) read_fields(listing, item, hosts_[known->second].attributes);
      continue;
    }
    if (hosts_.size() == kMost) return "it has more hosts than " + std::to_string(kMost);
    Host& host = hosts_.emplace_back();
    host.key = key;
    host.serial = plain_serial(text_at(item, listing.serial, kLongestText));
    host.seen = text_at(item, listing.seen, kLongestText);
    read_fields(listing, item, host.attributes);
    if (listing.policies != nullptr) {
      if (const Json* policies = find(item, listing.policies)) {
        read_policies(*policies, host.attributes);
      }
    }
    if (!host.key.empty()) by_key_.insert_or_assign(host.key, hosts_.size() - 1);
  }
  page.next = text_at(document, listing.next, kLongestLink);
  return page;
}

std::vector<std::string> HostList::keys(std::size_t from, std::size_t count) const {
  std::vector<std::string> out;
  for (std::size_t i = from; i < std::min(from + count, hosts_.size()); ++i) {
    if (!hosts_[i].key.empty()) out.push_back(hosts_[i].key);
  }
  return out;
}

// A machine that was installed anew is there twice. Providers write times so that they sort as
// texts do.
Report HostList::report() && {
  Report out;
  out.hosts = hosts_.size();
  std::map<std::string, std::string> seen;
  for (Host& host : hosts_) {
    if (host.serial.empty()) continue;
    const auto [at, fresh] = seen.try_emplace(host.serial, host.seen);
    if (!fresh && host.seen < at->second) continue;
    at->second = host.seen;
    out.by_serial.insert_or_assign(host.serial, std::move(host.attributes));
  }
  return out;
}

}  // namespace aya::posture_providers
