// Saves of every kind against the real supervisor: the same bytes cost nothing, other bytes are one
// restart each.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

namespace fs = std::filesystem;

class Saves : public SupervisorFixture {
  protected:
    [[nodiscard]] std::string at(const std::string& name) const { return project + "/" + name; }

    // Until a worker runs and every hash is known.
    [[nodiscard]] Process watch(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> options = {"--watch", "-v"};
        options.insert(options.end(), more.begin(), more.end());
        Process supervisor = supervise(options, probe());
        EXPECT_TRUE(wait_for_starts(1)) << read_file(console);
        EXPECT_TRUE(wait_until([&] { return said("content of the watched files is known") >= 1; },
                               seconds(20)))
            << read_file(console);
        return supervisor;
    }
    [[nodiscard]] bool said_unchanged(const std::string& name) const {
        return wait_until(
            [&] { return said("unchanged: " + name + " (saved, same content)") == 1; },
            seconds(10));
    }
    static void touch(const std::string& path) {
        const UniqueFd fd(::open(path.c_str(), O_WRONLY));  // as touch(1) does
        ASSERT_TRUE(fd);
        ASSERT_EQ(::futimens(fd.get(), nullptr), 0);
    }
};

TEST_F(Saves, TheSameBytesRestartNothingAndALineSaysSo) {
    const std::vector<std::string> names = {"plain.py", "touched.py", "chmod.py",   "read.py",
                                            "temp.py",  "vim.py",     "deleted.py", "moved.py"};
    for (const auto& name : names)
        write_file(at(name), "text of " + name);
    auto supervisor = watch();

    write_file(at("plain.py"), "text of plain.py");
    EXPECT_TRUE(said_unchanged("plain.py")) << read_file(console);
    touch(at("touched.py"));
    EXPECT_TRUE(said_unchanged("touched.py")) << read_file(console);
    ASSERT_EQ(::chmod(at("chmod.py").c_str(), 0755), 0);
    EXPECT_EQ(read_file(at("read.py")), "text of read.py");
    // Formatters, sed -i and most editors.
    write_file(at("sedAbCdEf"), "text of temp.py");
    fs::rename(at("sedAbCdEf"), at("temp.py"));
    EXPECT_TRUE(said_unchanged("temp.py")) << read_file(console);
    fs::rename(at("vim.py"), at("vim.py~"));
    write_file(at("vim.py"), "text of vim.py");
    fs::remove(at("vim.py~"));
    EXPECT_TRUE(said_unchanged("vim.py")) << read_file(console);
    fs::remove(at("deleted.py"));
    write_file(at("deleted.py"), "text of deleted.py");
    EXPECT_TRUE(said_unchanged("deleted.py")) << read_file(console);
    write_file(dir.file("elsewhere"), "text of moved.py");
    fs::rename(dir.file("elsewhere"), at("moved.py"));
    EXPECT_TRUE(said_unchanged("moved.py")) << read_file(console);

    // One restart in all, for the one that has other bytes.
    write_file(at("plain.py"), "text of plain.pY");
    ASSERT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_TRUE(wait_until([&] { return said("changed: plain.py; worker") == 1; }, seconds(5)));
    EXPECT_EQ(said("(generation "), 2) << read_file(console);
    EXPECT_EQ(said("chmod.py") + said("read.py"), 0);
    stop(supervisor);
}

TEST_F(Saves, ControlWithoutContentEverySaveRestarts) {
    auto supervisor = supervise({"--watch", "--content", "off"}, probe());
    ASSERT_TRUE(wait_for_starts(1));
    write_file(source, read_file(source));
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(said("unchanged:"), 0);
    stop(supervisor);
}

