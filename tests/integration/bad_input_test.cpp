// Bad input: one clear line, the right exit code, nothing left running.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "supervisor/sockets.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

struct Case {
    const char* name;
    std::vector<std::string> arguments;
    int code;
    std::vector<std::string> says;
};

class BadInput : public SupervisorFixture, public testing::WithParamInterface<Case> {};

TEST_P(BadInput, IsOneClearLineAndTheRightCode) {
    write_file(dir.file("project/script"), "not executable");
    std::vector<std::string> command = {ONELOOP_SUPERVISOR, "--state-dir", state};
    command.insert(command.end(), GetParam().arguments.begin(), GetParam().arguments.end());
    auto supervisor = start(command);
    const auto status = supervisor.wait(seconds(10));
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, (ExitStatus{GetParam().code, 0}));
    const std::string text = read_file(console);
    for (const auto& part : GetParam().says) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 2) << text;
    EXPECT_TRUE(living(mark).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Supervisor, BadInput,
    testing::Values(
        Case{"unknown_option", {"--foo", "--", "true"}, 64, {"unknown option --foo"}},
        Case{"no_command_after_dashes", {"--"}, 64, {"no command after --"}},
        Case{"command_without_dashes",
             {"python3", "app.py"},
             64,
             {"follows --", "-- python3 app.py"}},
        Case{"duration_without_unit", {"--stop-timeout", "10", "--", "true"}, 64, {"10", "unit"}},
        Case{"unknown_signal", {"--stop-signal", "FOO", "--", "true"}, 64, {"FOO"}},
        Case{"unknown_preset", {"--preset", "rails", "--", "true"}, 64, {"rails", "flask"}},
        Case{"bad_socket", {"--socket", "127.0.0.1:http", "--", "true"}, 64, {"127.0.0.1:http"}},
        Case{"nothing_to_watch", {"--watch", "/no/such/dir", "--", "true"}, 69, {"/no/such/dir"}},
        Case{"command_not_found",
             {"--", "no-such-program"},
             127,
             {"no-such-program", "No such file"}},
        Case{"path_not_found", {"--watch", "--", "./nothing"}, 127, {"./nothing", "No such file"}},
        Case{"not_executable", {"--", "./script"}, 126, {"./script", "Permission denied"}},
        Case{"a_directory", {"--", "/tmp"}, 126, {"/tmp", "Permission denied"}}),
    [](const auto& test) { return std::string(test.param.name); });

class BadPlace : public SupervisorFixture {};

TEST_F(BadPlace, APortInUseNamesItsHolder) {
    const auto taken = listen_on(SocketSpec{"http", "127.0.0.1", "0"});
    ASSERT_TRUE(taken);
    auto supervisor = supervise({"--socket", taken->address}, {"true"});
    EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{exit_unavailable, 0}));
    EXPECT_EQ(said("cannot listen on " + taken->address), 1) << read_file(console);
    EXPECT_EQ(said("held by pid " + std::to_string(::getpid())), 1) << read_file(console);
}

TEST_F(BadPlace, AnUnreadableDirectoryIsNamed) {
    // Root reads everything, so this runs as nobody where it has to.
    const std::string closed = dir.file("project/closed");
    ASSERT_EQ(::mkdir(closed.c_str(), 0), 0);
    std::vector<std::string> command = {ONELOOP_SUPERVISOR, "--watch", closed, "--", "true"};
    if (::geteuid() == 0) {
        ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
        ASSERT_EQ(::chmod(project.c_str(), 0755), 0);
        // Where nobody can reach it: the build may lie below somebody's home.
        const std::filesystem::path built(ONELOOP_SUPERVISOR);
        for (const char* program : {"supervisor", "warden"}) {
            std::filesystem::copy(built.parent_path() / program, dir.file(program));
        }
        command[0] = dir.file("supervisor");
        command.insert(command.begin(), {"setpriv", "--reuid=65534", "--clear-groups"});
    }
    auto supervisor = start(command);
    EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{exit_unavailable, 0}));
    EXPECT_EQ(said("cannot watch " + closed + ": Permission denied"), 1) << read_file(console);
}

TEST_F(BadPlace, AStateDirectoryOthersMayWriteToIsRefused) {
    ASSERT_EQ(::mkdir(state.c_str(), 0777), 0);
    ASSERT_EQ(::chmod(state.c_str(), 0777), 0);
    auto supervisor = supervise({}, {"true"});
    EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{exit_unavailable, 0}));
    EXPECT_EQ(said("others may write to it"), 1) << read_file(console);
}

TEST_F(BadPlace, ALockThatIsASymbolicLinkIsRefused) {
    ASSERT_EQ(::mkdir(state.c_str(), 0700), 0);
    std::filesystem::create_symlink("/etc/hostname", state + "/supervisor.lock");
    auto supervisor = supervise({}, {"true"});
    EXPECT_EQ(supervisor.wait(seconds(10)), (ExitStatus{exit_unavailable, 0}));
    EXPECT_EQ(said("symbolic link"), 1) << read_file(console);
}

}  // namespace
}  // namespace oneloop::test
