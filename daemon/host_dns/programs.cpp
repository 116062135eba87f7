#include "daemon/host_dns/programs.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "daemon/host_dns/files.h"
#include "daemon/host_dns/journal.h"
#include "daemon/host_dns/renderers.h"
#include "daemon/os/child.h"

namespace aya::host_dns {
namespace {

using os::OsError;

// Where openresolv and Debian's resolvconf keep their records, a file each.
constexpr std::array kRecordFolders{"/run/resolvconf/interfaces", "/run/resolvconf/interface"};
constexpr const char* kUplinksOfDnsmasq = "/tmp/resolv.conf.d/resolv.conf.auto";
constexpr const char* kDnsmasqService = "/etc/init.d/dnsmasq";

Result<void, OsError> run(
    std::string_view name, std::vector<std::string> words, std::string input) {
  const std::string path =
      name.starts_with('/') ? std::string(name) : os::find_program(name).value_or("");
  if (path.empty()) return OsError{0, std::string(name) + " is not installed", {}};
  const auto done = os::run_child({path, std::move(words), std::move(input), 10s});
  if (!done) return done.error();
  if (!done->succeeded()) return OsError{0, path + ": " + done->complaint(), {}};
  return {};
}

Result<void, OsError> note(const Places& places, Mode mode, std::string dnsmasq_file = {}) {
  Journal journal;
  journal.mode = mode;
  journal.link = places.link;
  journal.dnsmasq_file = std::move(dnsmasq_file);
  return write_journal(places.state_dir, journal);
}

void add_new(std::vector<std::string>& into, const std::vector<std::string>& more) {
  for (const std::string& one : more) {
    if (std::ranges::find(into, one) == into.end()) into.push_back(one);
  }
}

}  // namespace

// ---- resolvconf

Resolvconf::Resolvconf(Places places, Mode flavour)
    : places_(std::move(places)), flavour_(flavour) {
  read_base();
}

// All records but ours.
bool Resolvconf::read_base() {
  Base base;
  for (const char* folder : kRecordFolders) {
    std::error_code failed;
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
      if (entry.path().filename() != resolvconf_record_name(places_.link)) {
        paths.push_back(entry.path());
      }
    }
    std::ranges::sort(paths);
    for (const std::string& path : paths) {
      const auto text = read_text(path);
      if (!text || !*text) continue;
      const Base one = parse_resolv_conf(**text);
      for (const IpAddress& server : one.nameservers) {
        if (std::ranges::find(base.nameservers, server) == base.nameservers.end()) {
          base.nameservers.push_back(server);
        }
      }
      add_new(base.search_domains, one.search_domains);
      add_new(base.options, one.options);
    }
  }
  if (base == base_) return false;
  base_ = std::move(base);
  return true;
}

Result<void, OsError> Resolvconf::apply(const Wanted& wanted) {
  if (auto noted = note(places_, flavour_); !noted) return noted;
  std::vector<std::string> words;
  if (flavour_ == Mode::Openresolv) words = {"-m", "0", "-x"};  // first, and alone
  words.insert(words.end(), {"-a", resolvconf_record_name(places_.link)});
  if (auto added = run("resolvconf", std::move(words), resolvconf_record(wanted)); !added) {
    return added;
  }
  applied_ = true;
  return {};
}

Result<void, OsError> Resolvconf::restore() {
  if (!applied_) return {};
  if (auto removed = remove_resolvconf_record(places_.link, flavour_); !removed) return removed;
  applied_ = false;
  return remove_journal(places_.state_dir);
}

void Resolvconf::add_watches(Watch& watch) const {
  for (const char* folder : kRecordFolders) watch.add_folder(folder);
}

Result<Backend::News, OsError> Resolvconf::look() {
  return read_base() ? News::BaseChanged : News::None;
}

Result<void, OsError> remove_resolvconf_record(const std::string& link, Mode flavour) {
  std::vector<std::string> words;
  if (flavour == Mode::Openresolv) words = {"-f"};  // also where there is none
  words.insert(words.end(), {"-d", resolvconf_record_name(link)});
  if (!os::find_program("resolvconf")) return {};  // its records went with it
  return run("resolvconf", std::move(words), "");
}

bool has_resolvconf_record(const std::string& link) {
  return std::ranges::any_of(kRecordFolders, [&](const char* folder) {
    std::error_code failed;
    return std::filesystem::exists(folder + ("/" + resolvconf_record_name(link)), failed);
  });
}

// ---- NetworkManager

NetworkManager::NetworkManager(Places places, const Evidence& evidence)
    : places_(std::move(places)), base_(parse_resolv_conf(evidence.resolv_conf.value_or(""))) {}

Result<void, OsError> NetworkManager::apply(const Wanted& wanted) {
  if (auto noted = note(places_, Mode::NetworkManager); !noted) return noted;
  if (auto done = run("nmcli", nmcli_arguments(places_.link, wanted), ""); !done) return done;
  applied_ = true;
  return {};
}

Result<void, OsError> NetworkManager::restore() {
  if (!applied_) return {};
  if (auto undone = run("nmcli", nmcli_undo_arguments(places_.link), ""); !undone) return undone;
  applied_ = false;
  return remove_journal(places_.state_dir);
}

// ---- dnsmasq

Dnsmasq::Dnsmasq(Places places, const Evidence& evidence)
    : places_(std::move(places)), file_(dnsmasq_file_in(evidence.dnsmasq_folder)) {
  if (const auto text = read_text(kUplinksOfDnsmasq); text && *text) {
    base_ = parse_resolv_conf(**text);
  }
}

Result<void, OsError> Dnsmasq::apply(const Wanted& wanted) {
  std::string text = dnsmasq_file(wanted);
  if (written_ == text) return {};
  if (auto noted = note(places_, Mode::Dnsmasq, file_); !noted) return noted;
  std::error_code failed;
  std::filesystem::create_directories(folder_of(file_), failed);
  if (auto put = replace_file(file_, text); !put) return put;
  written_ = std::move(text);
  return run(kDnsmasqService, {"restart"}, "");
}

Result<void, OsError> Dnsmasq::restore() {
  if (!written_) return {};
  if (auto removed = remove_dnsmasq_file(file_); !removed) return removed;
  written_.reset();
  return remove_journal(places_.state_dir);
}

void Dnsmasq::add_watches(Watch& watch) const {
  watch.add_file(file_);
  watch.add_file(kUplinksOfDnsmasq);
}

Result<Backend::News, OsError> Dnsmasq::look() {
  if (written_) {
    const auto text = read_text(file_);
    if (!text) return text.error();
    if (*text != *written_) {
      if (auto put = replace_file(file_, *written_); !put) return put.error();
      if (auto read = run(kDnsmasqService, {"restart"}, ""); !read) return read.error();
    }
  }
  const auto uplinks = read_text(kUplinksOfDnsmasq);
  if (!uplinks || !*uplinks) return News::None;
  Base base = parse_resolv_conf(**uplinks);
  if (base == base_) return News::None;
  base_ = std::move(base);
  return News::BaseChanged;
}

std::string dnsmasq_file_in(const std::string& folder) { return folder + "/ayatori.conf"; }

Result<void, OsError> remove_dnsmasq_file(const std::string& file) {
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) return {};
  if (auto removed = remove_file(file); !removed) return removed;
  return run(kDnsmasqService, {"restart"}, "");
}

}  // namespace aya::host_dns
