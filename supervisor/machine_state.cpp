#include <dirent.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "common/flag.h"
#include "common/lock_file.h"
#include "common/unique_fd.h"
#include "supervisor/instance.h"
#include "supervisor/machine.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

constexpr const char* other_directory =
    "add --state-dir DIR with a directory of yours on a local disk";

// Where a lock can be tried out: the state directory, or when there is none yet a directory that
// is made, as it would be, in the nearest one that exists. Gone with the object.
class Site {
  public:
    static Result<Site> make(const std::string& directory) {
        std::error_code ignored;
        if (fs::is_directory(directory, ignored)) return Site(directory, false);
        fs::path nearest = directory;
        while (nearest.has_relative_path() && !fs::exists(fs::symlink_status(nearest, ignored)))
            nearest = nearest.parent_path();
        if (!fs::is_directory(nearest, ignored)) return fail(nearest.string() + ": no directory");
        std::string pattern = (nearest / ".oneloop-doctor-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) {
            return fail_errno(fmt::format("{} can't be made in {}", directory, nearest.string()));
        }
        return Site(pattern, true);
    }
    Site(Site&& other) noexcept
        : directory_(std::exchange(other.directory_, "")),
          lock_(std::exchange(other.lock_, "")),
          made_(std::exchange(other.made_, false)) {}
    Site& operator=(Site&&) = delete;
    ~Site() {
        // Not a lock file of an instance: nobody else ever opens this one.
        if (!lock_.empty()) ::unlink(lock_.c_str());
        if (made_) ::rmdir(directory_.c_str());
    }
    [[nodiscard]] const std::string& lock() const { return lock_; }

  private:
    Site(std::string directory, bool made)
        : directory_(std::move(directory)),
          lock_(fmt::format("{}/doctor-{}.lock", directory_, ::getpid())),
          made_(made) {}
    std::string directory_;
    std::string lock_;
    bool made_;
};

// What the lock does between processes. A byte each way tells the other side to go on.
class Holder {
  public:
    // A child that keeps what it inherits until it is told to end.
    Holder() {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return;
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(pipe[1]);
            char end = 0;
            (void)!::read(pipe[0], &end, 1);  // until the other end is closed
            ::_exit(0);
        }
        ::close(pipe[0]);
        end_.reset(pipe[1]);
    }
    ~Holder() { let_go(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    void let_go() {
        end_.reset();
        if (pid_ > 0) ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
    [[nodiscard]] bool runs() const { return pid_ > 0; }

  private:
    pid_t pid_ = 0;
    UniqueFd end_;
};

Result<bool> lock_once(const std::string& path) {
    auto lock = LockFile::open(path);
    if (!lock) return tl::unexpected(lock.error());
    return lock->try_lock();
}

// "" when it does what I1 needs; else what it does instead.
Result<std::string> try_exclusion(const std::string& path) {
    auto lock = LockFile::open(path);
    if (!lock) return tl::unexpected(lock.error());
    const auto held = lock->try_lock();
    if (!held) return tl::unexpected(held.error());
    if (!*held) return fail(path + ": somebody else holds it");
    Holder heir;
    if (!heir.runs()) return fail_errno("fork");
    // As the worker that has lost its warden: the lock is only the heir's now.
    { const LockFile dropped = std::move(*lock); }
    const auto second = lock_once(path);
    if (!second) return tl::unexpected(second.error());
    if (*second) return std::string("a second process gets it while the first one lives");
    heir.let_go();
    const auto third = lock_once(path);
    if (!third) return tl::unexpected(third.error());
    if (!*third) return std::string("it stays taken after its holder has ended");
    return std::string();
}

MachineLine lock_line(const Result<std::string>& tried) {
    if (tried && tried->empty()) {
        return {"I1", Standing::holds, "one lock, one holder",
                "tried with two processes: it excludes, is inherited, and ends with its holder",
                ""};
    }
    return {"I1", Standing::missing, "one lock, one holder",
            tried ? "flock: " + *tried : tried.error().what, other_directory};
}

// A link or somebody else's file where a lock of ours belongs.
std::string what_is_wrong_with(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return "";
    if (S_ISLNK(info.st_mode)) return path + " is a symbolic link, not a lock file";
    if (!S_ISREG(info.st_mode)) return path + " is not a regular file";
    if (info.st_uid != ::geteuid()) {
        return fmt::format("{} belongs to uid {}", path, info.st_uid);
    }
    return "";
}

}  // namespace

void examine_state(const Options& options, std::vector<MachineLine>& lines) {
    const auto directory = instance_directory(options.state_dir, options.command);
    const std::string what = "state directory";
    if (!directory) {
        lines.push_back({"I1", Standing::missing, what, directory.error().what, other_directory});
        return;
    }
    for (const char* name : {flag::supervisor_lock_name, flag::worker_lock_name}) {
        const std::string wrong = what_is_wrong_with(*directory + "/" + name);
        if (wrong.empty()) continue;
        lines.push_back({"I1", Standing::missing, what, wrong,
                         fmt::format("mv '{0}/{1}' '{0}/{1}.old'", *directory, name)});
        return;
    }
    const auto site = Site::make(*directory);
    if (!site) {
        lines.push_back({"I1", Standing::missing, what, site.error().what, other_directory});
        return;
    }
    // Opening it is the test: owner, mode and file system are its conditions.
    if (const auto lock = LockFile::open(site->lock()); !lock) {
        lines.push_back({"I1", Standing::missing, what, lock.error().what, other_directory});
        return;
    }
    lines.push_back({"I1", Standing::holds, what,
                     *directory + ": a local file system, and only you write there", ""});
    lines.push_back(lock_line(try_exclusion(site->lock())));
}

}  // namespace oneloop
