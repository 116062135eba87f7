// Writes a plan's rules by one of the programs there are. Private to the links of this room; every
// call waits for child programs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/firewall/backend.h"
#include "daemon/firewall/iptables_save.h"
#include "daemon/firewall/iptables_script.h"
#include "daemon/firewall/plan.h"

namespace aya::firewall {

using Failure = std::optional<std::string>;  // one line; nullopt: done

class RuleWriter {
 public:
  virtual ~RuleWriter() = default;
  // Changes what differs from the last put(); after a failure, or somebody else's work, everything.
  virtual Failure put(const Plan& wanted) = 0;
  virtual Failure remove() = 0;  // what put() made; right also after an earlier run
  // Whether what put() made still stands. If not, the next put() makes all of it.
  virtual bool intact() = 0;
  virtual Failure arm(const KillSwitch& wanted) = 0;
  virtual Failure disarm() = 0;  // right also after an earlier run
  virtual bool is_armed() = 0;
};

// `note`: who writes, for the table's comment. Not for Backend::None.
std::unique_ptr<RuleWriter> make_writer(Backend backend, const std::string& note);

// ---- the programs

class NftProgram {
 public:
  static std::optional<NftProgram> find();

  Failure run(const std::string& script) const;
  // What it prints, without the elements of sets; nothing, where it refuses.
  std::string list(std::vector<std::string> what) const;

 private:
  explicit NftProgram(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// One flavour of iptables, for one family.
class IptablesProgram {
 public:
  static std::optional<IptablesProgram> find(Backend flavour, Family family);

  SavedTables save() const;  // nothing, where it cannot be read
  Failure restore(const std::string& script) const;
  Family family() const { return family_; }

 private:
  IptablesProgram(std::string save, std::string restore, Family family)
      : save_(std::move(save)), restore_(std::move(restore)), family_(family) {}
  std::string save_, restore_;
  Family family_;
};

// The kernel holds tables of iptables-legacy: asking whether there are makes none.
bool has_legacy_tables();

}  // namespace aya::firewall
