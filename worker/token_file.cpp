#include "worker/token_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "common/unique_fd.h"

namespace oneloop::worker {
namespace {

constexpr std::size_t shortest = 16;

Result<std::string> make_token() {
    std::array<unsigned char, 32> bytes{};
    // Never partial below 256 bytes: getrandom(2).
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return fail_errno("getrandom");
    std::string text;
    for (const unsigned char byte : bytes) {
        constexpr const char* digits = "0123456789abcdef";
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

// Complete or not there at all: two workers may start at once.
Result<void> create(const std::string& path, const std::string& token) {
    // A name of its own (0600: mkstemp(3)); a pid is not one, there may be two namespaces.
    std::string draft = path + ".XXXXXX";
    const UniqueFd fd(::mkostemp(draft.data(), O_CLOEXEC));
    if (!fd) return fail_errno("mkostemp " + draft);
    const std::string line = token + "\n";
    Result<void> done;
    if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
        ::fsync(fd.get()) != 0) {
        done = fail_errno("write " + draft);
    } else if (::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) {
        done = fail_errno("link " + path);
    }
    ::unlink(draft.c_str());
    return done;
}

Result<std::string> read(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd) return fail_errno("open " + path);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return fail_errno("fstat " + path);
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0)
        return fail(path + ": must be a file of this user that nobody else may read; chmod 600 " +
                    path + ", or remove it and a new one is made");
    std::array<char, 1024> buffer{};
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0) return fail_errno("read " + path);
    std::string token(buffer.data(), static_cast<std::size_t>(size));
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
        token.pop_back();
    if (token.size() < shortest || token.find_first_of(" \t\r\n") != std::string::npos)
        return fail(path +
                    ": not a token of at least 16 characters; remove it and a new one is made");
    return token;
}

}  // namespace

std::string token_path(const std::string& state) {
    return state + ".token";
}

Result<std::string> load_token(const std::string& path) {
    if (auto there = read(path); there || there.error().code != ENOENT) return there;
    const auto token = make_token();
    if (!token) return token;
    if (auto made = create(path, *token); !made) return tl::unexpected(made.error());
    return read(path);  // perhaps another's, who was quicker
}

}  // namespace oneloop::worker
