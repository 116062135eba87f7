// StrongId<Tag>: an integer that cannot be mistaken for another kind of integer.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace aya {

template <class Tag, class T = std::uint32_t>
struct StrongId {
  T value{};
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace aya

template <class Tag, class T>
struct std::hash<aya::StrongId<Tag, T>> {
  std::size_t operator()(const aya::StrongId<Tag, T>& id) const noexcept {
    return std::hash<T>{}(id.value);
  }
};
