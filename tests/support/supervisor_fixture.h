// SupervisorFixture: a project directory, a state directory, a mark, and the real supervisor
// running the probe worker in them. Whatever a test leaves alive is a failure of that test.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/exit_status.h"
#include "common/unique_fd.h"
#include "supervisor/interval_log.h"
#include "tests/support/census.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace oneloop::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline bool is_worker(const Seen& seen) {
    return seen.command.find(ONELOOP_PROBE_WORKER) == 0;
}
inline bool is_escapee(const Seen& seen) {
    return seen.command.find("escapee") == 0;
}
inline bool is_worker_or_escapee(const Seen& seen) {
    return is_worker(seen) || is_escapee(seen);
}

class SupervisorFixture : public testing::Test {
  protected:
    SupervisorFixture() {
        mark = dir.path();
        ::mkdir(project.c_str(), 0700);
        write_file(source, "as it was at the start");  // rounds write numbers: never the same bytes
    }

    ~SupervisorFixture() override {
        // Nothing of a test outlives it, and what does is told.
        if (!leftovers_expected) {
            wait_until([&] { return living(mark).empty(); }, seconds(5));
            for (const auto& seen : living(mark)) {
                ADD_FAILURE() << "left behind: " << seen.pid << " " << seen.command;
            }
        }
        for (const auto& seen : living(mark))
            ::kill(seen.pid, SIGKILL);
    }

    // An ordinary user has a control group only where he was given one.
    void SetUp() override {
        if (isolation != "cgroup") return;
        const std::string said_of_it = dir.file("trial-console");
        Process trial({{ONELOOP_SUPERVISOR, "--isolate", "cgroup", "--on-exit", "exit",
                        "--state-dir", dir.file("trial"), "--", "true"},
                       project,
                       {{census_variable, mark}},
                       said_of_it});
        if (trial.wait(seconds(20)) == ExitStatus{69, 0}) GTEST_SKIP() << read_file(said_of_it);
    }

    [[nodiscard]] std::vector<std::string> probe(
        const std::vector<std::string>& wishes = {}) const {
        std::vector<std::string> command = {ONELOOP_PROBE_WORKER, "--intervals", intervals, "--log",
                                            log};
        command.insert(command.end(), wishes.begin(), wishes.end());
        return command;
    }

    [[nodiscard]] Process start(const std::vector<std::string>& command) const {
        auto variables = environment;
        variables.emplace_back(census_variable, mark);
        return Process({command, project, variables, console});
    }

    // supervisor OPTIONS --state-dir … -- COMMAND
    [[nodiscard]] Process supervise(const std::vector<std::string>& options,
                                    const std::vector<std::string>& command) const {
        std::vector<std::string> all = {ONELOOP_SUPERVISOR};
        all.insert(all.end(), options.begin(), options.end());
        all.insert(all.end(), {"--isolate", isolation, "--state-dir", state, "--"});
        all.insert(all.end(), command.begin(), command.end());
        return start(all);
    }

    // Times `text` occurs in what the workers logged, and in the console.
    [[nodiscard]] int logged(const std::string& text) const { return count(read_file(log), text); }
    [[nodiscard]] int said(const std::string& text) const {
        return count(read_file(console), text);
    }
    static int count(const std::string& in, const std::string& text) {
        int found = 0;
        for (auto at = in.find(text); at != std::string::npos; at = in.find(text, at + 1))
            ++found;
        return found;
    }

    [[nodiscard]] bool wait_for_starts(int number, milliseconds limit = seconds(10)) const {
        return wait_until([&] { return logged("START") >= number; }, limit);
    }

    // Before each edit of a test that edits one file whenever its worker has started: to a
    // supervisor that can't see who writes, an edit at the same moment after each start is the
    // worker's own.
    static void vary_the_moment(int round) {
        if (!kernel_names_writers() && round % 2 == 0) let_pass(seconds(1));
    }
    // fanotify(7) does, to root.
    static bool kernel_names_writers() {
        return static_cast<bool>(UniqueFd(::fanotify_init(
            FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_UNLIMITED_MARKS, O_RDONLY)));
    }

    void stop(Process& supervisor) const {
        supervisor.signal(SIGTERM);
        const auto status = supervisor.wait(seconds(15));
        ASSERT_TRUE(status) << "did not stop\n" << read_file(console);
        EXPECT_EQ(status->signal, SIGTERM) << read_file(console);
    }

    void end_the_worker() const {
        for (const auto& worker : living(mark, is_worker))
            ::kill(worker.pid, SIGKILL);
    }
    // Workers that ignore its signal, whichever is there by then.
    void stop_with_deaf_workers(Process& supervisor) const {
        supervisor.signal(SIGTERM);
        EXPECT_TRUE(wait_until(
            [&] {
                end_the_worker();
                return supervisor.wait(milliseconds(0)).has_value();
            },
            seconds(15)))
            << read_file(console);
    }

    // Supervisor and warden, with no time in between to clean up.
    void kill_both(Process& supervisor) const {
        const auto warden = living(mark, is_warden);
        ASSERT_EQ(warden.size(), 1U);
        supervisor.signal(SIGSTOP);
        ::kill(warden[0].pid, SIGKILL);
        supervisor.signal(SIGKILL);
        ASSERT_TRUE(supervisor.wait(seconds(5)));
    }

    static bool is_warden(const Seen& seen) { return seen.command.find("oneloop-warden") == 0; }

    TempDir dir;
    std::string mark;
    std::string project = dir.file("project");
    std::string source = dir.file("project/app.py");
    std::string state = dir.file("state");
    std::string log = dir.file("worker.log");
    std::string console = dir.file("console");
    std::string intervals = dir.file("intervals");
    std::string isolation = "auto";
    std::vector<std::pair<std::string, std::string>> environment;  // of what start() starts
    bool leftovers_expected = false;
};

}  // namespace oneloop::test
