// Every step on the way to a worker fails with every error that its manual page has for it. Then
// it works by another way, or it is one clear line with the step and the reason. Never two workers,
// nothing left, no hang.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

enum class Then {
    works,    // by another way
    refuses,  // ends at once
    retries,  // no worker, but a supervisor that goes on trying
};

struct Case {
    const char* name;
    std::vector<std::string> rules;  // of with_errno
    const char* isolation;
    Then then;
    int code;
    const char* says;
};

class SpawnFault : public SupervisorFixture, public testing::WithParamInterface<Case> {
  protected:
    SpawnFault() { isolation = GetParam().isolation; }

    [[nodiscard]] Process supervise_with_fault(const std::vector<std::string>& options) const {
        std::vector<std::string> all = {ONELOOP_WITH_ERRNO};
        all.insert(all.end(), GetParam().rules.begin(), GetParam().rules.end());
        all.insert(all.end(), {"--", ONELOOP_SUPERVISOR});
        all.insert(all.end(), options.begin(), options.end());
        all.insert(all.end(), {"--isolate", isolation, "--state-dir", state, "--"});
        const auto command = probe({"--escapee"});
        all.insert(all.end(), command.begin(), command.end());
        return start(all);
    }

    void expect_works(Process& supervisor) const {
        ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
        write_file(source, "2");
        ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
        ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
        ::kill(living(mark, is_warden).at(0).pid, SIGKILL);
        write_file(source, "3");
        ASSERT_TRUE(wait_for_starts(3)) << read_file(console);
        stop(supervisor);
    }

    void expect_refuses(Process& supervisor) const {
        EXPECT_EQ(supervisor.wait(seconds(20)), (ExitStatus{GetParam().code, 0}));
        const std::string text = read_file(console);
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
        EXPECT_EQ(logged("START"), 0);
    }

    void expect_retries(Process& supervisor) const {
        ASSERT_TRUE(wait_until([&] { return said(GetParam().says) >= 3; }, seconds(20)))
            << read_file(console);
        EXPECT_EQ(said("waiting for a change"), 0) << "no change would cure it";
        EXPECT_EQ(logged("START"), 0);
        stop(supervisor);
    }
};

