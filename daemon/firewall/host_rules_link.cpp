#include "daemon/firewall/host_rules_link.h"

#include <utility>

#include "daemon/firewall/nft_script.h"
#include "daemon/os/child.h"

namespace aya::firewall {
namespace {

// What went wrong; nullopt: done.
std::optional<std::string> run_nft(const std::optional<std::string>& nft, std::string script) {
  if (!nft) return "there is no nft program; install the package nftables";
  if (script.empty()) return std::nullopt;
  const auto ran = os::run_child({*nft, {"-f", "-"}, std::move(script)});
  if (!ran) return ran.error().message();
  if (!ran->succeeded()) return "nft: " + ran->complaint();
  return std::nullopt;
}

}  // namespace

HostRules::HostRules(Config config, Logger& log)
    : config_(std::move(config)),
      log_(log),
      sysctls_(config_.sysctl_record),
      nft_(os::find_program("nft")) {
  // Ruled out by its absence: what is not there needs no program to end it.
  if (nft_) (void)run_nft(nft_, nft_removal());
}

std::vector<Problem> HostRules::apply(const Wanted& wanted) {
  std::vector<Problem> out = forward(wanted.forwarding);
  for (Problem& problem : apply_plan(wanted.plan)) out.push_back(std::move(problem));
  for (Problem& problem : apply_kill_switch(wanted.kill_switch)) out.push_back(std::move(problem));
  return out;
}

std::vector<Problem> HostRules::forward(const Sysctls::Forwarding& wanted) {
  const auto done = sysctls_.forward(wanted);
  if (!done) {
    return {
        {"ip-forwarding",
         "Routes are offered, but this host does not forward (" + done.error().message() +
             "). Put this into /etc/sysctl.d/99-ayatori.conf and run `sysctl --system`:\n" +
             sysctl_lines(wanted.v4, wanted.v6)}};
  }
  if (sysctls_.changed()) {
    log_.info(
        "this host forwards while routes are offered",
        {{"lasting_in_sysctl.d", sysctl_lines(wanted.v4, wanted.v6)}});
  }
  return {};
}

std::vector<Problem> HostRules::apply_plan(const Plan& wanted) {
  if (wanted.mode == Mode::Off) {
    const auto problem = remove_plan();
    if (!problem) return {};
    return {{"firewall", "Firewall rules could not be removed (" + *problem + ")."}};
  }
  if (applied_.mode == wanted.mode) {
    if (const auto change = nft_change(applied_, wanted)) {
      if (!run_nft(nft_, *change)) {
        applied_ = wanted;
        return {};
      }
      // Somebody took our table away: whole again.
    }
  }
  const auto problem = replace(wanted);
  if (!problem) return {};
  log_.error("the firewall rules are not in place", {{"why", *problem}});
  return {{"firewall", "Firewall rules could not be put in place (" + *problem + ")."}};
}

std::optional<std::string> HostRules::replace(const Plan& wanted) {
  respect_marks_on_the_way_in();
  std::string script = nft_table(wanted, config_.note);
  if (applied_.mode != wanted.mode) script = nft_removal() + script;
  if (auto problem = run_nft(nft_, std::move(script))) return problem;
  applied_ = wanted;
  return std::nullopt;
}

std::optional<std::string> HostRules::remove_plan() {
  if (applied_.mode == Mode::Off) return std::nullopt;
  if (auto problem = run_nft(nft_, nft_removal())) return problem;
  applied_ = {};
  return std::nullopt;
}

std::vector<Problem> HostRules::apply_kill_switch(const std::optional<KillSwitch>& wanted) {
  if (armed_is_known_ && armed_ == wanted) return {};
  if (!wanted && !nft_) return {};
  const auto problem = run_nft(nft_, wanted ? nft_kill_switch(*wanted) : nft_kill_switch_removal());
  if (problem) {
    return {{"kill-switch", "The kill switch could not be set (" + *problem + ")."}};
  }
  if (armed_.has_value() != wanted.has_value() || (wanted && !armed_is_known_)) {
    log_.info("kill switch", {{"armed", wanted.has_value()}});
  }
  armed_ = wanted;
  armed_is_known_ = true;
  return {};
}

void HostRules::clear() {
  if (const auto problem = remove_plan()) {
    log_.error("firewall rules are left over", {{"why", *problem}});
  }
  if (const auto done = sysctls_.forward({}); !done) {
    log_.error("sysctls are left as they are", {{"why", done.error().message()}});
  }
}

std::optional<std::string> remove_all(const RemoveOptions& options) {
  std::optional<std::string> first;
  const auto note = [&](std::optional<std::string> problem) {
    if (problem && !first) first = std::move(problem);
  };
  if (const auto nft = os::find_program("nft")) {
    note(run_nft(nft, nft_removal()));
    if (options.disarm) note(run_nft(nft, nft_kill_switch_removal()));
  }
  if (const auto done = give_back_sysctls(options.sysctl_record); !done) {
    note(done.error().message());
  }
  return first;
}

}  // namespace aya::firewall
