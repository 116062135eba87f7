// Runs a function when the scope ends, for C resources that live in one function only.
#pragma once

#include <utility>

namespace aya {

template <class F>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(F on_exit) : on_exit_(std::move(on_exit)) {}
  ~ScopeExit() { on_exit_(); }
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;

 private:
  F on_exit_;
};

}  // namespace aya
