// What the token of another issuer must say for a program that comes with it (interfaces 1.3): a
// pipeline, a pod, a virtual machine, to whom no secret had to be given.
//
//   auto read = WorkloadToken::read(text, rules, now);  // refuses what can be without keys
//   auto good = read->verify(keys, rules);              // with the issuer's
//
// Which subjects and claims are let in is looked at last: only a holder of a genuine token learns
// anything of the rules. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "coord-server/oidc/keys.h"
#include "coord-server/oidc/token_fault.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::oidc {

// In a pattern "*" stands for any characters, or none; everything else for itself.
bool matches_pattern(std::string_view pattern, std::string_view text);

struct WorkloadRules {
  std::string issuer;    // exactly
  std::string audience;  // one of those the token names
  std::string subject;   // pattern
  std::map<std::string, std::string> claims;  // patterns; of a list one entry must match
};

class WorkloadToken {
 public:
  // `text` outlives the token.
  static Result<WorkloadToken, TokenFault> read(
      std::string_view text, const WorkloadRules& rules, WallTime now);
  ~WorkloadToken();
  WorkloadToken(WorkloadToken&&) noexcept;
  WorkloadToken& operator=(WorkloadToken&&) noexcept;

  // The error's detail may be told to whoever brought the token.
  Result<void, TokenFault> verify(const KeySet& keys, const WorkloadRules& rules) const;

 private:
  struct Parts;
  explicit WorkloadToken(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace aya::oidc
