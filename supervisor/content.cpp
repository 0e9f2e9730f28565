#include "supervisor/content.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace oneloop {
namespace {

std::int64_t nanoseconds(const timespec& time) {
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace

Fingerprint fingerprint(const struct stat& info) {
    Fingerprint print;
    print.size = static_cast<std::uint64_t>(info.st_size);
    print.modified_ns = nanoseconds(info.st_mtim);
    print.status_ns = nanoseconds(info.st_ctim);
    print.inode = info.st_ino;
    return print;
}

std::optional<Fingerprint> look_at(int directory, const char* path) {
    struct stat info {};
    if (::fstatat(directory, path, &info, 0) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    return fingerprint(info);
}

struct ContentReader::State {
    XXH3_state_t hash;  // wants to lie on a boundary of 64 bytes, and says so
};

void ContentReader::FreeState::operator()(State* state) const {
    delete state;
}

ContentReader::ContentReader(UniqueFd fd, const Fingerprint& print)
    : fd_(std::move(fd)), print_(print), state_(new State) {
    XXH3_64bits_reset(&state_->hash);
}

std::optional<ContentReader> ContentReader::open(const char* path) {
    // A pipe in the place of a file must not hold us up.
    UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    return ContentReader(std::move(fd), fingerprint(info));
}

bool ContentReader::read_on(std::size_t most) {
    std::array<char, 64 * 1024> buffer;  // not worth filling with zeros
    while (most > 0) {
        const ssize_t size = ::read(fd_.get(), buffer.data(), std::min(most, buffer.size()));
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 || read_ > most_hashed) return true;
        if (size == 0) {
            struct stat info {};
            const bool still =
                ::fstat(fd_.get(), &info) == 0 && untouched(print_, fingerprint(info));
            if (!still || read_ != print_.size) return true;
            const std::uint64_t hash = XXH3_64bits_digest(&state_->hash);
            print_.hash = hash == 0 ? 1 : hash;  // 0 says "not known"
            return true;
        }
        XXH3_64bits_update(&state_->hash, buffer.data(), static_cast<std::size_t>(size));
        read_ += static_cast<std::uint64_t>(size);
        most -= static_cast<std::size_t>(size);
    }
    return false;
}

// fcntl(2): a read lease is refused with EAGAIN while the file is open for writing. Who opens it
// for writing while we have the lease makes the kernel send us a signal, SIGIO unless another is
// asked for; SIGURG does nothing by default.
bool is_being_written(const char* path) {
    const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd || ::fcntl(fd.get(), F_SETSIG, SIGURG) != 0) return false;
    if (::fcntl(fd.get(), F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    ::fcntl(fd.get(), F_SETLEASE, F_UNLCK);
    return false;
}

std::optional<Fingerprint> read_content(const char* path) {
    auto reader = ContentReader::open(path);
    if (!reader) return std::nullopt;
    (void)reader->read_on(most_hashed + 64 * 1024);
    return reader->result();
}

}  // namespace oneloop
