#include "coord-server/pages/password_fault.h"

namespace aya::pages {

std::string_view fault_text(const Tongue& say, people::PasswordFault fault) {
  switch (fault) {
    case people::PasswordFault::None:
      return {};
    case people::PasswordFault::TooShort:
      return say("Ten characters at least.", "10 文字以上にしてください。");
    case people::PasswordFault::TooLong:
      return say("That is too long.", "長すぎます。");
    case people::PasswordFault::Common:
      return say(
          "That is one of the first passwords somebody would try.",
          "推測されやすいパスワードです。別のものにしてください。");
  }
  return {};
}

}  // namespace aya::pages
