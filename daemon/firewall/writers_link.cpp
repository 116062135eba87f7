#include <algorithm>
#include <utility>

#include "daemon/firewall/nft_listing.h"
#include "daemon/firewall/nft_script.h"
#include "daemon/firewall/rule_writer.h"

namespace aya::firewall {
namespace {

class NftWriter final : public RuleWriter {
 public:
  NftWriter(NftProgram nft, std::string note) : nft_(std::move(nft)), note_(std::move(note)) {}

  Failure put(const Plan& wanted) override {
    if (put_) {
      // Otherwise somebody may have taken our table away: then it is made again.
      const auto change = nft_change(*put_, wanted);
      if (change && !nft_.run(*change)) {
        put_ = wanted;
        return std::nullopt;
      }
    }
    std::string script = nft_table(wanted, note_);
    if (put_ ? put_->mode != wanted.mode : is_hooked()) script = nft_removal() + script;
    put_.reset();
    if (auto failure = nft_.run(script)) return failure;
    put_ = wanted;
    listing_ = listing();
    return std::nullopt;
  }

  Failure remove() override {
    put_.reset();
    return nft_.run(others_use_the_table() ? nft_emptying() : nft_removal());
  }

  bool intact() override {
    if (!put_) return true;
    const std::string now = listing();
    const bool same = put_->mode == Mode::NoDivert ? !now.empty() : now == listing_;
    if (!same) put_.reset();
    return same;
  }

  Failure arm(const KillSwitch& wanted) override { return nft_.run(nft_kill_switch(wanted)); }
  Failure disarm() override { return nft_.run(nft_kill_switch_removal()); }
  bool is_armed() override {
    return !nft_.list({"table", "inet", std::string(kKillSwitchTable)}).empty();
  }

 private:
  // Without the elements of its sets.
  std::string listing() const { return nft_.list({"table", "inet", std::string(kTable)}); }

  bool is_hooked() const {
    for (const NftChain& chain : parse_nft_listing(listing())) {
      if (!chain.hook.empty() && nft_owns_chain(chain.name)) return true;
    }
    return false;
  }

  bool others_use_the_table() const {
    for (const NftChain& chain : parse_nft_listing(listing())) {
      if (!nft_owns_chain(chain.name)) return true;
    }
    return false;
  }

  NftProgram nft_;
  std::string note_;
  std::optional<Plan> put_;
  std::string listing_;  // of our table, as it was after the last put()
};

class IptablesWriter final : public RuleWriter {
 public:
  explicit IptablesWriter(std::vector<IptablesProgram> families) : families_(std::move(families)) {}

  Failure put(const Plan& wanted) override {
    Failure first;
    for (const IptablesProgram& program : families_) {
      auto failure = put(wanted, program);
      if (failure && !first) first = std::move(failure);
    }
    put_.reset();
    if (!first) put_ = wanted;
    return first;
  }

  Failure remove() override {
    put_.reset();
    return each([](const IptablesProgram& program) {
      return program.restore(iptables_removal(program.save()));
    });
  }

  bool intact() override {
    if (!put_) return true;
    const bool same = std::ranges::all_of(families_, [&](const IptablesProgram& program) {
      return iptables_intact(*put_, program.family(), program.save());
    });
    if (!same) put_.reset();
    return same;
  }

  Failure arm(const KillSwitch& wanted) override {
    return each([&](const IptablesProgram& program) {
      return program.restore(iptables_kill_switch(wanted, program.family(), program.save()));
    });
  }

  Failure disarm() override {
    return each([](const IptablesProgram& program) {
      return program.restore(iptables_kill_switch_removal(program.save()));
    });
  }

  bool is_armed() override {
    return std::ranges::all_of(families_, [](const IptablesProgram& program) {
      return iptables_is_armed(program.save());
    });
  }

 private:
  Failure put(const Plan& wanted, const IptablesProgram& program) {
    if (put_) {
      const auto change = iptables_change(*put_, wanted, program.family());
      if (change && !program.restore(*change)) return std::nullopt;
    }
    return program.restore(iptables_tables(wanted, program.family(), program.save()));
  }

  template <class Step>
  Failure each(Step&& step) {
    Failure first;
    for (const IptablesProgram& program : families_) {
      auto failure = step(program);
      if (failure && !first) first = std::move(failure);
    }
    return first;
  }

  std::vector<IptablesProgram> families_;
  std::optional<Plan> put_;
};

}  // namespace

std::unique_ptr<RuleWriter> make_writer(Backend backend, const std::string& note) {
  if (backend == Backend::Nft) {
    auto nft = NftProgram::find();
    if (!nft) return nullptr;
    return std::make_unique<NftWriter>(*std::move(nft), note);
  }
  std::vector<IptablesProgram> families;
  for (const Family family : {Family::V4, Family::V6}) {
    if (auto program = IptablesProgram::find(backend, family)) {
      families.push_back(*std::move(program));
    }
  }
  if (families.empty()) return nullptr;
  return std::make_unique<IptablesWriter>(std::move(families));
}

}  // namespace aya::firewall
