// read_text: a whole small file as it is now, for /proc, whose files have no size to ask for. Any
// thread.
#pragma once

#include <string>

namespace oneloop {

// "" when it can't be opened or read: in /proc that is a process that has ended, or somebody
// else's.
std::string read_text(const std::string& path);

}  // namespace oneloop
