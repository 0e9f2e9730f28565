// instance: when two starts are the same one, and what the second is told.
#include "supervisor/instance.h"

#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

#include "common/flag.h"
#include "tests/unit/environment.h"
#include "tests/unit/in_child.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;
using Command = std::vector<std::string>;

const Command flask = {"python3", "app.py"};

// The working directory belongs to the instance, so each test gets one, and goes back.
class InstanceDirectory : public testing::Test {
  protected:
    InstanceDirectory() { fs::current_path(dir.path()); }
    ~InstanceDirectory() override { fs::current_path(before); }

    static std::string of(const Command& command, const std::string& state_dir = "") {
        return instance_directory(state_dir, command).value();
    }

    const fs::path before = fs::current_path();
    test::TempDir dir;
    test::ScopedEnv no_systemd{"STATE_DIRECTORY", std::nullopt};
};

TEST_F(InstanceDirectory, the_same_start_is_the_same_directory) {
    EXPECT_EQ(of(flask), of(flask));
    EXPECT_TRUE(fs::path(of(flask)).is_absolute());
    EXPECT_EQ(of(flask), test::in_child([] { return of(flask); })) << "in another process too";
}

TEST_F(InstanceDirectory, every_other_command_is_another_directory) {
    const Command commands[] = {
        {"python3", "app.py"},
        {"python3", "app.py", ""},
        {"python3 app.py"},
        {"python3app.py"},
        {"python3", "", "app.py"},
        {"app.py", "python3"},
        {"python3"},
        {""},
        {"python3", "app", ".py"},
        {"python3", "App.py"},
        {},
    };
    std::set<std::string> seen;
    for (const auto& command : commands)
        EXPECT_TRUE(seen.insert(of(command)).second);
}

TEST_F(InstanceDirectory, every_other_working_directory_is_another_directory) {
    const std::string here = of(flask);
    for (const char* name : {"a", "b"}) {
        fs::create_directories(fs::path(dir.path()) / name / "project");
        fs::current_path(fs::path(dir.path()) / name / "project");
        EXPECT_NE(of(flask), here);
    }
    const std::string in_b = of(flask);
    fs::current_path(fs::path(dir.path()) / "a" / "project");
    EXPECT_NE(of(flask), in_b) << "the same last part";
    fs::current_path(dir.path());
    EXPECT_EQ(of(flask), here);
}

TEST_F(InstanceDirectory, a_symbolic_link_to_the_working_directory_changes_nothing) {
    fs::create_directory(dir / "real");
    fs::create_directory_symlink("real", dir / "link");
    fs::current_path(dir / "real");
    const std::string real = of(flask);
    fs::current_path(dir / "link");
    EXPECT_EQ(of(flask), real);
}

TEST_F(InstanceDirectory, no_variable_of_the_terminal_changes_it) {
    const std::string plain = of(flask);
    for (const char* name : {"HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "USER",
                             "LOGNAME", "PWD", "TMPDIR", "SHELL"}) {
        for (const std::optional<std::string>& value :
             {std::optional<std::string>{}, {""}, {"/nonexistent"}, {dir.path()}}) {
            const test::ScopedEnv changed(name, value);
            EXPECT_EQ(of(flask), plain) << name;
        }
    }
}

TEST_F(InstanceDirectory, the_service_managers_directory_is_used) {
    const test::ScopedEnv systemd("STATE_DIRECTORY", "/var/lib/one:/var/lib/two");
    EXPECT_EQ(fs::path(of(flask)).parent_path(), "/var/lib/one");
    for (const char* useless : {"", "relative"}) {
        const test::ScopedEnv other("STATE_DIRECTORY", useless);
        EXPECT_NE(fs::path(of(flask)).parent_path(), useless);
        EXPECT_TRUE(fs::path(of(flask)).is_absolute());
    }
}

TEST_F(InstanceDirectory, the_users_word_wins) {
    const test::ScopedEnv systemd("STATE_DIRECTORY", "/var/lib/one");
    EXPECT_EQ(of(flask, "/x/y"), "/x/y");
    EXPECT_EQ(of({"other"}, "/x/y"), "/x/y");
    EXPECT_EQ(of(flask, "/x/./z/../y"), "/x/y");
    const std::string cwd = fs::current_path().string();
    EXPECT_EQ(of(flask, "state"), cwd + "/state");
    EXPECT_EQ(of(flask, "./state"), cwd + "/state");
}

TEST_F(InstanceDirectory, a_working_directory_that_is_gone_is_an_error) {
    fs::create_directory(dir / "gone");
    fs::current_path(dir / "gone");
    fs::remove(dir / "gone");
    const auto result = instance_directory("", flask);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ENOENT);
    EXPECT_EQ(result.error().what.rfind("current directory: ", 0), 0U);
}

