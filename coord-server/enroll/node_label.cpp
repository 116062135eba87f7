#include "coord-server/enroll/node_label.h"

#include <algorithm>
#include <array>

namespace aya::enroll {
namespace {

constexpr std::size_t kMaxLabel = 63;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Suffixes that home routers and operating systems add, which say nothing about the machine.
std::string_view without_local_suffix(std::string_view name) {
  for (const std::string_view suffix : {".localdomain", ".local", ".home", ".lan"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

void trim_hyphens(std::string& text) {
  while (!text.empty() && text.back() == '-') text.pop_back();
  text.erase(0, std::min(text.find_first_not_of('-'), text.size()));
}

}  // namespace

std::string label_from_host_name(std::string_view host_name) {
  std::string label;
  for (const char raw : without_local_suffix(host_name)) {
    const char c = lower(raw);
    if (c == '\'') continue;
    if (is_letter_or_digit(c)) {
      label += c;
    } else if (!label.empty() && label.back() != '-') {
      label += '-';
    }
  }
  label.resize(std::min(label.size(), kMaxLabel));
  trim_hyphens(label);
  return label.empty() ? "node" : label;
}

bool is_label(std::string_view text) {
  if (text.empty() || text.size() > kMaxLabel) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  return std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

std::string unused_label(
    const std::string& wanted, const std::function<bool(std::string_view)>& is_taken) {
  if (!is_taken(wanted)) return wanted;
  for (unsigned number = 1;; ++number) {
    const std::string suffix = '-' + std::to_string(number);
    std::string label = wanted.substr(0, kMaxLabel - suffix.size());
    trim_hyphens(label);
    label += suffix;
    if (!is_taken(label)) return label;
  }
}

}  // namespace aya::enroll
