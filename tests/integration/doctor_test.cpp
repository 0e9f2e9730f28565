// supervisor doctor with real processes: what an editor left behind is listed and ended; what a
// supervisor keeps and what only looks alike is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/doctor_fixture.h"

namespace oneloop::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class Doctor : public DoctorFixture {};

TEST_F(Doctor, ListsBothProcessesOfAFlaskProgramThatAnEditorStarted) {
    write_file(source, read_file(ONELOOP_FLASK_APP));
    // As an editor's terminal does it: a pseudo-terminal and the program in it.
    const Process editor = by_hand(
        project,
        {"/usr/bin/python3", "-c", "import pty, sys; pty.spawn(sys.argv[1:])", app[0], app[1]});
    ASSERT_TRUE(wait_until([&] { return http_get(port, "/").ok(); }, seconds(20)));

    const Answer answer = about_app({"--flask", "--socket", address});
    EXPECT_EQ(answer.code, 1) << answer.text;
    const json leftovers = answer.object().at("leftovers");
    ASSERT_EQ(leftovers.size(), 2U) << answer.text;
    EXPECT_EQ(leftovers[0].at("parent"), editor.pid());
    EXPECT_EQ(leftovers[1].at("parent"), leftovers[0].at("pid"));
    EXPECT_EQ(leftovers[0].at("command"), json(app));
    for (const auto& one : leftovers) {
        EXPECT_THAT(one.at("terminal").get<std::string>(), testing::StartsWith("pts/"));
        EXPECT_GE(one.at("age_seconds").get<double>(), 0);
        EXPECT_LT(one.at("age_seconds").get<double>(), 60);
        EXPECT_EQ(one.at("holds"), json({address}));
        EXPECT_EQ(one.at("reasons").size(), 2U) << one.at("reasons");
    }

    // Without a command the address alone counts.
    EXPECT_EQ(listed(doctor({"--json", "--socket", address})), listed(answer));

    const Answer ended = about_app({"--socket", address, "--end", "all"});
    EXPECT_EQ(ended.object().at("remaining"), json::array()) << ended.text;
    EXPECT_EQ(ended.object().at("ends").size(), 2U);
    EXPECT_EQ(http_get(port, "/").outcome, HttpReply::Outcome::refused);
    EXPECT_EQ(listed(about_app({"--socket", address})), std::vector<int>{});
}

TEST_F(Doctor, EndsExactlyTheNamedOneAndNoDecoy) {
    const std::string other = dir.file("other");
    fs::create_directory(other);
    write_file(other + "/app.py", read_file(source));
    write_file(project + "/wait.py", read_file(source));
    Process one = by_hand(project, app);
    Process two = by_hand(project, app);
    const Process other_directory = by_hand(other, app);
    const Process other_arguments = by_hand(project, {app[0], "wait.py"});

    EXPECT_THAT(listed(about_app()), UnorderedElementsAre(one.pid(), two.pid()));

    const Answer answer = about_app({"--end", std::to_string(one.pid())});
    EXPECT_EQ(answer.code, 1) << "two is left";
    EXPECT_EQ(answer.object().at("ends"), json::parse(R"([{"pid": )" + std::to_string(one.pid()) +
                                                      R"(, "outcome": "ended", "reason": ""}])"));
    EXPECT_EQ(answer.object().at("remaining"), json({two.pid()}));
    const auto status = one.wait(seconds(5));
    ASSERT_TRUE(status);
    EXPECT_EQ(status->signal, SIGTERM);

    for (const Process* decoy : {&other_directory, &other_arguments}) {
        const Answer refused = about_app({"--end", std::to_string(decoy->pid())});
        EXPECT_EQ(refused.code, 1);
        EXPECT_EQ(refused.object().at("ends").at(0).at("outcome"), "refused") << refused.text;
        EXPECT_TRUE(lives(*decoy));
    }
    EXPECT_TRUE(lives(two));

    const Answer counted =
        doctor({"--end", std::to_string(two.pid()), "999999999", "--", app[0], app[1]});
    EXPECT_EQ(counted.code, 1);
    EXPECT_THAT(counted.text, HasSubstr("ended 1 of 2\n"));
    EXPECT_THAT(counted.text, HasSubstr("999999999  refused: it is not among the processes"));
    EXPECT_TRUE(two.wait(seconds(5)));
    EXPECT_TRUE(lives(other_directory));
    EXPECT_TRUE(lives(other_arguments));
}

