// How often this program has allocated, for tests that promise not to. Linking the .cpp replaces
// the global operator new.
#pragma once

#include <cstddef>

namespace aya::test {

std::size_t allocations();

}  // namespace aya::test
