#include "cli/qr_text.h"

#include <qrcodegen/qrcodegen.hpp>
#include <stdexcept>

namespace aya::cli {
namespace {

using qrcodegen::QrCode;

constexpr int kQuiet = 2;  // light modules around it; readers want to see where it ends

bool is_light(const QrCode& code, int x, int y) {
  const int size = code.getSize();
  return x < 0 || y < 0 || x >= size || y >= size || !code.getModule(x, y);
}

// On a dark terminal a lit block is light: the code is drawn by its light modules.
std::string_view half_blocks(bool upper, bool lower) {
  if (upper && lower) return "\u2588";
  if (upper) return "\u2580";
  return lower ? "\u2584" : " ";
}

std::string small(const QrCode& code) {
  const int end = code.getSize() + kQuiet;
  std::string out;
  for (int y = -kQuiet; y < end; y += 2) {
    for (int x = -kQuiet; x < end; ++x) {
      out += half_blocks(is_light(code, x, y), y + 1 < end && is_light(code, x, y + 1));
    }
    out += '\n';
  }
  return out;
}

std::string large(const QrCode& code, std::string_view light) {
  const int end = code.getSize() + kQuiet;
  std::string out;
  for (int y = -kQuiet; y < end; ++y) {
    for (int x = -kQuiet; x < end; ++x) out += is_light(code, x, y) ? light : "  ";
    out += '\n';
  }
  return out;
}

}  // namespace

std::string qr_text(std::string_view text, QrFormat format) {
  try {
    const QrCode code = QrCode::encodeText(std::string(text).c_str(), QrCode::Ecc::LOW);
    if (format == QrFormat::Small) return small(code);
    return large(code, format == QrFormat::Large ? "\u2588\u2588" : "##");
  } catch (const std::length_error&) {  // the library's way to say that
    return "";
  }
}

}  // namespace aya::cli
