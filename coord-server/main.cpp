#include "coord-server/commands/verbs.h"

int main(int count, char** arguments) {
  return aya::coord::run({arguments + 1, arguments + count});
}
