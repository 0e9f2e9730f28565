// Restarts in a row: descriptors, watches, zombies and memory of the supervisor stay what they were
// after the first hundred, and the last take no longer than the next. A supervisor that leaks is
// caught by the same measurement. ONELOOP_RESTARTS: how many, 200 or more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/kin.h"
#include "tests/support/rounds.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

constexpr int warm_up = 100;

// What a supervisor has of the machine.
struct Footprint {
    long descriptors = 0;  // but for the next
    long witnesses = 0;    // fanotify(7)
    long watches = 0;
    long zombies = 0;
    long resident_kib = 0;
};

Footprint footprint_of(pid_t pid) {
    const std::string proc = "/proc/" + std::to_string(pid);
    Footprint now;
    now.zombies = static_cast<long>(zombies_of(pid));
    for (const auto& entry : std::filesystem::directory_iterator(proc + "/fdinfo")) {
        std::error_code gone;
        const auto kind = std::filesystem::read_symlink(
            std::filesystem::path(proc) / "fd" / entry.path().filename(), gone);
        // Who writes a file is asked from the first suspicion on, whenever that is: one, for good.
        ++(kind == "anon_inode:[fanotify]" ? now.witnesses : now.descriptors);
        std::istringstream info(read_file(entry.path()));
        for (std::string line; std::getline(info, line);) {
            if (line.starts_with("inotify wd:")) ++now.watches;  // proc_pid_fdinfo(5)
        }
    }
    std::istringstream status(read_file(proc + "/status"));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) now.resident_kib = std::atol(line.c_str() + 6);
    }
    return now;
}

// When the last restart is over: what belonged to the one before is closed, what belongs to the new
// one is open.
Footprint settled_footprint(pid_t pid) {
    Footprint now = footprint_of(pid);
    int same = 0;  // looks in a row
    wait_until(
        [&] {
            const long before = now.descriptors;
            now = footprint_of(pid);
            same = now.descriptors == before ? same + 1 : 0;
            return same == 20;
        },
        seconds(5));
    return now;
}

// What has grown, in words; nothing when nothing has.
std::vector<std::string> growth(const Footprint& before, const Footprint& after) {
    std::vector<std::string> grown;
    const auto compare = [&](const char* what, long was, long is, long allowed) {
        if (is <= was + allowed) return;
        grown.push_back(std::string(what) + ": " + std::to_string(was) + " -> " +
                        std::to_string(is));
    };
    compare("descriptors", before.descriptors, after.descriptors, 0);
    compare("watches", before.watches, after.watches, 0);
    compare("zombies", before.zombies, after.zombies, 0);
    // Sanitizers keep freed memory on purpose.
    if (!sanitized) compare("KiB", before.resident_kib, after.resident_kib, 1024);
    return grown;
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
}

// Counts the workers' starts without reading the whole log each time.
class Starts {
  public:
    explicit Starts(std::string path) : path_(std::move(path)) {}
    int count() {
        std::ifstream file(path_);
        file.seekg(static_cast<std::streamoff>(read_));
        for (std::string line; std::getline(file, line) && !file.eof();) {
            read_ += line.size() + 1;
            if (line.starts_with("START")) ++starts_;
        }
        return starts_;
    }

  private:
    std::string path_;
    std::size_t read_ = 0;
    int starts_ = 0;
};

class Stability : public SupervisorFixture, public testing::WithParamInterface<const char*> {
  protected:
    // Milliseconds from `cause` to the next worker's start; negative when none came.
    template <class Cause>
    double restart(Starts& starts, Cause cause) const {
        const int before = starts.count();
        const auto begin = std::chrono::steady_clock::now();
        cause();
        if (!wait_until([&] { return starts.count() > before; }, seconds(20))) return -1;
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count();
    }

    // As editors do: a new file in place of the old one.
    void save(int number) const {
        write_file(source + ".tmp", std::to_string(number));
        std::filesystem::rename(source + ".tmp", source);
    }

    std::string starts_log = dir.file("starts");
};

INSTANTIATE_TEST_SUITE_P(Isolation, Stability, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

bool busy() {
    double load = 0;
    return ::getloadavg(&load, 1) == 1 && load > std::thread::hardware_concurrency();
}

TEST_P(Stability, RestartsLeaveNoTrace) {
    isolation = GetParam();
    if (isolation == "pidns" && ::geteuid() != 0) GTEST_SKIP() << "needs root";
    const int restarts = rounds("ONELOOP_RESTARTS", sanitized ? 200 : 300);
    ASSERT_GE(restarts, 2 * warm_up);
    auto supervisor =
        supervise({"--watch", "--debounce", "4ms"}, {ONELOOP_PROBE_WORKER, "--log", starts_log});
    Starts starts(starts_log);
    ASSERT_TRUE(wait_until([&] { return starts.count() == 1; }, seconds(10))) << read_file(console);
    std::vector<double> took;
    Footprint before;
    for (int number = 1; number <= restarts; ++number) {
        took.push_back(restart(starts, [&] { save(number); }));
        ASSERT_GT(took.back(), 0) << "restart " << number << "\n" << read_file(console);
        if (number == warm_up) before = settled_footprint(supervisor.pid());
    }
    const Footprint after = settled_footprint(supervisor.pid());
    std::printf("after %d: %ld descriptors, %ld watches, %ld zombies, %ld KiB\n", warm_up,
                before.descriptors, before.watches, before.zombies, before.resident_kib);
    std::printf("after %d: %ld descriptors, %ld watches, %ld zombies, %ld KiB\n", restarts,
                after.descriptors, after.watches, after.zombies, after.resident_kib);
    EXPECT_THAT(growth(before, after), testing::IsEmpty());
    EXPECT_EQ(after.zombies, 0);
    EXPECT_LE(after.witnesses, 1);
    EXPECT_EQ(starts.count(), restarts + 1) << "one restart for each save";

    const double early = median({took.begin() + warm_up, took.begin() + 2L * warm_up});
    const double late = median({took.end() - warm_up, took.end()});
    std::printf("median of restarts %d to %d: %.2f ms, of the last %d: %.2f ms\n", warm_up + 1,
                2 * warm_up, early, warm_up, late);
    if (!sanitized && !busy()) {
        EXPECT_LE(late, std::max(1.2 * early, early + 2));
    }
    stop(supervisor);
}

class StabilityControl : public Stability {};

TEST_F(StabilityControl, ALeakIsSeen) {
    auto leaky = start({ONELOOP_NAIVE_SUPERVISOR, "leaky", dir.file("lock"), ONELOOP_PROBE_WORKER,
                        "--log", starts_log});
    Starts starts(starts_log);
    ASSERT_TRUE(wait_until([&] { return starts.count() == 1; }, seconds(10)));
    const Footprint before = footprint_of(leaky.pid());
    for (int number = 1; number <= 20; ++number) {
        ASSERT_GT(restart(starts, [&] { leaky.signal(SIGUSR1); }), 0);
    }
    const auto grown = growth(before, footprint_of(leaky.pid()));
    EXPECT_THAT(grown, testing::Contains(testing::StartsWith("descriptors")));
    EXPECT_THAT(grown, testing::Contains(testing::StartsWith("zombies")));
    EXPECT_THAT(grown, testing::Contains(testing::StartsWith("watches")));
    if (!sanitized) {
        EXPECT_THAT(grown, testing::Contains(testing::StartsWith("KiB")));
    }
    leftovers_expected = true;
}

}  // namespace
}  // namespace oneloop::test
