// The words of a text: what stands between white space of ASCII. Views into it.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace aya {

inline std::vector<std::string_view> words_in(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  std::vector<std::string_view> out;
  std::size_t begin = text.find_first_not_of(kSpace);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kSpace, end);
  }
  return out;
}

}  // namespace aya
