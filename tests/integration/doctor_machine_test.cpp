// supervisor doctor about the machine: a table, the worst line of which is the exit code; as root
// and as nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/doctor_fixture.h"

namespace oneloop::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class DoctorMachine : public DoctorFixture {};

TEST_F(DoctorMachine, TheMachineIsATableAndItsWorstLineIsTheExitCode) {
    const Answer text = doctor({});
    EXPECT_THAT(text.text, testing::StartsWith("this machine\n  ok  "));
    for (const char* what : {"kernel", "one lock, one holder", "child subreaper", "PID namespace",
                             "control group", "pidfd_open", "clone3", "pidfd_send_signal",
                             "inotify", "state directory", "/proc/PID/task/*/children"}) {
        EXPECT_THAT(text.text, HasSubstr(what));
    }
    EXPECT_THAT(text.text, Not(HasSubstr("✓"))) << "a file is no terminal";
    EXPECT_THAT(text.text, Not(HasSubstr("no supervisor keeps"))) << "nothing was asked for";

    const Answer answer = doctor({"--json"});
    const json object = answer.object();
    const std::string standing = object.at("standing");
    EXPECT_EQ(answer.code, standing == "ok" ? 0 : standing == "weaker" ? 1 : 69) << answer.text;
    EXPECT_EQ(answer.code, object.at("exit_code"));
    EXPECT_EQ(answer.code, text.code);
    EXPECT_EQ(object.at("leftovers"), nullptr);
    EXPECT_FALSE(fs::exists(state)) << "it only looks";
}

TEST_F(DoctorMachine, ThePromiseThatIsWeakerIsNamedWithTheWayOut) {
    const Answer answer = doctor({"--isolate", "subreaper"});
    EXPECT_EQ(answer.code, 1);
    EXPECT_THAT(answer.text, HasSubstr("weaker   I2"));
    EXPECT_THAT(answer.text, HasSubstr("killed at the same moment"));
    EXPECT_THAT(answer.text, HasSubstr("way out: "));
}

TEST_F(DoctorMachine, AStateDirectoryThatCanNotHoldALockIsMissing) {
    fs::create_directory(state);
    ::chmod(state.c_str(), 0777);
    Answer answer = doctor({});
    EXPECT_EQ(answer.code, 69);
    EXPECT_THAT(answer.text, HasSubstr("others may write to it"));

    ::chmod(state.c_str(), 0700);
    fs::create_symlink("/dev/null", state + "/worker.lock");
    answer = doctor({});
    EXPECT_EQ(answer.code, 69);
    EXPECT_THAT(answer.text, HasSubstr("worker.lock is a symbolic link"));

    fs::remove(state + "/worker.lock");
    EXPECT_THAT(doctor({}).text, Not(HasSubstr("missing")));
    EXPECT_TRUE(fs::is_empty(state)) << "the lock it tried is gone";
}

TEST_F(DoctorMachine, AsNobodyItSaysWhatAnOrdinaryUserHas) {
    const passwd* nobody = ::getpwnam("nobody");
    if (::geteuid() != 0 || !nobody) GTEST_SKIP() << "only root can become nobody";
    const std::string bin = dir.file("bin");
    const std::string home = dir.file("of-nobody");
    fs::create_directory(bin);
    fs::create_directory(home);
    fs::copy_file(ONELOOP_SUPERVISOR, bin + "/supervisor");
    fs::copy_file(ONELOOP_WARDEN, bin + "/warden");
    for (const auto& path : {dir.path(), bin, bin + "/supervisor", bin + "/warden", project})
        ::chmod(path.c_str(), 0755);
    ASSERT_EQ(::chown(home.c_str(), nobody->pw_uid, nobody->pw_gid), 0);
    const auto as_nobody = [&](std::vector<std::string> arguments) {
        const std::vector<std::string> start = {"setpriv",
                                                "--reuid",
                                                std::to_string(nobody->pw_uid),
                                                "--regid",
                                                std::to_string(nobody->pw_gid),
                                                "--clear-groups",
                                                bin + "/supervisor",
                                                "doctor"};
        arguments.insert(arguments.begin(), start.begin(), start.end());
        return run(arguments);
    };
    // The default of an ordinary user has a hole, and a worker of root's is none of their business.
    const Process of_root = by_hand(project, app);
    const Answer answer =
        as_nobody({"--state-dir", home, "--json", "--", "/usr/bin/python3", "app.py"});
    EXPECT_EQ(answer.code, 1) << answer.text;
    EXPECT_EQ(listed(answer), std::vector<int>{});
    int weaker = 0;
    const json object = answer.object();
    for (const auto& line : object.at("machine")) {
        if (line.at("what") != "user and PID namespace") continue;
        EXPECT_EQ(line.at("standing"), "weaker");
        EXPECT_THAT(line.at("way_out").get<std::string>(), HasSubstr("--isolate pidns"));
        ++weaker;
    }
    EXPECT_EQ(weaker, 1);

    fs::create_directory(state);
    const Answer of_others = as_nobody({"--state-dir", state});
    EXPECT_EQ(of_others.code, 69);
    EXPECT_THAT(of_others.text, HasSubstr("belongs to uid 0"));

    // Copied without it.
    fs::remove(bin + "/warden");
    const Answer without = as_nobody({});
    EXPECT_EQ(without.code, 69);
    EXPECT_THAT(without.text, HasSubstr("the warden is missing"));
}

}  // namespace
}  // namespace oneloop::test
