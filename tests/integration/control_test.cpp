// The control socket of the real supervisor: who may use it, what it answers, and that no client,
// however it behaves, holds up the supervisor, its worker or another client.
#include <dirent.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <deque>
#include <memory>

#include "supervisor/control_protocol.h"
#include "tests/support/control_client.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

using control::StatusReport;

class ControlSocket : public SupervisorFixture {
  protected:
    [[nodiscard]] ControlClient client() const { return ControlClient(state); }
    [[nodiscard]] std::string ask(const std::string& command) const {
        return client().ask("{\"command\":\"" + command + "\"}");
    }
    [[nodiscard]] StatusReport status() const {
        const auto reply = control::parse_reply(ask("status"));
        EXPECT_TRUE(reply && reply->status) << read_file(console);
        return reply && reply->status ? *reply->status : StatusReport{};
    }
    [[nodiscard]] std::string socket() const { return state + "/control.sock"; }
    static mode_t mode(const std::string& path) {
        struct stat info {};
        return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
    }
    [[nodiscard]] Process run(const std::vector<std::string>& wishes = {}) {
        auto supervisor = supervise({"--watch"}, probe(wishes));
        EXPECT_TRUE(wait_for_starts(1)) << read_file(console);
        return supervisor;
    }
    static std::size_t descriptors(const Process& process) {
        std::size_t count = 0;
        DIR* dir = ::opendir(("/proc/" + std::to_string(process.pid()) + "/fd").c_str());
        while (dir && ::readdir(dir))
            ++count;
        ::closedir(dir);
        return count;
    }
};

