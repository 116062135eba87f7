#include "daemon/firewall/host_rules_link.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "daemon/firewall/foreign.h"
#include "daemon/firewall/nft_script.h"
#include "daemon/os/child.h"

namespace aya::firewall {
namespace {

constexpr Family kFamilies[] = {Family::V4, Family::V6};
constexpr Backend kFlavours[] = {Backend::IptablesNft, Backend::IptablesLegacy, Backend::Iptables};

// Asking iptables-legacy for its rules would make the kernel load it.
bool may_hold_rules(Backend flavour) {
  return flavour != Backend::IptablesLegacy || has_legacy_tables();
}

bool has_rules(const SavedTables& saved) {
  return std::ranges::any_of(saved, [](const auto& table) { return !table.second.rules.empty(); });
}

bool has_legacy_rules() {
  if (!has_legacy_tables()) return false;
  for (const Family family : kFamilies) {
    const auto program = IptablesProgram::find(Backend::IptablesLegacy, family);
    // Without the program nobody can say more than that there are tables.
    if (!program || has_rules(program->save())) return true;
  }
  return false;
}

std::size_t foreign_nft_rules(const NftProgram& nft) {
  std::size_t out = 0;
  for (const NftChain& chain : parse_nft_listing(nft.list({"ruleset"}))) {
    if (chain.table != kTable && chain.table != kKillSwitchTable) out += chain.rules.size();
  }
  return out;
}

BackendFacts look_around(const std::string& kind, const std::optional<NftProgram>& nft) {
  BackendFacts out;
  out.wish = kind;
  out.has_nft = nft.has_value();
  out.has_iptables_nft = IptablesProgram::find(Backend::IptablesNft, Family::V4).has_value();
  out.has_iptables_legacy = IptablesProgram::find(Backend::IptablesLegacy, Family::V4).has_value();
  out.has_iptables = IptablesProgram::find(Backend::Iptables, Family::V4).has_value();
  out.has_legacy_rules = has_legacy_rules();
  if (nft && out.has_legacy_rules) out.nft_rules = foreign_nft_rules(*nft);
  return out;
}

// What put() of a writer, or see_to_iptables(), left of an earlier run.
Failure remove_by_iptables(bool plan, bool kill_switch) {
  Failure first;
  for (const Backend flavour : kFlavours) {
    if (!may_hold_rules(flavour)) continue;
    for (const Family family : kFamilies) {
      const auto program = IptablesProgram::find(flavour, family);
      if (!program) continue;
      const SavedTables saved = program->save();
      std::string script;
      if (plan) script += iptables_removal(saved);
      if (kill_switch) script += iptables_kill_switch_removal(saved);
      auto failure = program->restore(script);
      if (failure && !first) first = std::move(failure);
    }
  }
  return first;
}

}  // namespace

HostRules::HostRules(Config config, Logger& log)
    : config_(std::move(config)),
      log_(log),
      sysctls_(config_.sysctl_record),
      nft_(NftProgram::find()) {}

HostRules::~HostRules() = default;

// ---- by which program

void HostRules::choose_backend(const std::string& kind) {
  if (kind_ == kind) return;
  if (!kind_) {
    // An earlier run may have used any of them. A table of nft that an administrator's own chains
    // jump to stays until it is written again.
    if (auto writer = nft_ ? make_writer(Backend::Nft, config_.note) : nullptr) {
      (void)writer->remove();
    }
    (void)remove_by_iptables(true, false);
  } else {
    remove_plan();
    leave_others();
    if (writer_ && armed_) (void)writer_->disarm();  // the other program arms it again at once
    armed_.reset();
  }
  kind_ = kind;
  choice_ = choose(look_around(kind, nft_));
  writer_ = make_writer(choice_.backend, config_.note);
  others_.clear();
  if (choice_.backend == Backend::Nft) {
    for (const Family family : kFamilies) {
      auto program = IptablesProgram::find(Backend::IptablesNft, family);
      if (program) others_.push_back(*std::move(program));
    }
  }
  log_.info(
      "firewall rules are written by",
      {{"program", program_of(choice_.backend)}, {"since", choice_.why}});
}

// ---- what is wanted

HostRules::Outcome HostRules::apply(const Wanted& wanted) {
  wanted_ = wanted;
  choose_backend(config_.kind.empty() ? wanted.kind : config_.kind);
  Outcome out;
  forward(out);
  put_plan(out);
  put_kill_switch(out);
  see_to_others(out);
  out.needs_polling = put_.has_value() && choice_.backend == Backend::IptablesLegacy;
  return out;
}

HostRules::Outcome HostRules::check() {
  if (writer_ && put_ && !writer_->intact()) {
    log_.info("somebody took firewall rules of this node away, writing them again");
    put_.reset();
  }
  if (writer_ && armed_ && !writer_->is_armed()) armed_.reset();
  seen_to_.reset();
  const bool complete =
      (put_.has_value() || wanted_.plan.mode == Mode::Off) && armed_ == wanted_.kill_switch;
  Outcome out = apply(wanted_);
  out.repaired = out.repaired || !complete;
  return out;
}

void HostRules::forward(Outcome& out) {
  const auto& wanted = wanted_.forwarding;
  const auto done = sysctls_.forward(wanted);
  if (!done) {
    out.problems.push_back(
        {std::string(kForwardingProblem),
         "Routes are offered, but this host does not forward (" + done.error().message() +
             "). Put this into /etc/sysctl.d/99-ayatori.conf and run `sysctl --system`:\n" +
             sysctl_lines(wanted.v4, wanted.v6)});
  } else if (sysctls_.changed()) {
    log_.info(
        "this host forwards while routes are offered",
        {{"lasting_in_sysctl.d", sysctl_lines(wanted.v4, wanted.v6)}});
  }
}

// ---- our own rules

void HostRules::put_plan(Outcome& out) {
  out.mode =
      firewall_mode(wanted_.plan.mode == Mode::Off ? Backend::None : choice_.backend, *kind_);
  if (wanted_.plan.mode == Mode::Off) return remove_plan();
  if (choice_.warning) out.problems.push_back({"firewall-backend", *choice_.warning});
  if (!writer_) return;
  if (auto failure = write_plan()) {
    put_.reset();
    out.failed = true;
    log_.error("the firewall rules are not in place", {{"why", *failure}});
    out.problems.push_back(
        {"firewall", "The firewall rules of this node are not in place (" + *failure + ")."});
  } else if (!can_translate_v6_) {
    out.problems.push_back(
        {"firewall-ipv6",
         "This kernel cannot translate IPv6 addresses: IPv6 is not forwarded to the offered "
         "routes. Use --snat-subnet-routes=false with a route back, or a kernel with "
         "CONFIG_NF_TABLES_IPV6 and NAT."});
  }
}

Failure HostRules::write_plan() {
  Plan wanted = wanted_.plan;
  if (put_ == wanted) return std::nullopt;
  if (!put_) respect_marks_on_the_way_in();
  wanted.masquerade_v6 = can_translate_v6_;
  auto failure = writer_->put(wanted);
  if (failure && can_translate_v6_ && wanted.forwards && wanted.masquerade) {
    wanted.masquerade_v6 = false;
    if (writer_->put(wanted)) return failure;  // it was something else
    can_translate_v6_ = false;
    failure.reset();
  }
  if (!failure) put_ = wanted_.plan;
  return failure;
}

void HostRules::remove_plan() {
  if (!put_ || !writer_) return;
  if (const auto failure = writer_->remove()) {
    log_.error("firewall rules are left over", {{"why", *failure}});
    return;
  }
  put_.reset();
}

// That of an earlier run is replaced in one transaction where it still is wanted: no packet leaves
// in between.
void HostRules::put_kill_switch(Outcome& out) {
  const auto& wanted = wanted_.kill_switch;
  if (!wanted) {
    const bool maybe_there = armed_ || std::exchange(left_armed_, false);
    if (!maybe_there) return;
    Failure failure = nft_ ? nft_->run(nft_kill_switch_removal()) : std::nullopt;
    if (auto by_iptables = remove_by_iptables(false, true)) failure = std::move(by_iptables);
    if (armed_) log_.info("the kill switch is disarmed");
    armed_.reset();
    if (!failure) return;
    left_armed_ = true;
    out.problems.push_back(
        {"kill-switch", "The kill switch could not be disarmed (" + *failure + ")."});
    return;
  }
  if (armed_ == wanted) return;
  const Failure failure =
      writer_ ? writer_->arm(*wanted) : Failure("there is neither nft nor iptables");
  if (!failure) {
    if (!armed_) log_.info("the kill switch is armed");
    armed_ = wanted;
    return;
  }
  out.failed = true;
  log_.error("the kill switch is not armed", {{"why", *failure}});
  out.problems.push_back({"kill-switch", "The kill switch is not armed (" + *failure + ")."});
}

// ---- everybody else's

// Looked at again when our rules or theirs change, not with every peer that comes or goes.
void HostRules::see_to_others(Outcome& out) {
  if (choice_.backend != Backend::Nft || !nft_) return;
  if (!seen_to_ || !same_rules(*seen_to_, wanted_.plan)) {
    Outcome found;
    look_at_others(found);
    seen_to_.reset();
    if (!found.failed) seen_to_ = wanted_.plan;
    others_problems_ = std::move(found.problems);
    out.failed = out.failed || found.failed;
    out.repaired = out.repaired || found.repaired;
  }
  out.problems.insert(out.problems.end(), others_problems_.begin(), others_problems_.end());
}

void HostRules::look_at_others(Outcome& out) {
  if (wanted_.plan.mode != Mode::On) return leave_others();
  see_to_iptables(out);
  const auto chains = parse_nft_listing(nft_->list({"chains"}));
  if (has_firewalld(chains)) see_to_firewalld(out);
  for (const NftChain& chain : dropping_chains(chains, wanted_.plan, !others_.empty())) {
    for (const NftChain& whole :
         parse_nft_listing(nft_->list({"chain", chain.family, chain.table, chain.name}))) {
      if (auto text = unsaid(whole, wanted_.plan)) {
        out.problems.push_back({"firewall-drops", *std::move(text)});
      }
    }
  }
}

void HostRules::see_to_iptables(Outcome& out) {
  for (const IptablesProgram& program : others_) {
    const SavedTables saved = program.save();
    const auto filter = saved.find("filter");
    if (filter == saved.end()) continue;
    const std::string script = foreign_rules(wanted_.plan, filter->second);
    if (script.empty()) continue;
    if (const auto failure = program.restore(script)) {
      out.failed = true;
      out.problems.push_back(
          {"firewall-foreign",
           "This node's traffic may be dropped by this host's iptables rules, and rules that let "
           "it "
           "pass could not be added (" +
               *failure + ")."});
    } else {
      out.repaired = true;
    }
  }
}

void HostRules::see_to_firewalld(Outcome& out) {
  const std::string& tun = wanted_.plan.tun;
  const std::string advice = "`firewall-cmd --zone=trusted --add-interface=" + tun + "`";
  const auto program = os::find_program("firewall-cmd");
  const auto ran = [&](std::vector<std::string> arguments) {
    const auto answer = os::run_child({*program, std::move(arguments), {}});
    return answer && answer->succeeded();
  };
  if (program && ran({"--get-zone-of-interface=" + tun}))
    return;  // ours, or an administrator's wish
  if (program && ran({"--zone=trusted", "--add-interface=" + tun})) {
    log_.info("firewalld trusts the interface now", {{"interface", tun}});
    in_firewalld_ = tun;
    out.repaired = true;
    return;
  }
  out.problems.push_back(
      {"firewall-firewalld", "firewalld runs on this host and does not know " + tun +
                                 ": it may drop this node's traffic. "
                                 "Run " +
                                 advice + ", and the same with --permanent to make it last."});
}

void HostRules::leave_others() {
  for (const IptablesProgram& program : others_) {
    const SavedTables saved = program.save();
    const auto filter = saved.find("filter");
    if (filter != saved.end()) (void)program.restore(foreign_rules(Plan{}, filter->second));
  }
  const std::string interface = std::exchange(in_firewalld_, {});
  if (interface.empty()) return;
  if (const auto program = os::find_program("firewall-cmd")) {
    (void)os::run_child({*program, {"--zone=trusted", "--remove-interface=" + interface}, {}});
  }
}

// ---- the end

void HostRules::clear() {
  remove_plan();
  leave_others();
  if (const auto done = sysctls_.forward({}); !done) {
    log_.error("sysctls are left as they are", {{"why", done.error().message()}});
  }
}

std::optional<std::string> remove_all(const RemoveOptions& options) {
  Failure first;
  const auto note = [&](Failure failure) {
    if (failure && !first) first = std::move(failure);
  };
  if (const auto nft = NftProgram::find()) {
    note(nft->run(nft_removal()));
    if (options.disarm) note(nft->run(nft_kill_switch_removal()));
  }
  if (options.disarm && !options.kill_switch_note.empty()) {
    ::unlink(options.kill_switch_note.c_str());
  }
  note(remove_by_iptables(true, options.disarm));
  if (const auto done = give_back_sysctls(options.sysctl_record); !done) {
    note(done.error().message());
  }
  return first;
}

}  // namespace aya::firewall
