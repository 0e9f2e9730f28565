// supervisor status, ps, why, restart, pause, resume, stop and clean, as a person types them,
// against the real supervisor.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

struct Said {
    int code = -1;
    std::string text;
};

AssertionResult contains(const std::string& text, const std::string& part) {
    if (text.find(part) != std::string::npos) return AssertionSuccess();
    return AssertionFailure() << "no \"" << part << "\" in:\n" << text;
}

class RemoteFixture : public SupervisorFixture {
  protected:
    // supervisor COMMAND… in `where`; instances are looked for below `base`.
    Said type(const std::vector<std::string>& command, const std::string& where = "") {
        std::vector<std::string> all = {ONELOOP_SUPERVISOR};
        all.insert(all.end(), command.begin(), command.end());
        const std::string output = dir.file("said-" + std::to_string(++typed));
        Process process({all,
                         where.empty() ? project : where,
                         {{"STATE_DIRECTORY", base}, {census_variable, mark}},
                         output});
        const auto status = process.wait(seconds(30));
        EXPECT_TRUE(status && status->signal == 0) << read_file(output);
        return {status ? status->code : -1, read_file(output)};
    }
    Said ask(const std::string& command) { return type({command, "--state-dir", state}); }
    Json status() {
        const Said said = type({"status", "--json", "--state-dir", state});
        EXPECT_EQ(said.code, 0) << said.text;
        Json json = Json::parse(said.text, nullptr, false);
        EXPECT_FALSE(json.is_discarded()) << said.text;
        return json;
    }
    // Without --state-dir: it finds its place below `base`.
    Process start_in(const std::string& where) {
        fs::create_directories(where);
        return Process(
            {{ONELOOP_SUPERVISOR, "--isolate", isolation, "--", ONELOOP_PROBE_WORKER, "--log", log},
             where,
             {{"STATE_DIRECTORY", base}, {census_variable, mark}},
             console});
    }

    std::string base = dir.file("base");
    int typed = 0;
};

