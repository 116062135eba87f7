// AYA_CHECK(condition): a broken invariant of ours is a bug, and stops the program with its place.
// Never use it on input: a peer's bad bytes are ordinary (see Result).
#pragma once

namespace aya {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace aya

#define AYA_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::aya::check_failed(#condition, __FILE__, __LINE__))