// Known bytes are no news to a worker that has read them; one that could not start has read none.
TEST_F(Saves, AProgramThatComesBackAsItWasStartsTheWorkerThatWaitsForIt) {
    const std::string program = at("run/app");
    const auto install = [&] {
        std::string script = "#!/bin/sh\nexec";
        for (const auto& word : probe())
            script += " '" + word + "'";
        write_file(at("run/new"), script + "\n");
        ASSERT_EQ(::chmod(at("run/new").c_str(), 0700), 0);
        fs::rename(at("run/new"), program);
    };
    for (const char* name : {"run", "src"})
        fs::create_directory(at(name));
    install();
    auto supervisor = supervise({"--watch", "src", "-v"}, {"run/app"});
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    ASSERT_TRUE(wait_until([&] { return said("content of the watched files is known") >= 1; },
                           seconds(20)));
    fs::remove(program);
    for (const auto& worker : living(mark, is_worker))
        ::kill(worker.pid, SIGKILL);
    ASSERT_TRUE(wait_until([&] { return said("waiting for a change") == 1; }, seconds(20)))
        << read_file(console);
    install();
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    EXPECT_EQ(said("unchanged"), 0) << read_file(console);
    stop(supervisor);
}

TEST_F(Saves, OtherBytesOfTheSameSizeAndAnOlderTimeRestart) {
    write_file(source, "one");
    auto supervisor = watch();
    write_file(dir.file("copy"), "two");
    const timespec old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, dir.file("copy").c_str(), old, 0), 0);
    fs::rename(dir.file("copy"), source);
    EXPECT_TRUE(wait_for_starts(2)) << read_file(console);
    stop(supervisor);
}

// A file that was saved while nothing is known of it yet: it counts.
TEST_F(Saves, WhileTheWorkerStartsEverySaveOfAYoungFileThatDiffersCounts) {
    auto supervisor = supervise({"--watch"}, probe());
    for (int round = 1; round <= 10; ++round) {
        ASSERT_TRUE(wait_for_starts(round)) << round << "\n" << read_file(console);
        vary_the_moment(round);
        write_file(source, std::to_string(round % 2));  // one byte, back and forth
    }
    EXPECT_TRUE(wait_for_starts(11)) << read_file(console);
    stop(supervisor);
}

TEST_F(Saves, AFileGivenByNameIsFollowedThroughSixReplacements) {
    auto supervisor = supervise({"--watch", source}, probe());
    ASSERT_TRUE(wait_for_starts(1)) << read_file(console);
    for (int round = 1; round <= 6; ++round) {
        vary_the_moment(round);
        if (round <= 3) {
            write_file(at("app.py.new"), std::to_string(round));
            fs::rename(at("app.py.new"), source);
        } else {
            fs::rename(source, at("app.py~"));
            write_file(source, std::to_string(round));
            fs::remove(at("app.py~"));
        }
        ASSERT_TRUE(wait_for_starts(round + 1)) << round << "\n" << read_file(console);
    }
    EXPECT_FALSE(wait_for_starts(8, milliseconds(500))) << read_file(console);
    stop(supervisor);
}

TEST_F(Saves, FiftyAppendsWithinASecondAreAFewRestartsAndTheLastWorkerHasThemAll) {
    // It says what it has read at its start.
    auto supervisor = supervise(
        {"--watch"}, {"sh", "-c", "echo READ $(wc -l <grows.txt) >>\"$0\"; exec sleep 1000", log});
    ASSERT_TRUE(wait_until([&] { return logged("READ") == 1; }, seconds(10)));
    for (int i = 0; i < 50; ++i) {
        const UniqueFd fd(::open(at("grows.txt").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600));
        ASSERT_EQ(::write(fd.get(), "line\n", 5), 5);
        let_pass(milliseconds(20));
    }
    EXPECT_TRUE(wait_until([&] { return logged("READ 50") == 1; }, seconds(10)))
        << read_file(log) << read_file(console);
    EXPECT_LE(logged("READ"), 4) << read_file(console);
    stop(supervisor);
}

}  // namespace
}  // namespace oneloop::test