// Every command with each way to keep a tree together.
class Remote : public RemoteFixture, public testing::WithParamInterface<const char*> {
  protected:
    Remote() { isolation = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Isolation, Remote, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Remote, StatusSaysWhatRuns) {
    auto supervisor = supervise({"--watch", "--socket", "web=127.0.0.1:0"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    ASSERT_TRUE(wait_until([&] { return said("started") == 1; }, seconds(5)));
    const auto worker = living(mark, is_worker);
    ASSERT_EQ(worker.size(), 1U);
    const Json json = status();
    EXPECT_EQ(json["supervisor"]["pid"], supervisor.pid());
    EXPECT_EQ(json["worker"]["pid"], worker[0].pid);
    EXPECT_EQ(std::to_string(json["generation"].get<int>()), worker[0].generation);
    EXPECT_EQ(json["state"], "running");
    EXPECT_EQ(json["paused"], false);
    EXPECT_EQ(json["cwd"], project);
    EXPECT_EQ(json["directory"], state);
    EXPECT_EQ(json["lock"], state + "/supervisor.lock");
    EXPECT_EQ(json["command"].get<std::vector<std::string>>(), probe());
    EXPECT_EQ(json["instance"].get<std::string>().size(), 36U);
    EXPECT_EQ(json["restarts"], 0);
    EXPECT_TRUE(json["last_restart"].is_null());
    EXPECT_GE(json["watching"]["files"], 1);
    EXPECT_EQ(json["sockets"][0]["name"], "web");
    EXPECT_EQ(json["sockets"][0]["fd"], 3);
    const bool namespaced = isolation == "pidns" && ::geteuid() != 0;
    EXPECT_EQ(json["isolation"], namespaced ? "user-pidns" : isolation);
    EXPECT_EQ(json["weaker"].size(), isolation == "pidns" ? 0U : 1U);
    const Said text = ask("status");
    EXPECT_EQ(text.code, 0);
    EXPECT_TRUE(contains(text.text, "state        running\n"));
    EXPECT_TRUE(contains(text.text, "pid " + std::to_string(worker[0].pid) + ", generation 1"));
    EXPECT_TRUE(contains(text.text, "directory    " + project + "\n"));
    stop(supervisor);
}

TEST_P(Remote, RestartReplacesTheWorkerAndWhySaysWhoAsked) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    EXPECT_TRUE(contains(ask("why").text, "no restart yet"));
    for (int round = 2; round <= 6; ++round) {
        const Said said = ask("restart");
        EXPECT_EQ(said.code, 0) << said.text;
        ASSERT_TRUE(wait_for_starts(round)) << read_file(console);
    }
    ASSERT_TRUE(wait_until([&] { return status()["state"] == "running"; }, seconds(5)));
    EXPECT_EQ(status()["restarts"], 5);
    const Said why = ask("why");
    EXPECT_EQ(why.code, 0);
    EXPECT_EQ(why.text.find("asked for by pid "), 0U) << why.text;
    const Said json = type({"why", "--json", "--state-dir", state});
    EXPECT_EQ(Json::parse(json.text)["last_restart"]["kind"], "request");
    EXPECT_EQ(living(mark, is_worker).size(), 1U);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
    EXPECT_TRUE(IntervalLog(intervals).overlaps().empty());
}

TEST_P(Remote, WhatChangesDuringAPauseIsOneRestartAtTheResume) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--watch"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    EXPECT_EQ(ask("pause").code, 0);
    for (int i = 0; i < 20; ++i) {
        write_file(source, "change " + std::to_string(i));
        write_file(project + "/b.py", std::to_string(i));
        let_pass(milliseconds(20));
    }
    ASSERT_TRUE(wait_until([&] { return status()["held_changes"] == 2; }, seconds(5)));
    EXPECT_EQ(logged("START"), 1);
    EXPECT_EQ(logged("STOP"), 0);
    EXPECT_TRUE(contains(ask("status").text, "running, paused (2 changes noted)"));
    EXPECT_TRUE(contains(ask("resume").text, "restarting for what has changed"));
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    let_pass(milliseconds(300));
    EXPECT_EQ(logged("START"), 2) << "one restart";
    EXPECT_TRUE(contains(ask("why").text, "(+1 more)"));
    EXPECT_TRUE(contains(ask("resume").text, "it was not paused"));
    write_file(source, "after");
    EXPECT_TRUE(wait_for_starts(3)) << "as before";
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
}

TEST_P(Remote, AReloadWaitsForTheNextWorkerAndARefusalIsItsExitCode) {
    const Census census(mark, is_worker);
    auto supervisor = supervise({"--check", "! test -e wrong"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    const Said done = ask("reload");
    EXPECT_EQ(done.code, 0) << done.text;
    EXPECT_TRUE(contains(done.text, "reloaded (worker "));
    ASSERT_TRUE(wait_for_starts(2)) << "one that says nothing is ready when it is started";
    write_file(project + "/wrong", "");
    const Said refused = ask("reload");
    EXPECT_EQ(refused.code, 78) << refused.text;
    EXPECT_TRUE(contains(refused.text, "not reloaded: check failed: exit 1"));
    EXPECT_EQ(logged("STOP"), 1) << "the worker that runs is kept";
    // The control: a restart is asked for, and its answer does not wait for what comes of it.
    EXPECT_EQ(ask("restart").code, 0);
    stop(supervisor);
    EXPECT_EQ(census.most(), 1U);
}

TEST_P(Remote, StopReturnsWhenEverythingIsGone) {
    auto supervisor = supervise({"--watch"}, probe({"--stop-takes", "300"}));
    ASSERT_TRUE(wait_for_starts(1));
    const Said said = ask("stop");
    EXPECT_EQ(said.code, 0) << said.text;
    EXPECT_TRUE(contains(said.text, "supervisor " + std::to_string(supervisor.pid()) + " is gone"));
    EXPECT_TRUE(living(mark).empty()) << living(mark).front().command;
    const auto status = supervisor.wait(seconds(1));
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, (ExitStatus{0, 0})) << read_file(console);
    EXPECT_EQ(logged("STOP"), 1) << "gracefully";
    EXPECT_FALSE(fs::exists(state + "/control.sock"));
}

TEST_P(Remote, PsShowsTheTree) {
    auto supervisor = supervise({"--stop-timeout", "300ms"}, probe({"--ignore-term", "--escapee"}));
    ASSERT_TRUE(wait_until([&] { return living(mark, is_escapee).size() == 1; }, seconds(10)));
    ASSERT_TRUE(wait_until([&] { return said("started") == 1; }, seconds(5)));
    const Said said = ask("ps");
    EXPECT_EQ(said.code, 0);
    // Each at its depth: supervisor, warden, worker; the escapee went to the warden.
    EXPECT_TRUE(contains(said.text, project + ": running\n"));
    EXPECT_TRUE(contains(said.text, "  " ONELOOP_SUPERVISOR " "));
    EXPECT_TRUE(contains(said.text, "  \\_ warden\n"));
    EXPECT_TRUE(contains(said.text, "     \\_ " ONELOOP_PROBE_WORKER " "));
    EXPECT_TRUE(contains(said.text, "     \\_ escapee\n"));
    for (const auto& seen : living(mark))
        EXPECT_TRUE(contains(said.text, " " + std::to_string(seen.pid) + " ")) << seen.command;
    EXPECT_GE(count(said.text, " KiB") + count(said.text, " MiB"), 8) << "RSS and PSS of four";
    stop(supervisor);
}

class RemoteChoice : public RemoteFixture {};

TEST_F(RemoteChoice, StopWhileNoWorkerRuns) {
    auto supervisor = supervise({"--watch"}, probe({"--exit", "0"}));
    ASSERT_TRUE(wait_until([&] { return said("waiting for a change") == 1; }, seconds(10)));
    EXPECT_EQ(status()["state"], "waiting");
    EXPECT_TRUE(status()["worker"].is_null());
    EXPECT_TRUE(contains(ask("status").text, "is done (exit 0)"));
    EXPECT_EQ(ask("stop").code, 0);
    EXPECT_EQ(supervisor.wait(seconds(1)), (ExitStatus{0, 0}));
}

TEST_F(RemoteChoice, WithoutAnInstanceEachSaysSo) {
    for (const char* command :
         {"status", "ps", "why", "restart", "reload", "pause", "resume", "stop"}) {
        const Said said = type({command});
        EXPECT_EQ(said.code, exit_unavailable) << command;
        EXPECT_TRUE(contains(said.text, "no supervisor is running for this user")) << command;
        EXPECT_EQ(ask(command).code, exit_unavailable) << command;
        EXPECT_EQ(type({command, "--frobnicate"}).code, exit_usage) << command;
        EXPECT_EQ(type({command, "--state-dir"}).code, exit_usage) << command;
        EXPECT_TRUE(contains(type({command, "--help"}).text, std::string("supervisor ") + command));
    }
    EXPECT_EQ(type({"clean"}).code, 0);
    EXPECT_TRUE(contains(type({"--help"}).text, "supervisor resume"));
}

TEST_F(RemoteChoice, TheOnlyOneIsMeantElseTheOneOfThisDirectory) {
    const std::string a = dir.file("a");
    const std::string b = dir.file("b");
    auto first = start_in(a);
    ASSERT_TRUE(wait_for_starts(1));
    EXPECT_EQ(type({"status"}).code, 0) << "the only one, from anywhere";
    auto second = start_in(b);
    ASSERT_TRUE(wait_for_starts(2));
    EXPECT_TRUE(contains(type({"status"}, a).text, "directory    " + a + "\n"));
    EXPECT_TRUE(contains(type({"status"}, b).text, "directory    " + b + "\n"));
    const Said unclear = type({"stop"});
    EXPECT_EQ(unclear.code, exit_usage);
    EXPECT_TRUE(contains(unclear.text, "several instances run"));
    EXPECT_TRUE(contains(unclear.text, "in " + a + ": "));
    EXPECT_TRUE(contains(unclear.text, "in " + b + ": "));
    EXPECT_TRUE(contains(unclear.text, "--state-dir " + base + "/a-"));
    const Said tree = type({"ps"});
    EXPECT_EQ(count(tree.text, "\\_ warden"), 2) << tree.text;
    EXPECT_EQ(type({"stop"}, a).code, 0);
    EXPECT_EQ(first.wait(seconds(1)), (ExitStatus{0, 0}));
    EXPECT_EQ(type({"stop", "--state-dir", base}).code, 0) << "the base, and one is left";
    EXPECT_EQ(second.wait(seconds(1)), (ExitStatus{0, 0}));
}

TEST_F(RemoteChoice, AStoppedSupervisorIsNamedAndNotWaitedForForEver) {
    auto supervisor = supervise({}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    supervisor.signal(SIGSTOP);
    const Said said = ask("status");
    EXPECT_EQ(said.code, exit_unavailable);
    EXPECT_TRUE(contains(said.text, "kill -CONT " + std::to_string(supervisor.pid())));
    EXPECT_TRUE(contains(ask("ps").text, "\\_ warden")) << "its processes can be seen";
    supervisor.signal(SIGCONT);
    EXPECT_EQ(ask("status").code, 0);
    stop(supervisor);
}

TEST_F(RemoteChoice, CleanRemovesWhatNobodyStartsAgainAndNothingElse) {
    const std::string gone = dir.file("gone");
    const std::string kept = dir.file("kept");
    const std::string alive = dir.file("alive");
    for (const auto& where : {gone, kept}) {
        auto supervisor = start_in(where);
        ASSERT_TRUE(wait_until([&] { return said("started") >= 1; }, seconds(10)));
        stop(supervisor);
        write_file(console, "");
    }
    auto running = start_in(alive);
    ASSERT_TRUE(wait_until([&] { return said("started") >= 1; }, seconds(10)));
    EXPECT_TRUE(contains(type({"clean"}).text, "0 of 3 removed"));
    fs::remove(gone);
    fs::rename(alive, dir.file("renamed"));
    const Said said = type({"clean"});
    EXPECT_EQ(said.code, 0);
    EXPECT_TRUE(contains(said.text, gone + " no longer exists"));
    EXPECT_TRUE(contains(said.text, "in use by pid " + std::to_string(running.pid())));
    EXPECT_TRUE(contains(said.text, "1 of 3 removed"));
    const auto entries = std::distance(fs::directory_iterator(base), fs::directory_iterator());
    EXPECT_EQ(entries, 2);
    EXPECT_EQ(type({"stop"}).code, 0);
}

}  // namespace
}  // namespace oneloop::test
