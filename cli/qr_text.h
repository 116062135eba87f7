// A QR code in characters, to be photographed from a terminal: dark on light by whatever colours
// the terminal has.
#pragma once

#include <string>
#include <string_view>

namespace aya::cli {

enum class QrFormat {
  Small,  // half blocks: one character for two modules, one above the other
  Large,  // full blocks, two for each module
  Ascii,  // for terminals without block characters
};

// Lines, each with its end; empty where the text is too long for any code.
std::string qr_text(std::string_view text, QrFormat format);

}  // namespace aya::cli
