#include "coord-server/commands/file_argument.h"

#include <iostream>
#include <iterator>

#include "coord-server/app/files.h"

namespace aya::coord {

Result<std::string, Failure> file_argument(const std::string& name) {
  if (name == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto read = read_file(name);
  if (!read) return Failure{Exit::Failed, read.error().text};
  return std::move(*read);
}

}  // namespace aya::coord
