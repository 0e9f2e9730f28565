// LockFile: an exclusive flock(2) on a file, the fact that "at most one" rests on.
//
// The lock belongs to the open file description: it is inherited through fork and exec, and the
// kernel drops it at the last close, which for a process that dies happens after it can no longer
// run user code. That is why the worker holds it too and the supervisor never does
// (docs/architecture.md, "Invariants").
//
// A running instance never unlinks a lock file: whoever recreated it would lock another inode and
// be the second. (`supervisor clean` removes those of dead instances, holding both.) Links nothing
// but libc, because the warden uses it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace oneloop {

// What the holder wrote about itself: plain "key=value" lines, for people and for the next holder.
// Only true while the lock is held.
struct LockRecord {
    pid_t pid = 0;                 // of the process that answers for the lock
    std::uint64_t generation = 0;  // worker.lock only: grows by one under the lock, never shrinks
    std::int64_t since = 0;        // seconds since the epoch
    std::string instance;          // uuid of the instance
    std::string command;           // what it runs, for messages

    friend bool operator==(const LockRecord&, const LockRecord&) = default;
};

std::string format_record(const LockRecord& record);
// Unknown keys and broken lines are skipped: a record is information, the lock is the fact.
LockRecord parse_record(const std::string& text);

class LockFile {
  public:
    // Opens or creates it (0600, close-on-exec, symlinks refused). Errors: open(2)'s; a directory
    // that somebody else owns or may write to; a file system whose locks are not known to hold.
    static Result<LockFile> open(const std::string& path);

    // Takes over a descriptor that was inherited. Its path is what the kernel says it is.
    // Errors: not open, not a regular file, its path gone or naming another inode.
    static Result<LockFile> adopt(int fd);

    // LOCK_EX | LOCK_NB. False: somebody else holds it. Error: the path no longer names the inode
    // that was locked, or flock(2)'s own.
    Result<bool> try_lock();

    // True while the path names the locked inode. Checked again before anything that must not
    // happen twice.
    [[nodiscard]] bool is_current() const;

    [[nodiscard]] LockRecord read() const;
    Result<void> write(const LockRecord& record);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] int release() { return fd_.release(); }  // the caller owns it now
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    LockFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    UniqueFd fd_;
    std::string path_;
};

// mkdir -p with mode 0700 for what is new. Errors name the directory.
Result<void> make_private_directory(const std::string& path);

}  // namespace oneloop
