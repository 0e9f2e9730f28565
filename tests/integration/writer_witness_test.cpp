// writer_witness: the kernel's word on who wrote a file. As root; without the right it knows
// nothing, and says so.
#include "supervisor/writer_witness.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>

#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace oneloop::test {
namespace {

using std::chrono::seconds;

// This process stands for the supervisor: what it has started is the tree.
class WriterWitnessTest : public testing::Test {
  protected:
    void SetUp() override {
        const UniqueFd group(::fanotify_init(
            FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_UNLIMITED_MARKS, O_RDONLY));
        if (!group) GTEST_SKIP() << "fanotify names the writer to root only: " << strerror(errno);
        write_file(file, "0");
    }

    // The answer when a process below us has written, or else one that does not descend from us. It
    // lives until the question is answered, unless `ended`.
    bool ask(WriterWitness& witness, const std::function<void()>& write, bool below,
             bool ended = false) {
        if (below) {
            const pid_t child = run(write, ended);
            const bool answer = witness.somebody_else(file);
            end(child);
            return answer;
        }
        // Its parent ends at once, and it goes to whoever takes orphans. That is not us.
        const std::string pids = dir.file("pid");
        const pid_t middle = ::fork();
        if (middle == 0) {
            const pid_t stranger = run(write, ended);
            std::ofstream(pids) << stranger;
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(middle, &status, 0);
        const pid_t stranger = std::stoi(read_file(pids));
        const bool answer = witness.somebody_else(file);
        if (!ended) ::kill(stranger, SIGKILL);
        return answer;
    }

    // Starts a process that writes, and returns when it has; it lives on unless `ended`.
    static pid_t run(const std::function<void()>& write, bool ended) {
        int pipe[2];
        EXPECT_EQ(::pipe(pipe), 0);
        const pid_t pid = ::fork();
        if (pid == 0) {
            write();
            (void)!::write(pipe[1], "x", 1);
            if (ended) ::_exit(0);
            for (;;)
                ::pause();
        }
        char c = 0;
        EXPECT_EQ(::read(pipe[0], &c, 1), 1);
        ::close(pipe[0]);
        ::close(pipe[1]);
        if (ended) ::waitpid(pid, nullptr, 0);
        return pid;
    }
    static void end(pid_t pid) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }

    TempDir dir;
    std::string file = dir.file("gen.py");
    std::function<void()> in_place = [this] { write_file(file, "1"); };
    std::function<void()> rename_over = [this] {
        write_file(file + ".new", "2");
        ::rename((file + ".new").c_str(), file.c_str());
    };
    std::function<void()> delete_and_create = [this] {
        ::unlink(file.c_str());
        write_file(file, "3");
    };
};

TEST_F(WriterWitnessTest, SomebodyElseIsToldFromTheTree) {
    WriterWitness witness;
    witness.attend({file});
    for (const auto& write : {in_place, rename_over, delete_and_create}) {
        EXPECT_TRUE(ask(witness, write, false));
        EXPECT_FALSE(ask(witness, write, true));
    }
}

TEST_F(WriterWitnessTest, BothAreNotSomebodyElse) {
    WriterWitness witness;
    witness.attend({file});
    const pid_t child = run(in_place, false);
    EXPECT_FALSE(ask(witness, in_place, false));
    end(child);
    EXPECT_TRUE(ask(witness, in_place, false)) << "a new question";
}

TEST_F(WriterWitnessTest, TwoEventsOfOneSaveHaveOneAnswer) {
    WriterWitness witness;
    witness.attend({file});
    EXPECT_TRUE(ask(witness, delete_and_create, false));
    EXPECT_TRUE(witness.somebody_else(file));
}

TEST_F(WriterWitnessTest, WhoHasEndedIsNotKnown) {
    WriterWitness witness;
    witness.attend({file});
    EXPECT_FALSE(ask(witness, in_place, false, true));
}

TEST_F(WriterWitnessTest, OnlyTheFilesInQuestionAreKnown) {
    WriterWitness witness;
    EXPECT_FALSE(ask(witness, in_place, false)) << "not asked to be ready";
    witness.attend({dir.file("other.py"), dir.file("missing/x.py")});
    EXPECT_FALSE(ask(witness, in_place, false));
    witness.attend({file});
    EXPECT_TRUE(ask(witness, in_place, false));
    witness.attend({});
    EXPECT_FALSE(ask(witness, in_place, false));
}

TEST_F(WriterWitnessTest, AnEventThatNeverComesIsWaitedForOnce) {
    WriterWitness witness;
    witness.attend({file});
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i)
        EXPECT_FALSE(witness.somebody_else(file));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10)) << "a thousand waits are 20 s";
    EXPECT_TRUE(ask(witness, in_place, false)) << "it still reads";
}

TEST(WriterWitness, WithoutTheRightItKnowsNothing) {
    TempDir dir;
    const std::string file = dir.file("gen.py");
    EXPECT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
        WriterWitness witness;
        witness.attend({file});
        write_file(file, "1");
        ::_exit(witness.somebody_else(file) ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace oneloop::test
