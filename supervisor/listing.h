// listing: `supervisor --list`: what would be watched, and what is ignored by which rule.
#pragma once

#include <ostream>

#include "supervisor/options.h"

namespace oneloop {

// One line per file that counts, and one per file or directory that does not, with its rule; what
// lies in an ignored directory is not read. Returns an exit code.
int list_watched(const Options& options, std::ostream& out);

}  // namespace oneloop
