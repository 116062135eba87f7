#include "coord-server/commands/wireguard_file.h"

#include <algorithm>

#include "proto/http/headers.h"
#include "proto/keys/wireguard_text.h"

namespace aya::coord {
namespace {

using http::equal_ignoring_case;
using Fault = std::optional<std::string>;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

class Parser {
 public:
  // What is wrong with the line, if anything.
  Fault line(std::string_view text) {
    text = trimmed(text.substr(0, text.find('#')));
    if (text.empty()) return {};
    if (text.front() == '[') return section(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return "want NAME = VALUE";
    const std::string_view name = trimmed(text.substr(0, equals));
    const std::string_view value = trimmed(text.substr(equals + 1));
    if (section_ == Section::None) return "a value before the first [Interface] or [Peer]";
    return section_ == Section::Interface ? of_interface(name, value) : of_peer(name, value);
  }

  Result<WireguardFile, std::string> finish() {
    if (peers_ == 0) return std::string("there is no [Peer] in it");
    if (out_.peer.is_zero()) return std::string("[Peer] has no PublicKey");
    if (out_.endpoint.empty()) return std::string("[Peer] has no Endpoint");
    if (out_.allowed_ips.empty()) return std::string("[Peer] has no AllowedIPs");
    return std::move(out_);
  }

 private:
  enum class Section { None, Interface, Peer };

  Fault section(std::string_view text) {
    if (equal_ignoring_case(text, "[interface]")) {
      section_ = Section::Interface;
    } else if (equal_ignoring_case(text, "[peer]")) {
      section_ = Section::Peer;
      if (++peers_ > 1) return "a second [Peer]; put each into a file of its own";
    } else {
      return "no section of such a file";
    }
    return {};
  }

  // What concerns the customer's own machine (MTU, Table, PostUp, …) is passed over.
  Fault of_interface(std::string_view name, std::string_view value) {
    if (equal_ignoring_case(name, "PrivateKey")) {
      out_.own_key = key_text::parse_wireguard_private(value);
    } else if (equal_ignoring_case(name, "Address")) {
      for (const std::string& word : comma_list(value)) {
        const auto address = IpAddress::parse(word.substr(0, word.find('/')));
        if (!address) return "Address: no address: " + word;
        out_.own_addresses.push_back(*address);
      }
    } else if (equal_ignoring_case(name, "DNS")) {
      for (const std::string& word : comma_list(value)) {  // search domains may stand here, too
        if (const auto address = IpAddress::parse(word)) out_.resolvers.push_back(*address);
      }
    }
    return {};
  }

  Fault of_peer(std::string_view name, std::string_view value) {
    if (equal_ignoring_case(name, "PublicKey")) {
      const auto key = key_text::parse_wireguard(value);
      if (!key || key->is_zero()) return "PublicKey: want 44 characters of base64";
      out_.peer = *key;
    } else if (equal_ignoring_case(name, "PresharedKey")) {
      return "PresharedKey: devices of a mesh have no such keys; ask for a file without one";
    } else if (equal_ignoring_case(name, "Endpoint")) {
      out_.endpoint = value;
    } else if (equal_ignoring_case(name, "AllowedIPs")) {
      for (const std::string& word : comma_list(value)) {
        auto prefix = Prefix::parse(word);
        if (const auto address = IpAddress::parse(word)) prefix = Prefix::host(*address);
        if (!prefix) return "AllowedIPs: no network: " + word;
        out_.allowed_ips.push_back(prefix->masked());
      }
    }
    return {};
  }

  WireguardFile out_;
  Section section_ = Section::None;
  int peers_ = 0;
};

}  // namespace

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (const auto word = trimmed(text.substr(0, comma)); !word.empty()) out.emplace_back(word);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

Result<WireguardFile, std::string> parse_wireguard_file(std::string_view text) {
  Parser parser;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto fault = parser.line(text.substr(0, end))) {
      return "line " + std::to_string(number) + ": " + *fault;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish();
}

}  // namespace aya::coord
