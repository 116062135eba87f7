// Tells that somebody touched one of a few files, by inotify on their folders: whoever replaces a
// file by renaming another over it leaves the file itself alone. A file that is a mount has to be
// watched itself.
//
// One thread. Without inotify (a limit of the system) nothing is ever told.
#pragma once

#include <map>
#include <set>
#include <string>

#include "daemon/os/owned_fd.h"

namespace aya::host_dns {

class Watch {
 public:
  Watch();

  int poll_fd() const { return inotify_.get(); }
  void clear();
  void add_file(const std::string& path);    // by its folder
  void add_mount(const std::string& path);   // the file itself
  void add_folder(const std::string& path);  // anything in it
  // Forgets what has happened; true if any of it was about what is watched.
  bool drain();

 private:
  void add(const std::string& path, const std::string& name);

  os::OwnedFd inotify_;
  std::map<int, std::set<std::string>> names_;  // by watch; "" is any
};

}  // namespace aya::host_dns
