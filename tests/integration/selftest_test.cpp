// supervisor selftest: passes here, catches a supervisor that does it wrong, and leaves nothing,
// however it ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

using Json = nlohmann::json;

bool is_probe(const Seen& seen) {
    return seen.command.find(" --selftest-probe ") != std::string::npos &&
           seen.command.find("--state-dir") == std::string::npos && !seen.generation.empty();
}
bool is_control(const Seen& seen) {
    return seen.command.find(" --selftest-control ") != std::string::npos;
}

class Selftest : public SupervisorFixture {
  protected:
    Selftest() {
        std::filesystem::create_directory(place);
        ::setenv("COMPLAINTS", complaints.c_str(), 1);
    }

    // What it says on stderr goes elsewhere, so that the console has the JSON only.
    [[nodiscard]] Process selftest(const std::vector<std::string>& options) const {
        std::vector<std::string> command = {
            "sh",      "-c", "exec \"$0\" selftest \"$@\" 2>\"$COMPLAINTS\"", ONELOOP_SUPERVISOR,
            "--below", place};
        command.insert(command.end(), options.begin(), options.end());
        return start(command);
    }

    [[nodiscard]] Json run(const std::vector<std::string>& options, int code) const {
        auto process = selftest(options);
        const auto status = process.wait(seconds(150));
        if (!status) {
            ADD_FAILURE() << "does not end";
            return {};
        }
        EXPECT_EQ(*status, (ExitStatus{code, 0}))
            << read_file(complaints) << read_file(console).substr(0, 2000);
        Json json = Json::parse(read_file(console), nullptr, false);
        EXPECT_FALSE(json.is_discarded()) << read_file(console);
        EXPECT_EQ(json["exit_code"], code);
        EXPECT_TRUE(living(mark).empty()) << "gone before it ends, not after";
        return json;
    }

    [[nodiscard]] bool place_is_empty() const { return std::filesystem::is_empty(place); }

    std::string place = dir.file("place");
    std::string complaints = dir.file("complaints");
};

