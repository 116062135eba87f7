#include "coord-server/app/places.h"

namespace aya::coord {

Places Places::in(const std::string& dir) {
  return {dir + "/config", dir, dir + "/coord.sock", "--dir " + dir + ' '};
}

// Folders of the node on the same machine, which has others in them.
Places Places::of_the_system() {
  return {"/etc/ayatori/coord.conf", "/var/lib/ayatori/coord", "/run/ayatori/coord.sock", ""};
}

std::string Places::config_folder() const { return config.substr(0, config.rfind('/')); }

}  // namespace aya::coord
