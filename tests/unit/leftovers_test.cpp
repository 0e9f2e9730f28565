// Which processes count as left over: a table of records, one difference a row.
#include "supervisor/leftovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace oneloop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr FileId python{1, 100};
constexpr FileId other_python{1, 101};
constexpr FileId project{1, 200};
constexpr FileId elsewhere{1, 201};
constexpr FileId script{1, 300};
constexpr FileId editor{1, 400};

Wanted wanted_app() {
    Wanted wanted;
    wanted.self = 900;
    wanted.uid = 1000;
    wanted.command = {"python3", "app.py"};
    wanted.program = python;
    wanted.program_path = "/usr/bin/python3.11";
    wanted.directory = project;
    wanted.directory_path = "/p";
    return wanted;
}

ProcessRecord process(int pid, int parent, std::vector<std::string> arguments) {
    ProcessRecord record;
    record.pid = pid;
    record.parent = parent;
    record.state = 'S';
    record.uid = 1000;
    record.start = static_cast<std::uint64_t>(pid) * 10;
    record.program = python;
    record.program_path = "/usr/bin/python3.11";
    record.directory = project;
    record.directory_path = "/p";
    record.arguments = std::move(arguments);
    return record;
}

ProcessRecord app(int pid = 500, int parent = 1) {
    return process(pid, parent, {"/usr/bin/python3", "app.py"});
}

// What is there in every case: init, a shell, and the doctor below the shell.
std::vector<ProcessRecord> with(std::vector<ProcessRecord> processes) {
    auto init = process(1, 0, {"/sbin/init"});
    init.uid = 0;
    auto shell = process(800, 1, {"-bash"});
    shell.program = editor;
    auto self = process(900, 800, {"supervisor", "doctor"});
    self.program = editor;
    processes.insert(processes.end(), {init, shell, self});
    return processes;
}

std::vector<int> pids(const std::vector<Finding>& findings) {
    std::vector<int> result;
    for (const auto& finding : findings)
        result.push_back(finding.process.pid);
    return result;
}

struct Row {
    const char* name;
    std::function<void(ProcessRecord&, Wanted&)> change;
    bool listed;
};

class Difference : public testing::TestWithParam<Row> {};

TEST_P(Difference, DecidesWhetherItIsListed) {
    auto record = app();
    auto wanted = wanted_app();
    GetParam().change(record, wanted);
    EXPECT_EQ(find_leftovers(with({record}), wanted).size(), GetParam().listed ? 1U : 0U);
}

const std::vector<Row> rows = {
    {"None", [](auto&, auto&) {}, true},
    {"OtherUser", [](auto& p, auto&) { p.uid = 1001; }, false},
    {"OtherDirectory", [](auto& p, auto&) { p.directory = elsewhere; }, false},
    {"UnknownDirectory", [](auto& p, auto&) { p.directory = {}; }, false},
    {"OtherArguments",
     [](auto& p, auto&) {
         p.arguments = {"python3", "app.py", "-x"};
     },
     false},
    {"FewerArguments", [](auto& p, auto&) { p.arguments = {"python3"}; }, false},
    {"OtherScript",
     [](auto& p, auto&) {
         p.arguments = {"python3", "bpp.py"};
     },
     false},
    {"OtherProgram", [](auto& p, auto&) { p.program = other_python; }, false},
    {"UnknownProgram", [](auto& p, auto& w) { p.program = w.program = {}; }, false},
    {"OtherNameOfTheProgram", [](auto& p, auto&) { p.arguments[0] = "/venv/bin/python"; }, true},
    {"AbsoluteNameOfTheScript", [](auto& p, auto&) { p.arguments[1] = "/p/app.py"; }, true},
    {"SameScriptNameElsewhere", [](auto& p, auto&) { p.arguments[1] = "/q/app.py"; }, false},
    {"Zombie", [](auto& p, auto&) { p.state = 'Z'; }, false},
    {"NoArguments", [](auto& p, auto&) { p.arguments.clear(); }, false},
    {"UpgradedMeanwhile",
     [](auto& p, auto&) {
         p.program = other_python;
         p.program_path = "/usr/bin/python3.11 (deleted)";
     },
     true},
    {"OnlyThePort",
     [](auto& p, auto& w) {
         w.command.clear();
         p.holds = {"127.0.0.1:5000"};
     },
     true},
    {"ThePortOfAnythingElse",
     [](auto& p, auto&) {
         p.program = editor;
         p.directory = elsewhere;
         p.holds = {"127.0.0.1:5000"};
     },
     true},
    {"NothingWanted", [](auto&, auto& w) { w.command.clear(); }, false},
    {"ItIsASupervisor", [](auto& p, auto&) { p.supervisor = true; }, false},
    {"TaggedAndNobodyAbove", [](auto& p, auto&) { p.tagged = true; }, true},
    {"TaggedAndUnseenAbove",
     [](auto& p, auto&) {
         p.tagged = true;
         p.parent = 77;
     },
     false},
    {"UntaggedAndUnseenAbove", [](auto& p, auto&) { p.parent = 77; }, true},
    // A script by its name: flask run, ./app.py
    {"ScriptByItsInterpreter",
     [](auto& p, auto& w) {
         w.command = {"flask", "run"};
         w.program = script;
         w.script = true;
         w.interpreter = python;
         p.arguments = {"/usr/bin/python3", "/usr/bin/flask", "run"};
         p.scripts = {script, {}};
     },
     true},
    {"ScriptByItsInterpreterWithAnArgument",
     [](auto& p, auto& w) {
         w.command = {"flask", "run"};
         w.program = script;
         w.script = true;
         w.interpreter = python;
         p.arguments = {"/usr/bin/python3", "-u", "/usr/bin/flask", "run"};
         p.scripts = {{}, script};
     },
     true},
    {"EditorOfTheScript",
     [](auto& p, auto& w) {
         w.command = {"./app.py"};
         w.program = script;
         w.script = true;
         w.interpreter = python;
         p.program = editor;
         p.arguments = {"vim", "./app.py"};
         p.scripts = {script};
     },
     false},
    {"Shim",
     [](auto& p, auto& w) {
         w.program = script;
         w.script = true;
         w.interpreter = editor;
         p.arguments = {"/versions/3.12/bin/python3", "app.py"};
     },
     true},
    {"ShimOfAnotherName",
     [](auto& p, auto& w) {
         w.program = script;
         w.script = true;
         p.arguments = {"/versions/3.12/bin/ruby", "app.py"};
     },
     false},
};

