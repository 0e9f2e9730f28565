// ServerFixture: the real supervisor and a real server below it, with the programs of
// tests/e2e/servers in the project.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/supervisor_fixture.h"

namespace oneloop::test {

using Words = std::vector<std::string>;

class ServerFixture : public SupervisorFixture {
  protected:
    ServerFixture() {
        ::unlink(source.c_str());
        // Two edits within a second, of one size, are one to Python's cache.
        ::setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
        ::setenv("IMPORT_LOG", imports.c_str(), 1);
    }

    void put(const std::string& file) const {
        write_file(project + "/" + file, read_file(std::string(ONELOOP_SERVERS) + "/" + file));
    }
    void replace(const std::string& file, const std::string& old, const std::string& now) const {
        const std::string path = project + "/" + file;
        std::string text = read_file(path);
        ASSERT_NE(text.find(old), std::string::npos);
        text.replace(text.find(old), old.size(), now);
        write_file(path + ".new", text);
        ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
    }
    [[nodiscard]] bool serves(const std::string& text) const {
        return wait_until([&] { return http_get(port, "/").body.find(text) == 0; }, seconds(30));
    }
    [[nodiscard]] bool answers(int status) const {
        return wait_until([&] { return http_get(port, "/").status == status; }, seconds(30));
    }
    [[nodiscard]] Words on_port(Words options) const {
        options.insert(options.end(), {"--socket", "127.0.0.1:" + std::to_string(port)});
        return options;
    }
    static bool is_python(const Seen& seen) { return seen.command.find("/usr/bin/python3 ") == 0; }

    std::string imports = dir.file("imports");
    int port = free_port();
};

}  // namespace oneloop::test
