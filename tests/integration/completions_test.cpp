// --completions, loaded into the shells that they are for.
#include "tests/support/shell_on_pty.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {
namespace {

class Completions : public SupervisorFixture {
  protected:
    [[nodiscard]] std::string script(const std::string& shell) const {
        const std::string path = dir.file("completions." + shell);
        Process made({{ONELOOP_SUPERVISOR, "--completions", shell}, "", {}, path});
        EXPECT_EQ(made.wait(seconds(10)), (ExitStatus{0, 0}));
        EXPECT_GT(read_file(path).size(), 1000U);
        return path;
    }
    // What a shell prints, errors too.
    [[nodiscard]] std::string run(const std::vector<std::string>& command) const {
        const std::string path = dir.file("output");
        write_file(path, "");
        Process shell({command, project, {}, path});
        EXPECT_TRUE(shell.wait(seconds(20))) << command.front();
        return read_file(path);
    }
    [[nodiscard]] std::string bash(const std::string& path, const std::string& words) const {
        return run({"bash", "--norc", "-c",
                    "source " + path + "\ncompopt() { :; }\nCOMP_WORDS=(" + words +
                        ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_supervisor\n"
                        "printf '%s\\n' \"${COMPREPLY[@]}\""});
    }
    [[nodiscard]] std::string fish(const std::string& path, const std::string& line) const {
        return run(
            {"fish", "--no-config", "-c", "source " + path + "; complete -C '" + line + "'"});
    }
};

TEST_F(Completions, Bash) {
    const std::string path = script("bash");
    EXPECT_EQ(bash(path, "supervisor --on-ex"), "--on-exit\n");
    EXPECT_EQ(bash(path, "supervisor --on-exit r"), "restart\n");
    EXPECT_EQ(bash(path, "supervisor --on-exit = r"), "restart\n");
    EXPECT_EQ(bash(path, "supervisor --on-exit ''"), "wait\nrestart\nexit\n");
    EXPECT_EQ(bash(path, "supervisor sta"), "status\n");
    EXPECT_EQ(bash(path, "supervisor --watch ap"), "app.py\n");
    EXPECT_EQ(bash(path, "supervisor -w ap"), "app.py\n");
    EXPECT_EQ(bash(path, "supervisor --watch --fl"), "--flask\n");
    EXPECT_GE(count(bash(path, "supervisor -- bash"), "bash\n"), 1) << "a command of one's own";
    EXPECT_EQ(bash(path, "supervisor -- x --on-ex"), "\n") << "whose options are not ours";
}

TEST_F(Completions, Fish) {
    const std::string path = script("fish");
    EXPECT_EQ(count(fish(path, "supervisor --on-ex"), "--on-exit"), 1);
    EXPECT_EQ(fish(path, "supervisor --on-exit r").find("restart\t"), 0U);
    EXPECT_EQ(count(fish(path, "supervisor --on-exit "), "\n"), 3);
    EXPECT_EQ(count(fish(path, "supervisor sta"), "status\t"), 1);
    EXPECT_EQ(fish(path, "supervisor --watch ap"), "app.py\n");
    EXPECT_EQ(fish(path, "supervisor -w ap"), "app.py\n");
    EXPECT_EQ(count(fish(path, "supervisor --watch --fl"), "--flask"), 1);
    EXPECT_EQ(count(fish(path, "supervisor -- x --on-ex"), "--on-exit"), 0);
}

TEST_F(Completions, Zsh) {
    const std::string path = script("zsh");
    const std::string buffer = dir.file("buffer");
    ShellOnPty shell(project);
    shell.type("PS1='z''sh> ' zsh -f -i\n");
    ASSERT_TRUE(shell.wait_for("zsh> ")) << shell.screen();
    // Ctrl-X tells what has become of the line.
    shell.type("save() { print -r -- \"$BUFFER\" >| " + buffer +
               "; }; zle -N save; bindkey '^X' save\n");
    shell.type("autoload -Uz compinit; compinit -u -D; source " + path + "; echo load''ed\n");
    ASSERT_TRUE(shell.wait_for("loaded")) << shell.screen();
    const auto becomes = [&](const std::string& typed, const std::string& line) {
        write_file(buffer, "");
        shell.type("\x15" + typed + "\t\x18");
        EXPECT_TRUE(wait_until([&] { return read_file(buffer) == line + "\n"; }, seconds(15)))
            << typed << " became " << read_file(buffer) << shell.screen();
    };
    becomes("supervisor --on-ex", "supervisor --on-exit=");
    becomes("supervisor --on-exit r", "supervisor --on-exit restart ");
    becomes("supervisor --on-exit=r", "supervisor --on-exit=restart ");
    becomes("supervisor --fl", "supervisor --flask ");
    becomes("supervisor doc", "supervisor doctor ");
    becomes("supervisor --watch ap", "supervisor --watch app.py ");
    becomes("supervisor -- cat ap", "supervisor -- cat app.py ");
    shell.type("\x15 exit\n");
    ASSERT_TRUE(shell.wait_for("prompt$ "));
}

// Without them nothing of ours is completed: what the tests above see is ours.
TEST_F(Completions, ControlWithoutThemAShellKnowsNothing) {
    EXPECT_EQ(
        count(run({"fish", "--no-config", "-c", "complete -C 'supervisor --on-ex'"}), "--on-exit"),
        0);
    EXPECT_EQ(run({"bash", "--norc", "-c", "complete -p supervisor 2>/dev/null"}), "");
}

TEST_F(Completions, AnotherShellIsRefused) {
    EXPECT_EQ(count(run({ONELOOP_SUPERVISOR, "--completions", "tcsh"}), "--completions"), 1);
}

}  // namespace
}  // namespace oneloop::test
