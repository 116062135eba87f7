#include "coord-server/commands/table.h"

#include <gtest/gtest.h>

namespace aya::coord {
namespace {

TEST(Table, PadsByCharactersNotBytes) {
  EXPECT_EQ(
      table({{"NAME", "OS"}, {"箱", "linux"}, {"laptop", ""}}),
      "NAME    OS\n箱       linux\nlaptop  \n");
}

TEST(Printable, KeepsEveryScript) {
  EXPECT_EQ(printable("リビングの箱 é 🦀"), "リビングの箱 é 🦀");
}

TEST(Printable, DisarmsWhatSteersATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\r\n\tc\x7f"), "a?[31mb???c?");
  EXPECT_EQ(printable("x\u202ey\u2066z\u0085"), "x?y?z?") << "reordering marks, C1 controls";
}

TEST(Printable, SurvivesBrokenText) {
  EXPECT_EQ(printable("a\xff\xc3"), "a??");
  EXPECT_EQ(printable("\xe3\x81"), "??");
  EXPECT_EQ(printable("\xc0\xaf"), "??");
}

}  // namespace
}  // namespace aya::coord
