// Result<T, E>: a value or the reason there is none. Member names are those of std::expected, which
// the compilers we support do not have yet. T and E must be different types, so that a function
// may return either without ceremony:
//
//   Result<Ping, ParseError> parse_ping(Bytes body) {
//     if (body.size() < 12) return ParseError::Truncated;
//     return Ping{...};
//   }
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "proto/base/check.h"

namespace aya {

template <class T, class E>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, E>, "value and error must be told apart by type");

 public:
  using value_type = T;
  using error_type = E;

  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : held_(std::in_place_index<1>, std::move(error)) {}
  template <class U>
  requires(
      std::is_convertible_v<U&&, T> && !std::is_convertible_v<U&&, E> &&
      !std::is_same_v<std::remove_cvref_t<U>, Result> && !std::is_same_v<std::remove_cvref_t<U>, T>)
      Result(U&& value)
      : held_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return AYA_CHECK(has_value()), *std::get_if<0>(&held_); }
  const T& value() const& { return AYA_CHECK(has_value()), *std::get_if<0>(&held_); }
  T&& value() && { return AYA_CHECK(has_value()), std::move(*std::get_if<0>(&held_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const E& error() const& { return AYA_CHECK(!has_value()), *std::get_if<1>(&held_); }
  E&& error() && { return AYA_CHECK(!has_value()), std::move(*std::get_if<1>(&held_)); }

  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }

 private:
  std::variant<T, E> held_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  Result() = default;
  Result(E error) : held_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  const E& error() const& { return AYA_CHECK(!has_value()), *std::get_if<1>(&held_); }

 private:
  std::variant<std::monostate, E> held_;
};

}  // namespace aya
