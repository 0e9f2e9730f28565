// Real servers from Debian's packages, unmodified, below the supervisor: each of them serves on the
// socket that it was handed, is started again for an edit, and ends cleanly.
#include <gtest/gtest.h>

#include <tuple>

#include "tests/support/server_fixture.h"

namespace oneloop::test {
namespace {

// ---- every server that takes a socket ----

struct Server {
    const char* name;
    const char* file;
    Words command;
    const char* preset;  // recognised
    Words options = {};
};

const std::vector<Server>& servers() {
    static const std::vector<Server> all = {
        {"UvicornByFd", "asgi.py", {"/usr/bin/uvicorn", "asgi:app", "--fd", "3"}, "uvicorn"},
        {"UvicornAsModule",
         "asgi.py",
         {"/usr/bin/python3", "-m", "uvicorn", "asgi:app", "--fd", "3"},
         "uvicorn"},
        {"GunicornByListenFds", "wsgi.py", {"/usr/bin/gunicorn", "wsgi:app"}, "gunicorn"},
        {"GunicornByFdAddress",
         "wsgi.py",
         {"/usr/bin/gunicorn", "-b", "fd://3", "wsgi:app"},
         "gunicorn"},
        {"Node", "server.js", {"/usr/bin/node", "server.js"}, "node"},
    };
    return all;
}

class Servers : public ServerFixture,
                public testing::WithParamInterface<std::tuple<Server, std::string>> {};

TEST_P(Servers, ServesOnOurSocketThroughAnEdit) {
    const auto& [server, how] = GetParam();
    isolation = how;
    put(server.file);
    auto supervisor = supervise(on_port({"--watch"}), server.command);
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    EXPECT_EQ(said(std::string("recognised ") + server.preset + ": "), 1) << read_file(console);
    const std::string socket = listening_socket(port);
    ASSERT_NE(socket, "");
    replace(server.file, "version 1", "version 2");
    ASSERT_TRUE(serves("version 2")) << read_file(console);
    EXPECT_EQ(listening_socket(port), socket) << "it opened one of its own";
    EXPECT_EQ(said("(generation 2)"), 1) << read_file(console);
    stop(supervisor);
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    EXPECT_EQ(said("killed"), 0) << read_file(console);
}

// The same without our socket: between two workers nobody listens, and the measure sees it.
TEST_P(Servers, ControlWithoutOurSocketNobodyListens) {
    const auto& [server, how] = GetParam();
    isolation = how;
    put(server.file);
    auto supervisor = supervise({"--watch", "--preset", "none"}, server.command);
    EXPECT_TRUE(wait_until([&] { return said("worker ") > 0; }, seconds(20)));
    EXPECT_EQ(listening_socket(port), "");
    EXPECT_EQ(http_get(port, "/").outcome, HttpReply::Outcome::refused);
    stop(supervisor);
}

std::string name_of(const testing::TestParamInfo<Servers::ParamType>& info) {
    return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param);
}
// By LISTEN_FDS a server is told its own pid, and in a PID namespace that is another one.
INSTANTIATE_TEST_SUITE_P(Each, Servers,
                         testing::Combine(testing::ValuesIn(servers()),
                                          testing::Values("auto", "subreaper")),
                         name_of);

// ---- a start that fails ----

class FailedStart : public ServerFixture, public testing::WithParamInterface<Server> {};

// With 3, gunicorn says that its worker did not boot, and was started again ten times at once.
TEST_P(FailedStart, IsACrashAndNoRequestForARestart) {
    const auto& server = GetParam();
    put(server.file);
    replace(server.file, "import os", "import os, nothing_of_that_name");
    auto supervisor = supervise(on_port({"--watch", "--on-crash", "wait"}), server.command);
    ASSERT_TRUE(wait_until([&] { return said("crashed: exit ") > 0; }, seconds(30)))
        << read_file(console);
    EXPECT_EQ(said("asked for a restart"), 0) << read_file(console);
    EXPECT_EQ(said("(generation 2)"), 0) << read_file(console);
    replace(server.file, "import os, nothing_of_that_name", "import os");
    EXPECT_TRUE(serves("version 1")) << read_file(console);
    stop(supervisor);
}
INSTANTIATE_TEST_SUITE_P(Each, FailedStart, testing::Values(servers()[0], servers()[2]),
                         [](const auto& each) { return std::string(each.param.name); });

// ---- Flask ----

class FlaskRun : public ServerFixture {
  protected:
    FlaskRun() {
        write_file(source,
                   "from flask import Flask\napp = Flask(__name__)\n"
                   "@app.route('/')\ndef index(): return 'version 1'\n");
    }
    const Words run = {"/usr/bin/python3",  "-m", "flask", "--app", "app", "run", "-p",
                       std::to_string(port)};
    [[nodiscard]] Words with(const std::string& option) const {
        Words command = run;
        command.push_back(option);
        return command;
    }
};

TEST_F(FlaskRun, IsRecognisedAndGetsTheSocketThatItAsksFor) {
    auto supervisor = supervise({"--watch"}, with("--no-reload"));
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    EXPECT_EQ(said("recognised flask: "), 1) << read_file(console);
    EXPECT_EQ(said("socket http 127.0.0.1:" + std::to_string(port) + " -> fd 3"), 1);
    EXPECT_EQ(living(mark, is_python).size(), 1U);
    replace("app.py", "version 1", "version 2");
    ASSERT_TRUE(serves("version 2")) << read_file(console);
    stop(supervisor);
}

TEST_F(FlaskRun, ItsOwnReloaderWatches) {
    auto supervisor = supervise({}, with("--reload"));
    ASSERT_TRUE(serves("version 1")) << read_file(console);
    EXPECT_EQ(living(mark, is_python).size(), 1U) << "one process, not Werkzeug's two";
    replace("app.py", "version 1", "version 2");
    ASSERT_TRUE(serves("version 2")) << read_file(console);
    EXPECT_EQ(said("asked for a restart (exit 3); restarting"), 1) << read_file(console);
    stop(supervisor);
}

TEST_F(FlaskRun, ABrokenImportAnswers500AndLives) {
    replace("app.py", "from flask", "import nothing_of_that_name\nfrom flask");
    auto supervisor = supervise({"--watch"}, with("--no-reload"));
    ASSERT_TRUE(answers(500)) << read_file(console);
    EXPECT_TRUE(answers(500)) << "and lives";
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
    replace("app.py", "import nothing_of_that_name\n", "");
    EXPECT_TRUE(serves("version 1")) << read_file(console);
    stop(supervisor);
}

TEST_F(FlaskRun, ControlWithoutThePresetABrokenImportIsACrash) {
    replace("app.py", "from flask", "import nothing_of_that_name\nfrom flask");
    auto supervisor =
        supervise({"--watch", "--preset", "none", "--on-crash", "wait"}, with("--no-reload"));
    ASSERT_TRUE(wait_until([&] { return said("crashed: exit ") > 0; }, seconds(30)))
        << read_file(console);
    EXPECT_EQ(http_get(port, "/").outcome, HttpReply::Outcome::refused);
    stop(supervisor);
}

// ---- Django ----

class Django : public ServerFixture {
  protected:
    Django() { put("manage.py"); }
    const std::string at = "127.0.0.1:" + std::to_string(port);
    const Words run = {"/usr/bin/python3", "manage.py", "runserver", at};
    const Words run_alone = {"/usr/bin/python3", "manage.py", "runserver", "--noreload", at};
    [[nodiscard]] int imported() const { return count(read_file(imports), "IMPORT"); }
    // Django loses an edit that comes before its first look at the file.
    [[nodiscard]] bool watches() const {
        const std::string seen = "manage.py first seen";
        return wait_until([&] { return read_file(watched).find(seen) != std::string::npos; },
                          seconds(30));
    }
    const std::string watched = imports + ".watched";
    [[nodiscard]] bool serves_version(const std::string& version) const {
        return serves("version " + version);
    }
};

TEST_F(Django, WeWatch) {
    auto supervisor = supervise({"--watch"}, run_alone);
    ASSERT_TRUE(serves_version("1")) << read_file(console);
    EXPECT_EQ(said("recognised django: "), 1) << read_file(console);
    EXPECT_EQ(count(read_file(imports), "flag=true"), 1) << read_file(imports);
    replace("manage.py", "version 1", "version 2");
    ASSERT_TRUE(serves_version("2")) << read_file(console);
    EXPECT_EQ(imported(), 2) << read_file(imports);
    stop(supervisor);
    EXPECT_EQ(said("crashed"), 0) << read_file(console);
}

TEST_F(Django, ItWatches) {
    auto supervisor = supervise({}, run);
    ASSERT_TRUE(serves_version("1")) << read_file(console);
    EXPECT_EQ(living(mark, is_python).size(), 1U) << "one process, not Django's two";
    ASSERT_TRUE(watches()) << read_file(watched);
    replace("manage.py", "version 1", "version 2");
    ASSERT_TRUE(serves_version("2")) << read_file(console);
    EXPECT_EQ(said("asked for a restart (exit 3); restarting"), 1) << read_file(console);
    EXPECT_EQ(imported(), 2) << read_file(imports);
    stop(supervisor);
}

TEST_F(Django, ControlAloneItIsTwoProcesses) {
    auto alone = start(run);
    ASSERT_TRUE(serves_version("1")) << read_file(console);
    EXPECT_EQ(living(mark, is_python).size(), 2U);
    EXPECT_EQ(imported(), 2) << "the module runs twice";
    leftovers_expected = true;
}

}  // namespace
}  // namespace oneloop::test