TEST_F(Doctor, KillsWhatIsDeafToTerm) {
    write_file(source,
               "import signal, sys\n"
               "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
               "open(sys.argv[0] + '.deaf', 'w').close()\n"
               "signal.pause()\n");
    Process deaf = by_hand(project, app);
    ASSERT_TRUE(wait_until([&] { return fs::exists(source + ".deaf"); }, seconds(10)));
    const Answer answer = about_app({"--end", "all"});
    EXPECT_EQ(answer.object().at("ends").at(0).at("outcome"), "killed") << answer.text;
    ASSERT_TRUE(deaf.wait(seconds(5)));
    EXPECT_EQ(deaf.wait(seconds(0))->signal, SIGKILL);
}

class DoctorBeside : public Doctor, public testing::WithParamInterface<const char*> {
  protected:
    DoctorBeside() { isolation = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Isolation, DoctorBeside, testing::Values("subreaper", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(DoctorBeside, NeverListsAWorkerUnderALiveSupervisor) {
    auto supervisor = supervise({"--socket", address}, app);
    const auto workers = [&] {
        return living(mark, [](const Seen& seen) {
            return seen.command == "/usr/bin/python3 app.py" && !seen.generation.empty();
        });
    };
    ASSERT_TRUE(wait_until([&] { return workers().size() == 1; }, seconds(10)))
        << read_file(console);
    const int worker = workers().at(0).pid;

    const Answer alone = about_app({"--socket", address});
    EXPECT_EQ(listed(alone), std::vector<int>{}) << alone.text;
    EXPECT_THAT(alone.object().at("notes").at(0).get<std::string>(),
                HasSubstr(address + " is held by pid "));

    const Process forgotten = by_hand(project, app);
    EXPECT_EQ(listed(about_app({"--socket", address})), std::vector<int>{forgotten.pid()});
    const Answer ended =
        about_app({"--socket", address, "--end", std::to_string(worker),
                   std::to_string(supervisor.pid()), std::to_string(forgotten.pid())});
    EXPECT_EQ(ended.object().at("remaining"), json::array()) << ended.text;
    EXPECT_EQ(ended.object().at("ends").at(0).at("pid"), forgotten.pid());
    EXPECT_EQ(ended.object().at("ends").at(1).at("outcome"), "refused");
    EXPECT_EQ(ended.object().at("ends").at(2).at("outcome"), "refused");
    ASSERT_EQ(workers().size(), 1U);
    EXPECT_EQ(workers().at(0).pid, worker);
    stop(supervisor);
}

TEST_F(Doctor, SaysWhatIsWrongWithTheLine) {
    EXPECT_EQ(doctor({"--end"}).code, 64);
    EXPECT_EQ(doctor({"--end", "app.py", "--", "true"}).code, 64) << "never by name";
    EXPECT_EQ(doctor({"--end", "all"}).code, 64);
    EXPECT_EQ(doctor({"--no-such-option"}).code, 64);
    const Answer help = doctor({"--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.text, HasSubstr("--end PID...|all"));
    const Answer unknown = doctor({"--", "no-such-program-anywhere"});
    EXPECT_THAT(unknown.text, HasSubstr("there is no such program in PATH"));
}

TEST_F(Doctor, TheJsonIsValidWhateverAProcessHasInItsArguments) {
    const std::string odd = "\xff\x1b[31m\"\n";
    const Process process = by_hand(project, {app[0], "app.py", odd});
    const Answer answer = doctor({"--json", "--", app[0], "app.py", odd});
    EXPECT_EQ(listed(answer), std::vector<int>{process.pid()});
    const Answer text = doctor({"--", app[0], "app.py", odd});
    EXPECT_THAT(text.text, HasSubstr(std::to_string(process.pid())));
    EXPECT_THAT(text.text, Not(HasSubstr("\x1b"))) << "it must not steer the terminal";
}

}  // namespace
}  // namespace oneloop::test
