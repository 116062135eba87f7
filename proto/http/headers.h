// Header fields of a message, in order of arrival, looked up without regard to case. A handful of
// fields per message: a list is faster than a map and keeps repeated fields apart.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace aya::http {

bool equal_ignoring_case(std::string_view a, std::string_view b);

class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
    friend bool operator==(const Field&, const Field&) = default;
  };

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string_view name, std::string_view value);  // keeps earlier fields of that name
  void set(std::string_view name, std::string_view value);  // replaces them
  void remove(std::string_view name);

  // The first field of that name; nullptr when there is none. Valid until the next change.
  const std::string* find(std::string_view name) const;
  std::string_view get(std::string_view name, std::string_view otherwise = "") const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::size_t count(std::string_view name) const;

  // Is `token` an element of a comma-separated field, as in "Connection: keep-alive, Upgrade"?
  bool has_token(std::string_view name, std::string_view token) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  friend bool operator==(const Headers&, const Headers&) = default;

 private:
  std::vector<Field> fields_;
};

}  // namespace aya::http
