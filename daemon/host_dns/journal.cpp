#include "daemon/host_dns/journal.h"

#include <array>
#include <nlohmann/json.hpp>

#include "daemon/host_dns/files.h"

namespace aya::host_dns {
namespace {

constexpr std::array kModes{
    Mode::Direct,     Mode::Resolved,         Mode::NetworkManager,
    Mode::Openresolv, Mode::DebianResolvconf, Mode::Dnsmasq,
};
constexpr std::array kWas{Journal::Was::Missing, Journal::Was::Regular, Journal::Was::Link};

std::string_view to_word(Journal::Was was) {
  switch (was) {
    case Journal::Was::Missing:
      return "missing";
    case Journal::Was::Regular:
      return "regular";
    case Journal::Was::Link:
      return "link";
  }
  return "";
}

std::string text_at(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string to_text(const Journal& journal) {
  nlohmann::json out = nlohmann::json::object();
  out["mode"] = to_text(journal.mode);
  out["link"] = journal.link;
  if (journal.mode == Mode::Direct) {
    out["was"] = to_word(journal.was);
    out["in_place"] = journal.in_place;
    out["backup"] = journal.backup;
    out["sha256"] = journal.sha256;
  }
  if (journal.mode == Mode::Dnsmasq) out["dnsmasq_file"] = journal.dnsmasq_file;
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<Journal> parse_journal(std::string_view text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  Journal out;
  const std::string mode = text_at(object, "mode");
  for (const Mode known : kModes) {
    if (to_text(known) == mode) out.mode = known;
  }
  if (out.mode == Mode::None) return std::nullopt;
  out.link = text_at(object, "link");
  out.backup = text_at(object, "backup");
  out.sha256 = text_at(object, "sha256");
  out.dnsmasq_file = text_at(object, "dnsmasq_file");
  const std::string was = text_at(object, "was");
  for (const Journal::Was known : kWas) {
    if (to_word(known) == was) out.was = known;
  }
  const auto in_place = object.find("in_place");
  out.in_place = in_place != object.end() && in_place->is_boolean() && in_place->get<bool>();
  return out;
}

std::string journal_path(std::string_view state_dir) {
  return std::string(state_dir) + "/host-dns.json";
}

Result<void, os::OsError> write_journal(std::string_view state_dir, const Journal& journal) {
  return replace_file(journal_path(state_dir), to_text(journal), {.mode = 0600});
}

std::optional<Journal> read_journal(std::string_view state_dir) {
  const auto text = read_text(journal_path(state_dir));
  if (!text || !*text) return std::nullopt;
  return parse_journal(**text);
}

Result<void, os::OsError> remove_journal(std::string_view state_dir) {
  return remove_file(journal_path(state_dir));
}

}  // namespace aya::host_dns
