#include "coord-server/enroll/node_label.h"

#include <algorithm>
#include <array>

#include "proto/idna/international_name.h"

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

enum class Keep { AsciiOnly, OtherScripts };

// In lower case, with a hyphen for whatever is no part of a label.
std::string hyphenated(std::string_view name, Keep keep) {
  std::string out;
  for (const char raw : name) {
    const char c = lower(raw);
    if (c == '\'') continue;
    if (is_letter_or_digit(c) || (keep == Keep::OtherScripts && !idna::is_ascii({&raw, 1}))) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  trim_hyphens(out);
  return out;
}

std::string readable(std::string_view label) {
  return idna::readable_form(label).value_or(std::string(label));
}

void drop_last_character(std::string& utf8) {
  while (!utf8.empty() && (static_cast<unsigned char>(utf8.back()) >> 6) == 2) utf8.pop_back();
  if (!utf8.empty()) utf8.pop_back();
}

std::string numbered(const std::string& wanted, unsigned number) {
  const std::string suffix = '-' + std::to_string(number);
  for (std::string text = readable(wanted); !text.empty(); drop_last_character(text)) {
    trim_hyphens(text);
    const auto label = idna::ascii_form(text + suffix);
    if (label && is_label(*label)) return *label;
  }
  return wanted.substr(0, kMaxLabel - suffix.size()) + suffix;  // no name that can be read
}

}  // namespace

std::string label_from_host_name(std::string_view host_name) {
  const std::string_view name = without_local_suffix(host_name);
  if (!idna::is_ascii(name)) {
    const auto label = idna::ascii_form(hyphenated(name, Keep::OtherScripts));
    if (label && is_label(*label)) return *label;
  }
  std::string label = hyphenated(name, Keep::AsciiOnly);
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
    const std::string label = numbered(wanted, number);
    if (!is_taken(label)) return label;
  }
}

bool is_label_for(std::string_view wanted, std::string_view label) {
  if (label == wanted) return true;
  const std::string before = readable(wanted) + '-', all = readable(label);
  return all.size() > before.size() && all.starts_with(before) &&
         all.find_first_not_of("0123456789", before.size()) == std::string::npos;
}

}  // namespace aya::enroll
