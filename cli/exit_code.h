// How a command ends (interfaces 3.2). In strict mode everything but Ok and Usage becomes 1, as
// scripts written for the stock command line expect.
#pragma once

namespace aya::cli {

enum class Exit : int {
  Ok = 0,  // done, or already so
  Failed = 1,
  Usage = 2,  // an unknown or malformed flag; nothing was attempted
  NoDaemon = 3,
  NeedsLogin = 4,  // or approval, or `up`
  Denied = 5,
  TimedOut = 6,
  NoSuchNode = 7,
  NotAsWished = 8,     // answered, but relayed, or another address
  BadArgument = 1002,  // reads as Usage, and in strict mode as Failed
};

int to_status(Exit code, bool strict);

}  // namespace aya::cli
