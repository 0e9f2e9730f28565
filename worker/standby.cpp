#include "worker/standby.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace oneloop::worker {
namespace {

constexpr std::size_t place_size = 1024;  // bytes of the file, for one record
constexpr std::size_t command_size = 512;

std::string file_of(const std::string& state) {
    return state + ".waiting";
}

struct flock place_at(int index) {
    struct flock place {};
    place.l_type = F_WRLCK;
    place.l_whence = SEEK_SET;
    place.l_start = static_cast<off_t>(index) * static_cast<off_t>(place_size);
    place.l_len = static_cast<off_t>(place_size);
    return place;
}

// What was written there, perhaps by somebody who is gone.
LockRecord read_place(int fd, const struct flock& place) {
    std::array<char, place_size> text{};
    const ssize_t size = ::pread(fd, text.data(), text.size(), place.l_start);
    if (size <= 0) return {};
    return parse_record(std::string(text.data(), static_cast<std::size_t>(size)));
}

}  // namespace

Result<Standby> Standby::announce(const std::string& state, const LockRecord& who) {
    const std::string path = file_of(state);
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return fail_errno("open " + path);
    LockRecord record = who;
    record.command.resize(std::min(record.command.size(), command_size));
    std::string text = format_record(record);
    text.resize(place_size, '\n');  // over all that the last one wrote
    for (int index = 0; index < most; ++index) {
        struct flock place = place_at(index);
        if (::fcntl(fd.get(), F_OFD_SETLK, &place) != 0) {
            if (errno == EAGAIN || errno == EACCES) continue;
            return fail_errno("lock " + path);
        }
        if (::pwrite(fd.get(), text.data(), text.size(), place.l_start) !=
            static_cast<ssize_t>(text.size()))
            return fail_errno("write " + path);
        return Standby(std::move(fd));
    }
    return fail(path + ": too many wait already");
}

std::vector<LockRecord> standbys_of(const std::string& state) {
    std::vector<LockRecord> waiting;
    const UniqueFd fd(::open(file_of(state).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return waiting;
    for (int index = 0; index < Standby::most; ++index) {
        struct flock place = place_at(index);
        const LockRecord record = read_place(fd.get(), place);
        if (record.pid == 0) break;  // nobody has ever been here or further on
        if (::fcntl(fd.get(), F_OFD_GETLK, &place) == 0 && place.l_type != F_UNLCK)
            waiting.push_back(record);
    }
    return waiting;
}

}  // namespace oneloop::worker
