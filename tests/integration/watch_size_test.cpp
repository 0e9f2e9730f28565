// A large tree of which most is ignored: what is ignored costs nothing.
#include <fcntl.h>
#include <unistd.h>

#include "common/read_text.h"
#include "tests/support/watch_world.h"

namespace oneloop::test {
namespace {

class WatchSize : public WatchWorld {
  protected:
    void fill(const std::string& directory, int directories, int files) const {
        for (int i = 0; i < directories; ++i) {
            const std::string one = at(directory) + "/d" + std::to_string(i);
            fs::create_directories(one);
            for (int j = 0; j < files; ++j)
                ::close(::open((one + "/f" + std::to_string(j) + ".js").c_str(),
                               O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        }
    }
    static int watches(pid_t pid) {
        int count = 0;
        const std::string process = "/proc/" + std::to_string(pid);
        for (const auto& fd : fs::directory_iterator(process + "/fdinfo")) {
            const std::string text = read_text(fd.path().c_str());
            count += WatchSize::count(text, "inotify wd:");
        }
        return count;
    }
    static long memory_kib(pid_t pid) {
        const std::string text = read_text(("/proc/" + std::to_string(pid) + "/status").c_str());
        return std::strtol(text.c_str() + text.find("VmRSS:") + 6, nullptr, 10);
    }
    struct Cost {
        int watches = 0;
        long memory_kib = 0;
    };
    // Of a supervisor that has started its worker and compared everything.
    [[nodiscard]] Cost cost(const std::vector<std::string>& options) const {
        std::vector<std::string> all = {"--watch", "-v"};
        all.insert(all.end(), options.begin(), options.end());
        fs::remove(console);
        auto supervisor = supervise(all, probe());
        EXPECT_TRUE(wait_until([&] { return said("files, 0 changed") > 0; }, seconds(60)))
            << read_file(console);
        const Cost result{watches(supervisor.pid()), memory_kib(supervisor.pid())};
        stop(supervisor);
        return result;
    }
};

TEST_F(WatchSize, TwoHundredThousandIgnoredFilesGetNoWatchAndNoMemory) {
    run("git init -q " + project);
    write_file(at(".gitignore"), "generated/\n");
    const Cost without = cost({});
    fill("node_modules", 100, 1000);
    fill("generated", 100, 1000);
    const Cost with = cost({});
    EXPECT_EQ(with.watches, without.watches);
    EXPECT_LT(with.memory_kib, without.memory_kib + 2048);
    // The measure is one: without the rules each directory has its watch.
    const Cost control = cost({"--no-default-ignore", "--no-vcs-ignore"});
    EXPECT_GE(control.watches, without.watches + 200);
    EXPECT_GT(control.memory_kib, without.memory_kib + 8192);
}

}  // namespace
}  // namespace oneloop::test
