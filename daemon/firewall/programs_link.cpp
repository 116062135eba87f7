#include <fcntl.h>
#include <unistd.h>

#include "daemon/firewall/rule_writer.h"
#include "daemon/os/child.h"
#include "daemon/os/owned_fd.h"

namespace aya::firewall {
namespace {

struct Answer {
  Failure failure;
  std::string text;
};

Answer ask(const std::string& program, std::vector<std::string> arguments, std::string input) {
  auto ran = os::run_child({program, std::move(arguments), std::move(input)});
  if (!ran) return {ran.error().message(), {}};
  if (!ran->succeeded()) {
    return {program.substr(program.rfind('/') + 1) + ": " + ran->complaint(), {}};
  }
  return {std::nullopt, std::move(ran->out)};
}

bool file_says_something(const char* path) {
  const os::OwnedFd file(::open(path, O_RDONLY | O_CLOEXEC));
  char byte = 0;
  return file && ::read(file.get(), &byte, 1) == 1;
}

}  // namespace

std::optional<NftProgram> NftProgram::find() {
  auto path = os::find_program("nft");
  if (!path) return std::nullopt;
  return NftProgram(*std::move(path));
}

Failure NftProgram::run(const std::string& script) const {
  if (script.empty()) return std::nullopt;
  return ask(path_, {"-f", "-"}, script).failure;
}

std::string NftProgram::list(std::vector<std::string> what) const {
  what.insert(what.begin(), {"-t", "list"});
  return ask(path_, std::move(what), {}).text;
}

std::optional<IptablesProgram> IptablesProgram::find(Backend flavour, Family family) {
  // Where IPv6 is switched off altogether there are no rules to write.
  if (family == Family::V6 && ::access("/proc/sys/net/ipv6", F_OK) != 0) return std::nullopt;
  std::string name(program_of(flavour));
  if (family == Family::V6) name.insert(2, "6");  // ip6tables-nft
  auto save = os::find_program(name + "-save"), restore = os::find_program(name + "-restore");
  if (!save || !restore) return std::nullopt;
  return IptablesProgram(*std::move(save), *std::move(restore), family);
}

SavedTables IptablesProgram::save() const { return parse_iptables_save(ask(save_, {}, {}).text); }

Failure IptablesProgram::restore(const std::string& script) const {
  if (script.empty()) return std::nullopt;
  return ask(restore_, {"-w", "5", "--noflush"}, script).failure;
}

bool has_legacy_tables() {
  return file_says_something("/proc/net/ip_tables_names") ||
         file_says_something("/proc/net/ip6_tables_names");
}

}  // namespace aya::firewall
