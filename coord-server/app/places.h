// Where an installation is. Everything lies in one folder that somebody chose:
//
//   DIR/config      what the administrator decides (config.h)
//   DIR/coord.db    accounts, nodes, keys
//   DIR/cert.pem, DIR/key.pem   the certificate made here, where none was given
//   DIR/coord.sock  while it runs: where the command line reaches it
//
// or, where nobody chose, each where a Debian system keeps such things.
#pragma once

#include <string>

namespace aya::coord {

struct Places {
  std::string config;  // the file
  std::string state;   // the folder of all that is kept, for its owner alone
  std::string socket;
  std::string option;  // what leads here on a command line: "--dir DIR " or nothing

  static Places in(const std::string& dir);
  static Places of_the_system();

  std::string database() const { return state + "/coord.db"; }
  // What a relative path in the configuration starts from.
  std::string config_folder() const;
};

}  // namespace aya::coord