TEST_F(ControlSocket, IsForItsOwnerOnly) {
    auto supervisor = run();
    struct stat info {};
    ASSERT_EQ(::lstat(socket().c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(mode(socket()), 0600U);
    EXPECT_EQ(mode(state), 0700U);
    stop(supervisor);
    EXPECT_EQ(::lstat(socket().c_str(), &info), -1) << "removed at the end, by a signal too";
}

// What a client without rights gets: its errno, or the supervisor's answer.
std::string as_nobody(const std::string& state) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        constexpr unsigned nobody = 65534;
        std::string told = "could not become nobody";
        if (::setgroups(0, nullptr) == 0 && ::setresgid(nobody, nobody, nobody) == 0 &&
            ::setresuid(nobody, nobody, nobody) == 0) {
            ControlClient client(state);
            if (client.connected()) {
                told = client.line().value_or("no answer");
                told += client.closed(seconds(5)) ? " closed" : " open";
            } else {
                told = "errno " + std::to_string(client.error());
            }
        }
        (void)!::write(pipe[1], told.data(), told.size());
        ::_exit(0);
    }
    ::close(pipe[1]);
    std::array<char, 512> text{};
    const ssize_t size = ::read(pipe[0], text.data(), text.size());
    ::close(pipe[0]);
    ::waitpid(pid, nullptr, 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST_F(ControlSocket, AnotherUserCannotConnectAndIsRefusedWhenHeCan) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    auto supervisor = run();
    EXPECT_EQ(as_nobody(state), "errno " + std::to_string(EACCES));
    // The modes are one wall, the credentials the other: with the first one torn down …
    for (const std::string& path : {dir.path(), state, socket()})
        ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
    EXPECT_EQ(as_nobody(state),
              "{\"ok\":false,\"error\":\"this supervisor belongs to another user\"} closed");
    EXPECT_EQ(ask("ping"), "{\"ok\":true}");
    stop(supervisor);
}

TEST_F(ControlSocket, AnswersLineByLineAndInOrder) {
    auto supervisor = run();
    auto one = client();
    EXPECT_EQ(one.ask(R"({"command":"ping"})"), "{\"ok\":true}");
    one.send("{\"command\":\"ping\"}\n{\"command\":\"why\"}\n{\"command\":\"status\"}\n{\"comm");
    EXPECT_EQ(one.line(), "{\"ok\":true}");
    EXPECT_EQ(one.line().value_or("").find("{\"ok\":true,\"why\":{"), 0U);
    EXPECT_EQ(one.line().value_or("").find("{\"ok\":true,\"status\":{"), 0U);
    one.send("and\":\"ping\"}\n");
    EXPECT_EQ(one.line(), "{\"ok\":true}");
    stop(supervisor);
    EXPECT_TRUE(one.closed(seconds(5)));
}

TEST_F(ControlSocket, AnswersGarbageWithAnErrorAndGoesOn) {
    auto supervisor = run();
    auto one = client();
    const std::string lines[] = {"",
                                 "hello",
                                 "{",
                                 "[]",
                                 "{}",
                                 "{\"command\":\"kill\"}",
                                 "\xff\xfe",
                                 std::string(1000, '\0'),
                                 "GET / HTTP/1.1\r",
                                 std::string(control::longest_line, '[')};
    for (const auto& line : lines) {
        one.send(line + "\n");
        const auto answer = one.line();
        ASSERT_TRUE(answer.has_value()) << line.substr(0, 40);
        EXPECT_EQ(answer->find("{\"ok\":false,\"error\":\""), 0U) << *answer;
    }
    EXPECT_EQ(one.ask(R"({"command":"ping"})"), "{\"ok\":true}");
    EXPECT_EQ(status().restarts, 0U);
    stop(supervisor);
    EXPECT_EQ(logged("START"), 1);
}

TEST_F(ControlSocket, ALineThatWasCutOffIsNotObeyed) {
    auto supervisor = run();
    // The worker is there a moment before the supervisor has read that it is.
    ASSERT_TRUE(wait_until([&] { return status().state == "running"; }, seconds(10)));
    const std::string request = "{\"command\":\"restart\"}";
    for (std::size_t size = 0; size <= request.size(); ++size)
        EXPECT_EQ(client().send(request.substr(0, size)), static_cast<long>(size));
    EXPECT_EQ(status().restarts, 0U) << "asked after all of them, so answered after all of them";
    EXPECT_EQ(status().state, "running");
    stop(supervisor);
    EXPECT_EQ(logged("START"), 1);
}

TEST_F(ControlSocket, AnOverlongLineEndsItsConnection) {
    auto supervisor = run();
    auto one = client();
    std::string flood(4 * control::longest_line, 'x');
    // The kernel's buffer may take less than all at once.
    EXPECT_TRUE(wait_until(
        [&] {
            const long sent = one.send(flood);
            if (sent > 0) flood.erase(0, static_cast<std::size_t>(sent));
            return sent < 0 || flood.empty();
        },
        seconds(5)));
    EXPECT_EQ(one.line(), "{\"ok\":false,\"error\":\"the line is longer than 64 KiB\"}");
    EXPECT_TRUE(one.closed(seconds(5)));
    EXPECT_EQ(ask("ping"), "{\"ok\":true}");
    stop(supervisor);
}

TEST_F(ControlSocket, TheThirtyThirdClientIsToldAndTheOthersAreServed) {
    auto supervisor = run();
    const std::size_t before = descriptors(supervisor);
    std::deque<ControlClient> clients;
    for (int i = 0; i < 40; ++i) {
        ASSERT_TRUE(clients.emplace_back(state).connected());
        const auto answer = clients.back().ask(R"({"command":"ping"})");
        EXPECT_EQ(answer, i < 32 ? "{\"ok\":true}"
                                 : "{\"ok\":false,\"error\":\"too many clients at once\"}");
    }
    for (int i = 0; i < 32; ++i)
        EXPECT_EQ(clients[static_cast<std::size_t>(i)].ask("{\"command\":\"ping\"}"),
                  "{\"ok\":true}");
    clients.clear();
    EXPECT_TRUE(wait_until([&] { return ask("ping") == "{\"ok\":true}"; }, seconds(5)));
    EXPECT_TRUE(wait_until([&] { return descriptors(supervisor) == before; }, seconds(5)));
    stop(supervisor);
}

TEST_F(ControlSocket, WhoIsSilentSlowOrDeafIsDroppedAndHoldsUpNobody) {
    auto supervisor = run();
    const std::size_t before = descriptors(supervisor);
    const auto start = std::chrono::steady_clock::now();
    auto silent = client();
    auto slow = client();
    auto deaf = client();
    // It asks and never reads, until its buffer and the supervisor's are full.
    const std::string request = "{\"command\":\"status\"}\n";
    EXPECT_TRUE(wait_until(
        [&] {
            long sent = 0;
            do {
                sent = deaf.send(request);
            } while (sent > 0);
            let_pass(milliseconds(50));
            return sent == 0 && deaf.send(request) == 0;
        },
        seconds(5)));
    bool slow_closed = false;
    EXPECT_TRUE(wait_until(
        [&] {
            // A byte now and then does not keep a place.
            if (!slow_closed) slow_closed = slow.send("x") < 0;
            const auto asked_at = std::chrono::steady_clock::now();
            EXPECT_EQ(ask("ping"), "{\"ok\":true}");
            EXPECT_LT(std::chrono::steady_clock::now() - asked_at, seconds(1));
            return descriptors(supervisor) == before;
        },
        seconds(20)));
    EXPECT_GE(std::chrono::steady_clock::now() - start, seconds(9)) << "not before its time";
    EXPECT_TRUE(silent.closed(seconds(1)));
    write_file(source, "2");
    EXPECT_TRUE(wait_for_starts(2));
    stop(supervisor);
}

TEST_F(ControlSocket, WithoutAClientNothingWakesUp) {
    auto supervisor = run();
    EXPECT_EQ(ask("ping"), "{\"ok\":true}");
    const auto switches = [&] {
        const std::string text = read_file("/proc/" + std::to_string(supervisor.pid()) + "/status");
        const auto at = text.find("\nvoluntary_ctxt_switches:");
        return std::stol(text.substr(at + 25));
    };
    long last = -1;
    // The client's end is still to be noticed; from then on half a second without a wake-up.
    EXPECT_TRUE(wait_until(
        [&] {
            const long now = switches();
            const bool still = now == last;
            last = now;
            let_pass(milliseconds(500));
            return still && switches() == last;
        },
        seconds(10)));
    stop(supervisor);
}

TEST_F(ControlSocket, TheSocketOfAKilledSupervisorIsReplaced) {
    for (int start = 1; start <= 3; ++start) {
        auto supervisor = supervise({"--watch"}, probe());
        ASSERT_TRUE(wait_for_starts(start)) << read_file(console);
        EXPECT_EQ(ask("ping"), "{\"ok\":true}");
        EXPECT_EQ(status().supervisor_pid, supervisor.pid());
        supervisor.signal(SIGKILL);
        ASSERT_TRUE(supervisor.wait(seconds(5)));
        EXPECT_EQ(mode(socket()), 0600U) << "left behind";
        EXPECT_EQ(client().error(), ECONNREFUSED);
    }
}

TEST_F(ControlSocket, AFileInItsPlaceIsSaidAndLeftAlone) {
    ASSERT_EQ(::mkdir(state.c_str(), 0700), 0);
    write_file(socket(), "mine");
    auto supervisor = run();
    EXPECT_EQ(said("control.sock: is in the way, not a socket"), 1) << read_file(console);
    stop(supervisor);
    EXPECT_EQ(read_file(socket()), "mine");
}

TEST_F(ControlSocket, APathTooLongForASocketWorks) {
    state += "/" + std::string(100, 'a') + "/" + std::string(100, 'b');
    auto supervisor = run();
    EXPECT_EQ(mode(socket()), 0600U);
    EXPECT_EQ(ask("ping"), "{\"ok\":true}");
    stop(supervisor);
    EXPECT_EQ(mode(socket()), 0U);
}

}  // namespace
}  // namespace oneloop::test