TEST_F(InstanceDirectory, bug_a_long_working_directory_still_gives_a_name_that_can_be_made) {
    const std::string name(NAME_MAX, 'n');
    fs::create_directory(dir / name);
    fs::current_path(dir / name);
    EXPECT_LE(fs::path(of(flask)).filename().string().size(), std::size_t{NAME_MAX});
}

class OpenInstance : public testing::Test {
  protected:
    test::TempDir dir;
    const std::string state = dir / "a/b/state";
};

TEST_F(OpenInstance, holds_the_lock_and_says_who_it_is) {
    auto instance = open_instance(state, flask);
    ASSERT_TRUE(instance.has_value()) << instance.error().what;
    EXPECT_EQ(instance->directory, state);
    EXPECT_EQ(instance->lock.path(), state + "/" + flag::supervisor_lock_name);
    const auto record = instance->lock.read();
    EXPECT_EQ(record.pid, ::getpid());
    EXPECT_EQ(record.command, "python3 app.py");
    EXPECT_EQ(record.instance, instance->uuid);
    EXPECT_GT(record.since, 1'700'000'000);
    EXPECT_EQ(fs::status(state).permissions(), fs::perms::owner_all);
}

TEST_F(OpenInstance, a_second_process_is_told_who_runs) {
    auto instance = open_instance(state, flask);
    ASSERT_TRUE(instance.has_value());
    const std::string pid = std::to_string(::getpid());
    const std::string told = test::in_child([this] {
        const auto second = open_instance(state, flask);
        if (second) return std::string("it runs twice");
        return std::to_string(second.error().code) + " " + second.error().what;
    });
    EXPECT_EQ(
        told.rfind(std::to_string(EWOULDBLOCK) + " already running: pid " + pid + ", since ", 0),
        0U)
        << told;
    EXPECT_NE(told.find(": python3 app.py\n"), std::string::npos) << told;
    EXPECT_NE(told.find("kill " + pid), std::string::npos) << told;
    EXPECT_EQ(instance->lock.read().pid, ::getpid()) << "the second wrote nothing";
}

TEST_F(OpenInstance, the_uuid_stays_over_starts) {
    std::set<std::string> seen;
    for (int start = 0; start < 5; ++start) {
        const auto instance = open_instance(state, flask);
        ASSERT_TRUE(instance.has_value()) << instance.error().what;
        EXPECT_EQ(instance->uuid.size(), 36U);
        EXPECT_EQ(std::count(instance->uuid.begin(), instance->uuid.end(), '-'), 4);
        seen.insert(instance->uuid);
    }
    EXPECT_EQ(seen.size(), 1U);
    const auto other = open_instance(dir / "other", flask);
    ASSERT_TRUE(other.has_value());
    EXPECT_FALSE(seen.contains(other->uuid));
}

TEST_F(OpenInstance, a_damaged_uuid_is_made_anew) {
    ASSERT_TRUE(open_instance(state, flask).has_value());
    for (const char* damaged :
         {"", "\n", "short\n", "01234567-89ab-cdef-0123-456789abcdef-long\n"}) {
        test::write_file(state + "/instance", damaged);
        const auto instance = open_instance(state, flask);
        ASSERT_TRUE(instance.has_value()) << instance.error().what;
        EXPECT_EQ(instance->uuid.size(), 36U);
        EXPECT_EQ(test::read_file(state + "/instance"), instance->uuid + "\n");
    }
}

TEST_F(OpenInstance, a_directory_open_to_others_is_refused) {
    fs::create_directories(state);
    fs::permissions(state, fs::perms::all);
    const auto instance = open_instance(state, flask);
    ASSERT_FALSE(instance.has_value());
    EXPECT_EQ(instance.error().code, EPERM);
}

TEST_F(OpenInstance, a_file_in_the_way_is_an_error) {
    test::write_file(dir / "a", "");
    const auto instance = open_instance(state, flask);
    ASSERT_FALSE(instance.has_value());
    EXPECT_EQ(instance.error().code, ENOTDIR);
}

TEST(WhoHasOpen, names_other_processes_only) {
    const test::TempDir dir;
    const std::string path = dir / "file";
    test::write_file(path, "");
    const UniqueFd mine(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(who_has_open(path).empty());
    int hold[2];
    ASSERT_EQ(::pipe(hold), 0);
    test::Child other([&] {
        ::close(hold[1]);
        char byte;
        return std::string(::read(hold[0], &byte, 1) == 0 ? "end" : "?");
    });
    EXPECT_EQ(who_has_open(path), std::vector<pid_t>{other.pid()});
    ::close(hold[1]);
    EXPECT_EQ(other.text(), "end");
    EXPECT_TRUE(who_has_open(path).empty());
    EXPECT_TRUE(who_has_open(dir / "nothing").empty());
    ::close(hold[0]);
}

}  // namespace
}  // namespace oneloop
