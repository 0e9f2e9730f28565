// check(): a broken invariant ends the process. Never for bad input and never for a failed
// system call: only for what the code itself promised.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace oneloop {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
    std::abort();
}

}  // namespace oneloop

// The file's name without its directory: two builds in two places are the same bytes.
#define ONELOOP_CHECK(condition, what) \
    ((condition) ? void() : ::oneloop::check_failed(what, __FILE_NAME__, __LINE__))
