// content: the fingerprint of a file, and the hash of its bytes, read in pieces. The only place
// that names xxHash for files.
//
// Not for what a difference means (content_rule). Blocks for as long as a disk takes for one piece.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "common/unique_fd.h"
#include "supervisor/content_rule.h"

namespace oneloop {

// Of what is behind the path, links followed. None: nothing is there, or no regular file.
// `directory`: of a relative path, as for openat(2).
[[nodiscard]] std::optional<Fingerprint> look_at(int directory, const char* path);
[[nodiscard]] Fingerprint fingerprint(const struct stat& info);

class ContentReader {
  public:
    // None: it can't be opened, or is no regular file.
    static std::optional<ContentReader> open(const char* path);

    // Reads on, at most `most` bytes. True: it is over.
    bool read_on(std::size_t most);
    // When it is over: what was read, with its hash; without one when it changed meanwhile or could
    // not be read. Before: without one.
    [[nodiscard]] const Fingerprint& result() const { return print_; }

  private:
    struct State;
    struct FreeState {
        void operator()(State* state) const;
    };
    ContentReader(UniqueFd fd, const Fingerprint& print);

    UniqueFd fd_;
    Fingerprint print_;
    std::uint64_t read_ = 0;
    std::unique_ptr<State, FreeState> state_;
};

// Somebody has it open for writing, so that his close(2) will be an event. False when that can't be
// known. Links are followed.
[[nodiscard]] bool is_being_written(const char* path);

// All at once.
[[nodiscard]] std::optional<Fingerprint> read_content(const char* path);

}  // namespace oneloop
