// recognition: what is recognised and, above all, what is not.
#include "supervisor/recognition.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace oneloop {
namespace {

std::vector<std::string> words(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> result;
    for (std::string word; in >> word;)
        result.push_back(word);
    return result;
}

std::string found(const std::string& command) {
    const Preset* preset = recognise(words(command));
    return preset ? std::string(preset->name) : "";
}

TEST(Recognition, what_each_framework_is_started_with) {
    const std::pair<const char*, const char*> table[] = {
        {"flask run", "flask"},
        {"/usr/bin/flask run --debug", "flask"},
        {"flask --app app run", "flask"},
        {"flask --app=app --debug run --no-reload", "flask"},
        {"flask -A app -e .env run -p 80", "flask"},
        {"python3 -m flask run", "flask"},
        {"/usr/bin/python3.11 -X dev -W error -u -m flask --app app run", "flask"},
        {"python -um flask run", "flask"},
        {"python3 /usr/bin/flask run", "flask"},
        {"python3 manage.py runserver", "django"},
        {"./manage.py runserver --noreload 8000", "django"},
        {"python3 site/manage.py runserver", "django"},
        {"django-admin runserver", "django"},
        {"python3 -m django runserver --settings x", "django"},
        {"uvicorn app:app --fd 3", "uvicorn"},
        {"python3 -m uvicorn app:app", "uvicorn"},
        {"gunicorn app:app", "gunicorn"},
        {"python3 -m gunicorn -b fd://3 app:app", "gunicorn"},
        {"node x.js", "node"},
        {"/usr/bin/nodejs --enable-source-maps x.js", "node"},
        {"pypy3 -m flask run", "flask"},
    };
    for (const auto& [command, preset] : table)
        EXPECT_EQ(found(command), preset) << command;
}

TEST(Recognition, nothing_else_is) {
    for (const char* command : {"",
                                "./app",
                                "worker",
                                "python3",
                                "python3 app.py",
                                "python3 app.py flask run",
                                "python3 -c flask run",
                                "python3 -Ic flask run",
                                "python3 - flask run",
                                "python3 -m",
                                "python3 -m app flask run",
                                "python3 -m flask",
                                "flask",
                                "flask routes",
                                "flask --app run routes",
                                "flask db run",
                                "flask --app run",
                                "run",
                                "flask-run run",
                                "./manage.py migrate",
                                "manage.py shell runserver",
                                "python3 manage.py",
                                "runserver",
                                "env PORT=1 flask run",
                                "sh -c flask",
                                "nodemon x.js",
                                "node18 x.js",
                                "uvicorn.py",
                                "pythonic -m flask run",
                                "python3-dbg -m flask run",
                                "poetry run flask run",
                                "echo uvicorn",
                                "Flask run"}) {
        EXPECT_EQ(found(command), "") << command;
    }
}

TEST(Recognition, every_cut_of_a_command_ends_well) {
    const auto all = words("python3 -X dev -W error -um flask -A app -e x --debug run -p 80 -h ::");
    for (std::size_t size = 0; size <= all.size(); ++size) {
        const std::vector<std::string> cut(all.begin(), all.begin() + static_cast<long>(size));
        const Preset* preset = recognise(cut);
        EXPECT_EQ(preset != nullptr, size >= 13) << size;
        if (preset) default_socket(*preset, cut, [](auto) { return std::string(); });
    }
}

std::string socket_of(const std::string& command,
                      const std::map<std::string_view, std::string>& environment = {}) {
    const auto given = words(command);
    const Preset* preset = recognise(given);
    return default_socket(*preset, given, [&](std::string_view name) {
        const auto at = environment.find(name);
        return at == environment.end() ? std::string() : at->second;
    });
}

TEST(Recognition, flask_listens_where_it_was_told_to) {
    EXPECT_EQ(socket_of("flask run"), "127.0.0.1:5000");
    EXPECT_EQ(socket_of("flask run --port 80"), "127.0.0.1:80");
    EXPECT_EQ(socket_of("flask run --port=80 --host=0.0.0.0"), "0.0.0.0:80");
    EXPECT_EQ(socket_of("flask run -p80 -h ::1"), "[::1]:80");
    EXPECT_EQ(socket_of("flask run --host unix:///run/x"), "unix:/run/x");
    EXPECT_EQ(socket_of("flask --app port run --ported 1"), "127.0.0.1:5000");
    EXPECT_EQ(socket_of("flask run", {{"FLASK_RUN_PORT", "81"}}), "127.0.0.1:81");
    EXPECT_EQ(socket_of("flask run -p 80", {{"FLASK_RUN_PORT", "81"}, {"FLASK_RUN_HOST", "h"}}),
              "h:80");
}

TEST(Recognition, others_get_a_socket_only_when_they_ask_for_the_descriptor) {
    EXPECT_EQ(socket_of("uvicorn app:app"), "");
    EXPECT_EQ(socket_of("uvicorn app:app --port 80"), "");
    EXPECT_EQ(socket_of("uvicorn app:app --fd 3"), "127.0.0.1:8000");
    EXPECT_EQ(socket_of("uvicorn app:app --fd=3"), "127.0.0.1:8000");
    EXPECT_EQ(socket_of("uvicorn app:app --fdx 3"), "");
    EXPECT_EQ(socket_of("gunicorn app:app"), "");
    EXPECT_EQ(socket_of("gunicorn -b 0.0.0.0:80 app:app"), "");
    EXPECT_EQ(socket_of("gunicorn -b fd://3 app:app"), "127.0.0.1:8000");
    EXPECT_EQ(socket_of("gunicorn --bind=fd://3 app:app"), "127.0.0.1:8000");
    EXPECT_EQ(socket_of("node x.js"), "");
    EXPECT_EQ(socket_of("./manage.py runserver"), "");
}

TEST(Recognition, an_asked_for_preset_has_its_socket_whatever_the_command) {
    const auto nothing = [](auto) { return std::string(); };
    EXPECT_EQ(default_socket(*find_preset("flask"), words("python3 app.py -p 80"), nothing),
              "127.0.0.1:5000");
    EXPECT_EQ(default_socket(*find_preset("none"), words("flask run"), nothing), "");
}

}  // namespace
}  // namespace oneloop