TEST_P(SpawnFault, EndsInAWorkerOrInAClearLine) {
    if (::geteuid() != 0 && isolation == "pidns") GTEST_SKIP() << "needs root for a PID namespace";
    const Census census(mark, is_worker);
    auto supervisor = supervise_with_fault({"--watch", "--stop-timeout", "200ms"});
    if (GetParam().then == Then::works) expect_works(supervisor);
    if (GetParam().then == Then::refuses) expect_refuses(supervisor);
    if (GetParam().then == Then::retries) expect_retries(supervisor);
    EXPECT_GE(said(GetParam().says), 1) << read_file(console);
    EXPECT_EQ(said("Success"), 0) << read_file(console);
    EXPECT_LE(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

constexpr const char* new_pid = "clone/0&0x20000000=EPERM";  // CLONE_NEWPID
constexpr const char* our_memory = "clone/0&0x4000=EINVAL";  // CLONE_VFORK
constexpr const char* fork_alone = "clone/0&0x01000000=";    // fork(3), not our launcher
constexpr const char* no_namespace = "no PID namespace here (";

Case works(const char* name, std::vector<std::string> rules, const char* isolation,
           const char* says = "worker ") {
    return {name, std::move(rules), isolation, Then::works, 0, says};
}
Case refuses(const char* name, std::vector<std::string> rules, const char* isolation, int code,
             const char* says) {
    return {name, std::move(rules), isolation, Then::refuses, code, says};
}
Case retries(const char* name, std::vector<std::string> rules, const char* says,
             const char* isolation = "subreaper") {
    return {name, std::move(rules), isolation, Then::retries, 0, says};
}

const std::vector<Case> cases = {
    // The ladder: clone as vfork, clone3, clone.
    works("no_vfork", {our_memory}, "subreaper"),
    works("no_vfork_pidns", {our_memory}, "pidns"),
    works("no_clone3", {our_memory, "clone3=ENOSYS"}, "subreaper"),
    works("no_clone3_pidns", {our_memory, "clone3=ENOSYS"}, "pidns"),
    works("forbidden_clone3", {our_memory, "clone3=EPERM"}, "subreaper"),
    works("forbidden_clone3_pidns", {our_memory, "clone3=EPERM"}, "pidns"),
    works("forbidden_namespace", {new_pid, "clone3=ENOSYS"}, "auto"),
    refuses("forbidden_namespace_pidns", {new_pid, "clone3=ENOSYS"}, "pidns", 69,
            "--isolate pidns can't be had here: clone: Operation not permitted"),
    works("container", {"container"}, "auto"),
    works("container_subreaper", {"container"}, "subreaper"),
    refuses("container_pidns", {"container"}, "pidns", 69,
            "--isolate pidns can't be had here: clone: Operation not permitted"),
    retries("clone3_eagain", {our_memory, "clone3=EAGAIN"},
            "not started: clone: Resource temporarily unavailable; restarting in "),
    retries("clone3_enomem", {our_memory, "clone3=ENOMEM"},
            "not started: clone: Cannot allocate memory; restarting in "),
    retries("clone_eagain", {"clone3=ENOSYS", "clone=EAGAIN"},
            "not started: clone: Resource temporarily unavailable; restarting in "),
    retries("clone_enomem", {"clone3=ENOSYS", "clone=ENOMEM"},
            "not started: clone: Cannot allocate memory; restarting in "),
    retries("wardens_fork_eagain", {std::string(fork_alone) + "EAGAIN"},
            "not started: fork: Resource temporarily unavailable; restarting in "),
    retries("wardens_fork_enomem", {std::string(fork_alone) + "ENOMEM"},
            "not started: fork: Cannot allocate memory; restarting in "),
    // The namespace from inside.
    works("mount_auto", {"mount=EPERM"}, "auto"),
    refuses("mount_pidns", {"mount=EPERM"}, "pidns", 69,
            "--isolate pidns can't be had here: make mounts private: Operation not permitted"),
    // Descriptors and pidfds.
    refuses("no_pidfd", {"pidfd_open=ENOSYS"}, "subreaper", 70,
            "pidfd_open: Function not implemented"),
    refuses("pidfd_emfile", {"pidfd_open=EMFILE"}, "subreaper", 70,
            "pidfd_open: Too many open files"),
    works("no_close_range", {"close_range=ENOSYS"}, "subreaper"),
    works("no_close_range_pidns", {"close_range=ENOSYS"}, "pidns"),
    works("forbidden_close_range", {"close_range=EPERM"}, "subreaper"),
    retries("socketpair_emfile", {"socketpair=EMFILE"},
            "not started: socketpair: Too many open files; restarting in "),
    retries("socketpair_enomem", {"socketpair=ENOMEM"},
            "not started: socketpair: Cannot allocate memory; restarting in "),
    retries("wardens_signalfd_emfile", {"signalfd4=EMFILE"},
            "not started: signalfd: Too many open files; restarting in "),
    refuses("pipe_emfile", {"pipe2=EMFILE"}, "subreaper", 70, "Too many open files"),
    refuses("pipe_emfile_pidns", {"pipe2=EMFILE"}, "pidns", 69,
            "--isolate pidns can't be had here: pipe2: Too many open files"),
    refuses("epoll_emfile", {"epoll_create1=EMFILE"}, "subreaper", 70, "Too many open files"),
    // The warden's executable.
    works("no_execveat", {"execveat=ENOSYS"}, "subreaper"),
    works("no_execveat_pidns", {"execveat=ENOSYS"}, "pidns"),
    retries("execveat_eacces", {"execveat=EACCES"},
            "not started: execveat warden: Permission denied; restarting in "),
    retries("execveat_eacces_pidns", {"execveat=EACCES"},
            "not started: execveat warden: Permission denied; restarting in ", "pidns"),
    retries("execveat_e2big", {"execveat=E2BIG"},
            "not started: execveat warden: Argument list too long; restarting in "),
    // What must be there before the first worker.
    refuses("no_subreaper", {"prctl/0:36=EINVAL"}, "subreaper", 70,
            "prctl PR_SET_CHILD_SUBREAPER: Invalid argument"),
    refuses("no_lock", {"flock=ENOLCK"}, "subreaper", 69, "supervisor.lock: No locks available"),
    works("instances_emfile", {"inotify_init1=EMFILE"}, "subreaper",
          "all inotify instances are in use; polling every 500ms (sudo sysctl "
          "fs.inotify.max_user_instances="),
    refuses("inotify_enomem", {"inotify_init1=ENOMEM"}, "subreaper", 69,
            "inotify: Cannot allocate memory"),
    works("watches_enospc", {"inotify_add_watch=ENOSPC"}, "subreaper",
          "all inotify watches are in use; polling . every 500ms (sudo sysctl "
          "fs.inotify.max_user_watches"),
};

INSTANTIATE_TEST_SUITE_P(Step, SpawnFault, testing::ValuesIn(cases),
                         [](const auto& test) { return std::string(test.param.name); });

// What is weaker is said where it is weaker, and only there.
class SpawnFallback : public SupervisorFixture {};

TEST_F(SpawnFallback, RootIsToldOnceThatThereIsNoNamespace) {
    if (::geteuid() != 0) GTEST_SKIP() << "an ordinary user gets none by default";
    auto supervisor = start({ONELOOP_WITH_ERRNO, "container", "--", ONELOOP_SUPERVISOR,
                             "--state-dir", state, "--", ONELOOP_PROBE_WORKER, "--log", log});
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    EXPECT_EQ(said(no_namespace), 1) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