INSTANTIATE_TEST_SUITE_P(Leftovers, Difference, testing::ValuesIn(rows),
                         [](const auto& test) { return test.param.name; });

TEST(Leftovers, AreListedInOrderOfStartWithTheirReasons) {
    auto parent = app(500);
    auto child = process(400, 500, {"/usr/bin/python3", "/p/app.py"});
    child.start = 9000;  // the pids have wrapped around
    child.holds = {"127.0.0.1:5000"};
    const auto findings = find_leftovers(with({child, parent}), wanted_app());
    EXPECT_THAT(pids(findings), ElementsAre(500, 400));
    EXPECT_THAT(findings[1].reasons,
                ElementsAre("holds 127.0.0.1:5000", "same program, arguments and directory"));
}

TEST(Leftovers, AreNeverWhatASupervisorKeeps) {
    auto supervisor = process(600, 800, {"supervisor", "--", "python3", "app.py"});
    supervisor.supervisor = true;
    supervisor.holds = {"127.0.0.1:5000"};
    const auto warden = process(601, 600, {"oneloop-warden", "0"});
    const auto helper = process(603, 602, {"sh", "-c", "python3 app.py"});
    EXPECT_THAT(find_leftovers(with({app(604, 603), helper, app(602, 601), warden, supervisor}),
                               wanted_app()),
                IsEmpty());
}

// The supervisor was killed a moment ago; its warden is about to end the worker.
TEST(Leftovers, AreNotWhatAWardenIsStillThereFor) {
    const auto warden = process(601, 1, {"oneloop-warden", "0"});
    EXPECT_THAT(find_leftovers(with({app(602, 601), warden}), wanted_app()), IsEmpty());
}

// The warden was killed; the worker came to the supervisor, which ends it.
TEST(Leftovers, AreNotWhatCameToTheSupervisorItself) {
    auto supervisor = process(600, 800, {"supervisor", "--", "python3", "app.py"});
    supervisor.supervisor = true;
    EXPECT_THAT(find_leftovers(with({app(602, 600), supervisor}), wanted_app()), IsEmpty());
}

TEST(Leftovers, AreWhatADeadWardenLeftToInit) {
    auto orphan = app(602, 1);
    orphan.tagged = true;
    const auto findings = find_leftovers(with({orphan}), wanted_app());
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_THAT(findings[0].reasons, testing::Contains("was started by a supervisor that is gone"));
}

TEST(Leftovers, AreNeverTheAskerOrWhatItWasStartedFrom) {
    auto wanted = wanted_app();
    auto processes = with({app(850, 800)});
    processes.back().parent = 850;  // the doctor, started by the app
    wanted.self = processes.back().pid;
    EXPECT_THAT(find_leftovers(processes, wanted), IsEmpty());
}

TEST(Leftovers, SurviveATableWithARing) {
    EXPECT_THAT(pids(find_leftovers(with({app(500, 501), app(501, 500)}), wanted_app())),
                ElementsAre(500, 501));
}

TEST(Identity, IsTheSameWhenNothingThatCountsDiffers) {
    auto now = app();
    now.state = 'R';
    now.parent = 7;  // its own was ended
    EXPECT_EQ(why_not_same(app(), now), std::nullopt);
}

TEST(Identity, DiffersWithAReason) {
    auto later = app();
    later.start += 1;
    EXPECT_THAT(why_not_same(app(), later).value_or(""), HasSubstr("another time"));
    auto program = app();
    program.program = other_python;
    EXPECT_THAT(why_not_same(app(), program).value_or(""), HasSubstr("another program"));
    auto unknown = app();
    unknown.program = {};
    EXPECT_THAT(why_not_same(unknown, unknown).value_or(""), HasSubstr("another program"));
    auto arguments = app();
    arguments.arguments.emplace_back("--more");
    EXPECT_THAT(why_not_same(app(), arguments).value_or(""), HasSubstr("other arguments"));
    auto user = app();
    user.uid = 0;
    EXPECT_THAT(why_not_same(app(), user).value_or(""), HasSubstr("another user"));
    EXPECT_THAT(why_not_same(app(500), app(501)).value_or(""), HasSubstr("another pid"));
}

}  // namespace
}  // namespace oneloop