class SelftestPasses : public Selftest, public testing::WithParamInterface<const char*> {
  protected:
    SelftestPasses() { isolation = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(Isolation, SelftestPasses, testing::Values("subreaper", "cgroup", "pidns"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(SelftestPasses, HereAndLeavesNothing) {
    const Json json = run({"--kills", "30", "--seed", "1", "--isolate", GetParam(), "--json"}, 0);
    EXPECT_EQ(json["verdict"], "passed");
    EXPECT_EQ(json["seed"], 1);
    EXPECT_EQ(json["less_than_one_in"], 10);
    EXPECT_TRUE(json["broken"].empty());
    ASSERT_EQ(json["controls"].size(), 2U);
    for (const auto& control : json["controls"])
        EXPECT_TRUE(control["caught"]) << control;
    const Json& counts = json["counts"];
    EXPECT_EQ(counts["kills"], 30);
    EXPECT_GT(counts["workers"], 5);
    EXPECT_EQ(counts["overlaps"], 0);
    EXPECT_EQ(counts["leftovers"], 0);
    EXPECT_FALSE(json["layers"].empty());
    EXPECT_LT(json["nothing_left_after_seconds"], 0.5);
    EXPECT_TRUE(place_is_empty());
}

TEST_F(Selftest, ALockInTheSupervisorsHandsIsCaughtWithEvidence) {
    const Json json =
        run({"--kills", "50", "--seed", "1", "--sabotage", "supervisor-lock", "--json"}, 1);
    EXPECT_EQ(json["verdict"], "broken");
    EXPECT_GT(json["counts"]["overlaps"], 0);
    EXPECT_TRUE(json["less_than_one_in"].is_null());
    ASSERT_FALSE(json["broken"].empty());
    const auto found =
        std::find_if(json["broken"].begin(), json["broken"].end(),
                     [](const Json& one) { return one["promise"] == "at most one worker"; });
    ASSERT_NE(found, json["broken"].end()) << json["broken"];
    EXPECT_NE((*found)["evidence"].get<std::string>().find(" ns from "), std::string::npos);
    // What may help to find out why stays.
    EXPECT_TRUE(std::filesystem::exists(json["kept"].get<std::string>() + "/console"));
}

TEST_F(Selftest, AKillOfTheGroupIsCaught) {
    const Json json =
        run({"--kills", "20", "--seed", "1", "--sabotage", "group-kill", "--json"}, 1);
    EXPECT_EQ(json["verdict"], "broken");
    EXPECT_FALSE(json["broken"].empty());
}

TEST_F(Selftest, CtrlCEndsItAndEverythingItStarted) {
    const std::vector<std::function<bool(const Seen&)>> moments = {is_control, is_probe};
    for (const auto& moment : moments) {
        auto process = selftest({"--kills", "100000"});
        ASSERT_TRUE(wait_until([&] { return !living(mark, moment).empty(); }, seconds(60)));
        process.signal(SIGINT);
        const auto status = process.wait(seconds(10));
        ASSERT_TRUE(status);
        EXPECT_EQ(status->signal, SIGINT) << read_file(console);
        EXPECT_TRUE(living(mark).empty());
        EXPECT_TRUE(place_is_empty());
    }
    EXPECT_EQ(said("no verdict: SIGINT after"), 2) << read_file(console);
}

TEST_F(Selftest, KilledItLeavesNothingRunning) {
    const std::vector<std::function<bool(const Seen&)>> moments = {is_control, is_probe};
    for (const auto& moment : moments) {
        auto process = selftest({"--kills", "100000"});
        ASSERT_TRUE(wait_until([&] { return !living(mark, moment).empty(); }, seconds(60)));
        process.signal(SIGKILL);
        EXPECT_TRUE(wait_until([&] { return living(mark).empty(); }, seconds(20)));
        ASSERT_TRUE(process.wait(seconds(5)));
    }
}

TEST_F(Selftest, ARefusalSaysWhy) {
    const auto refusal = [&](const std::vector<std::string>& options) {
        std::vector<std::string> command = {ONELOOP_SUPERVISOR, "selftest"};
        command.insert(command.end(), options.begin(), options.end());
        const auto status = start(command).wait(seconds(20));
        return status ? status->code : -1;
    };
    EXPECT_EQ(refusal({"--kills", "0"}), 64);
    EXPECT_EQ(refusal({"--kills", "12x"}), 64);
    EXPECT_EQ(refusal({"--seed"}), 64);
    EXPECT_EQ(refusal({"--isolate", "chroot"}), 64);
    EXPECT_EQ(refusal({"--sabotage", "luck"}), 64);
    EXPECT_EQ(refusal({"--frobnicate"}), 64);
    EXPECT_EQ(refusal({"--below", dir.file("nowhere")}), 69);
    EXPECT_EQ(said("--kills 12x: not understood"), 1) << read_file(console);
    EXPECT_EQ(said("nowhere"), 1) << read_file(console);
}

TEST_F(Selftest, WithoutStandardDescriptorsItIsTheSame) {
    const auto status =
        start({"sh", "-c", "exec \"$0\" selftest --kills 5 --below \"$1\" 0<&- 1>&- 2>&-",
               ONELOOP_SUPERVISOR, place})
            .wait(seconds(60));
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, (ExitStatus{0, 0}));
    EXPECT_TRUE(place_is_empty());
}

TEST_F(Selftest, ItsHelpersAreNotForPeople) {
    ASSERT_TRUE(start({ONELOOP_SUPERVISOR, "--help"}).wait(seconds(20)));
    EXPECT_EQ(said("supervisor selftest"), 1) << read_file(console);
    EXPECT_EQ(said("--selftest-"), 0) << read_file(console);
}

}  // namespace
}  // namespace oneloop::test
